"""Purple-team campaigns: the list with what may be attacked and what awaits triage; the form that starts one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import InputError, Refused
from jingwei.core.text import text
from jingwei.develop.evaluate.taxonomy import place_title
from jingwei.faces.console.caller import Asking, Caller, Posted, Sent, problem, shows
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.campaigns import CampaignLine, CampaignsView, FindLine, StartView, TargetLine
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import CampaignFind, CampaignTarget, CampaignTerms, System, may
from jingwei.platform import Work

router = APIRouter()


def campaigns_view(caller: Asking) -> CampaignsView:
    """List campaigns, finds that await triage, and targets."""
    with caller.reading() as work:
        return _campaigns(work, caller, FRESH)


def _campaigns(work: Work, caller: Caller, form: Form) -> CampaignsView:
    systems = {system.id: system for system in work.registry.systems()}
    names = account_names(work)
    return CampaignsView(
        rows=tuple(
            CampaignLine(campaign=each, system=systems[each.system_id].name, by=names.get(each.started_by, "—"))
            for each in work.campaigns.campaigns()
        ),
        waiting=tuple(find_line(each, names) for each in work.finds.finds(actor=caller.actor, state="submitted")),
        targets=tuple(_target_line(each, systems[each.system_id], names, caller)
                      for each in work.campaign_targets.targets()),
        approvable=tuple(Choice(value=each.id, label=each.name) for each in systems.values()
                         if each.status != "retired" and may(caller.actor, "campaign.target", domain=each.domain)),
        form=form,
    )  # fmt: skip


def _target_line(found: CampaignTarget, system: System, names: Mapping[str, str], caller: Caller) -> TargetLine:
    other = found.approved_by != caller.actor.id
    return TargetLine(
        target=found, system=system.name, by=names.get(found.approved_by, "—"),
        may_start=found.stands and other and may(caller.actor, "campaign.join", domain=system.domain),
        may_withdraw=found.withdrawn_at is None and may(caller.actor, "campaign.target", domain=system.domain),
    )  # fmt: skip


def find_line(found: CampaignFind, names: Mapping[str, str]) -> FindLine:
    """Return a find as lists show it."""
    return FindLine(find=found, category=place_title(found.category),
                    who=names.get(found.account_id, found.participant))  # fmt: skip


router.add_api_route("/campaigns", shows("campaigns.html", campaigns_view))


@router.post("/campaigns")
def approve(caller: Asking, sent: Posted) -> Response:
    """Approve a target, or take an approval back."""
    try:
        if sent["act"] == "withdraw":
            with caller.work("campaign.withdraw-target") as work:
                work.campaign_targets.withdraw(sent["target"], actor=caller.actor)
            caller.publish()
            return RedirectResponse("/campaigns", 303)
        if problems := sent.missing("system", "reason"):
            return _again(caller, sent, *problems)
        with caller.work("campaign.target") as work:
            work.campaign_targets.approve(
                sent["system"], kind="endpoint" if sent["kind"] == "endpoint" else "gateway", locator=sent["locator"],
                model=sent["model"], reason=sent["reason"], actor=caller.actor,
            )  # fmt: skip
    except (InputError, Refused) as error:
        return _again(caller, sent, problem(error))
    return RedirectResponse("/campaigns", 303)


def _again(caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _campaigns(work, caller, sent.form(*problems))
    return caller.page.render("campaigns.html", status=422, view=view)


def start_view(target: str, caller: Asking) -> StartView:
    """Show the form that starts a campaign on a target."""
    with caller.reading() as work:
        return _start(work, target, caller, FRESH)


def _start(work: Work, target_id: str, caller: Caller, form: Form) -> StartView:
    target = work.campaign_targets.target(target_id)
    system = work.registry.system(target.system_id)
    return StartView(line=_target_line(target, system, account_names(work), caller), form=form)


@router.get("/campaigns/new")
def starting(caller: Asking, view: Annotated[StartView, Depends(start_view)]) -> Response:
    """Show the form."""
    return caller.page.render("campaign-new.html", view=view)


@router.post("/campaigns/new")
def start(target: str, caller: Asking, sent: Posted) -> Response:
    """Draft a campaign, and open it at once where that is wanted."""
    problems = sent.missing("title", "purpose", "rules")
    numbers = {name: _number(sent[name]) for name in ("requests", "per_minute")}
    moments = {name: _moment(sent[name]) for name in ("starts_at", "ends_at")}
    problems += tuple(Problem(field=name, message=text(f"{PACKAGE}:form.number")) for name, value in numbers.items()
                      if value is None)  # fmt: skip
    problems += tuple(Problem(field=name, message=text(f"{PACKAGE}:campaign.moment-wrong"))
                      for name, value in moments.items() if value is None)  # fmt: skip
    try:
        if problems:
            return _start_again(target, caller, sent, *problems)
        terms = CampaignTerms.model_validate({
            **{name: sent[name][:most] for name, most in (("title", 120), ("purpose", 4000), ("rules", 4000))},
            **numbers, **moments, "leaderboard": sent["leaderboard"] != "off", "named": sent["leaderboard"] == "named",
        })  # fmt: skip
        with caller.work("campaign.start") as work:
            made = work.campaigns.draft(target, terms, actor=caller.actor)
            if sent["act"] == "open":
                made = work.campaigns.open(made.id, actor=caller.actor)
    except (InputError, Refused) as error:
        return _start_again(target, caller, sent, problem(error))
    return RedirectResponse(f"/campaigns/{made.id}", 303)


def _start_again(target: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _start(work, target, caller, sent.form(*problems))
    return caller.page.render("campaign-new.html", status=422, view=view)


def _number(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 8 else None


def _moment(given: str) -> datetime | None:
    """Read a moment as a date field sends it, in UTC."""
    try:
        return datetime.fromisoformat(given).replace(tzinfo=UTC)
    except ValueError:
        return None
