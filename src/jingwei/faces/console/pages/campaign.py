"""One campaign: the box to try prompts in, what was tried and found, the leaderboard; one try; one find."""

from typing import get_args

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import InputError, JingweiError, Refused, Unavailable
from jingwei.core.finding import Severity
from jingwei.core.text import text
from jingwei.develop.evaluate.taxonomy import place_title
from jingwei.faces.console.caller import Asking, Caller, Posted, Sent, problem, shows
from jingwei.faces.console.pages.campaigns import find_line
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.campaigns import CampaignView, FindView, RankLine, TryLine, TryView
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import Campaign, System, TriageDecision, may
from jingwei.platform import Work, find_classes

router = APIRouter()
_TRIES = 50


def campaign_view(campaign_id: str, caller: Asking) -> CampaignView:
    """Show one campaign."""
    with caller.reading() as work:
        return _campaign(work, campaign_id, caller, FRESH)


def _campaign(work: Work, campaign_id: str, caller: Caller, form: Form) -> CampaignView:
    found, names = work.campaigns.campaign(campaign_id), account_names(work)
    system = work.registry.system(found.system_id)
    return CampaignView(
        campaign=found, system=system.name, target=work.campaign_targets.target(found.target_id),
        by=names.get(found.started_by, "—"), form=form, may=frozenset(_open_to(found, system, caller)),
        tries=tuple(TryLine(attempt=each, who=names.get(each.account_id, each.participant))
                    for each in work.campaign_tries.attempts(found.id, actor=caller.actor, limit=_TRIES)),
        finds=tuple(find_line(each, names) for each in work.finds.finds(campaign_id=found.id, actor=caller.actor)),
        ranks=tuple(RankLine(rank=each, who=names.get(each.account_id, each.participant))
                    for each in work.finds.leaderboard(found.id, actor=caller.actor)),
    )  # fmt: skip


def _open_to(found: Campaign, system: System, caller: Caller) -> list[str]:
    """List what a visitor is offered; the services decide what is done."""
    own, actor, domain = found.started_by == caller.actor.id, caller.actor, system.domain
    offers = {
        "open": found.state == "draft" and own,
        "close": found.state != "closed" and (own or may(actor, "campaign.target", domain=domain)),
        "try": found.running and may(actor, "campaign.join", domain=domain),
        "export": may(actor, "campaign.triage", domain=domain),
    }
    return [name for name, offered in offers.items() if offered]


router.add_api_route("/campaigns/{campaign_id}", shows("campaign.html", campaign_view))


@router.post("/campaigns/{campaign_id}")
def act(campaign_id: str, caller: Asking, sent: Posted) -> Response:
    """Try a prompt, open, close or export."""
    try:
        match sent["act"]:
            case "open":
                with caller.work("campaign.open") as work:
                    work.campaigns.open(campaign_id, actor=caller.actor)
            case "close":
                with caller.work("campaign.close") as work:
                    work.campaigns.close(campaign_id, actor=caller.actor)
                caller.publish()
            case "export":
                with caller.work("campaign.export") as work:
                    made = work.find_suites.export(campaign_id, actor=caller.actor)
                return Response(made.content, media_type="application/yaml", headers={
                    "Content-Disposition": f'attachment; filename="{made.name}"'})  # fmt: skip
            case _:
                found = caller.platform.campaigning.attempt(campaign_id, sent["prompt"], actor=caller.actor)
                return RedirectResponse(f"/campaigns/tries/{found.id}", 303)
    except (Refused, InputError, Unavailable) as error:
        return _again(campaign_id, caller, sent, error)
    return RedirectResponse(f"/campaigns/{campaign_id}", 303)


def _again(campaign_id: str, caller: Caller, sent: Sent, error: JingweiError) -> Response:
    with caller.reading() as work:
        field = "prompt" if error.field == "prompt" else ""
        view = _campaign(work, campaign_id, caller, sent.form(Problem(field=field, message=error.message)))
    return caller.page.render("campaign.html", status=422, view=view)


def try_view(try_id: str, caller: Asking) -> TryView:
    """Show one try."""
    with caller.reading() as work:
        return _try(work, try_id, caller, FRESH)


def _try(work: Work, try_id: str, caller: Caller, form: Form) -> TryView:
    found, names = work.campaign_tries.attempt(try_id, actor=caller.actor), account_names(work)
    campaign = work.campaigns.campaign(found.campaign_id)
    finds = work.finds.finds(campaign_id=campaign.id, actor=caller.actor, limit=campaign.requests)
    find_id = next((each.id for each in finds if each.attempt.id == found.id), "")
    return TryView(
        attempt=found, campaign=campaign, who=names.get(found.account_id, found.participant), find_id=find_id,
        classes=tuple(Choice(value=each, label=place_title(each)) for each in find_classes()), form=form,
        may_submit=found.mine and found.state == "answered" and campaign.state == "open" and not find_id,
    )  # fmt: skip


router.add_api_route("/campaigns/tries/{try_id}", shows("try.html", try_view))


@router.post("/campaigns/tries/{try_id}")
def submit(try_id: str, caller: Asking, sent: Posted) -> Response:
    """Submit one's own try as a find."""
    try:
        if problems := sent.missing("category", "reason"):
            return _try_again(try_id, caller, sent, *problems)
        with caller.work("campaign.submit") as work:
            made = work.finds.submit(try_id, category=sent["category"], reason=sent["reason"], actor=caller.actor)
    except (Refused, InputError) as error:
        return _try_again(try_id, caller, sent, problem(error))
    return RedirectResponse(f"/campaigns/finds/{made.id}", 303)


def _try_again(try_id: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _try(work, try_id, caller, sent.form(*problems))
    return caller.page.render("try.html", status=422, view=view)


def find_view(find_id: str, caller: Asking) -> FindView:
    """Show one find."""
    with caller.reading() as work:
        return _find(work, find_id, caller, FRESH)


def _find(work: Work, find_id: str, caller: Caller, form: Form) -> FindView:
    found, names = work.finds.find(find_id, actor=caller.actor), account_names(work)
    campaign, system = work.campaigns.campaign(found.campaign_id), work.registry.system(found.system_id)
    triages = may(caller.actor, "campaign.triage", domain=system.domain)
    others = work.finds.finds(system_id=system.id, actor=caller.actor)
    return FindView(
        line=find_line(found, names), campaign=campaign, system=system.name, form=form,
        triaged_by=names.get(found.triaged_by, ""), mended_by=names.get(found.mended_by, ""),
        others=tuple(Choice(value=each.id, label=f"{each.id[:12]}… · {each.category} · {each.participant}")
                     for each in others if each.id != found.id and each.state != "duplicate"),
        may_triage=triages and found.state == "submitted" and not found.mine,
        may_mend=triages and found.state == "accepted",
    )  # fmt: skip


router.add_api_route("/campaigns/finds/{find_id}", shows("find.html", find_view))


@router.post("/campaigns/finds/{find_id}")
def decide(find_id: str, caller: Asking, sent: Posted) -> Response:
    """Triage a find, or say what was done about it."""
    try:
        if sent["act"] == "mend":
            with caller.work("campaign.mend") as work:
                work.finds.mend(find_id, note=sent["note"], actor=caller.actor)
            return RedirectResponse(f"/campaigns/finds/{find_id}", 303)
        decision = next((each for each in get_args(TriageDecision) if each == sent["decision"]), None)
        if decision is None:
            chosen = Problem(field="decision", message=text(f"{PACKAGE}:form.choose"))
            return _find_again(find_id, caller, sent, chosen)
        severity = Severity(sent["severity"]) if sent["severity"] in set(Severity) else None
        with caller.work("campaign.triage") as work:
            work.finds.triage(find_id, decision, severity=severity, duplicate_of=sent["duplicate_of"],
                              note=sent["note"], actor=caller.actor)  # fmt: skip
    except (Refused, InputError) as error:
        return _find_again(find_id, caller, sent, problem(error))
    return RedirectResponse(f"/campaigns/finds/{find_id}", 303)


def _find_again(find_id: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _find(work, find_id, caller, sent.form(*problems))
    return caller.page.render("find.html", status=422, view=view)
