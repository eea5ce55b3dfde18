"""One candidate policy: what it changes, its replay, the shadow, the signatures, the promotion."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import InputError, JingweiError, Refused
from jingwei.core.identity import Denied
from jingwei.core.interval import wilson
from jingwei.core.text import text
from jingwei.faces.console import figures
from jingwei.faces.console.caller import Asking, Caller, Posted, Sent, problem
from jingwei.faces.console.pages.event import rule_title
from jingwei.faces.console.pages.evidence import type_name
from jingwei.faces.console.pages.policy_parts import change_lines, weaker_names
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.candidates import (
    CandidateView,
    ComparedLine,
    SampleLine,
    SignatureLine,
    TrialLine,
    TrialView,
)  # fmt: skip
from jingwei.faces.console.views.parts import FRESH, Form, Label, Link, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import SIGNERS, Candidate, System, may
from jingwei.platform import Trial, TrialRow, Work, recorded_texts

router = APIRouter()
_SAMPLES = 20


def candidate_view(candidate_id: str, caller: Asking) -> CandidateView:
    """Show one candidate."""
    with caller.reading() as work:
        return _view(work, candidate_id, caller, FRESH)


def _view(work: Work, candidate_id: str, caller: Caller, form: Form) -> CandidateView:
    found = work.candidates.candidate(candidate_id)
    system, names, compared = work.registry.system(found.system_id), account_names(work), work.trials.compare(found.id)
    closed = found.state in {"promoted", "withdrawn"}
    account = next(each for each in work.accounts.accounts() if each.id == caller.actor.id)
    trial = Trial.model_validate(found.trial) if found.trial else None
    return CandidateView(
        id=found.id, system_id=system.id, system=system.name, state=found.state, reason=found.reason,
        by=names.get(found.proposed_by, "—"), at=found.proposed_at, digest=found.digest, covered=found.covered_digest,
        budget=found.false_positive_budget, fits=found.fits, changes=() if closed else change_lines(compared.changes),
        weaker=() if closed else weaker_names(compared.weaker),
        lapses=() if closed else tuple(
            Link(name=type_name(caller, each.type), url=f"/evidence/{each.id}") for each in compared.lapses
        ),
        trial=_trial(trial, caller, found.system_id) if trial else None,
        compared=tuple(ComparedLine(enforced=each.enforced, shadow=each.shadow, events=each.events)
                       for each in caller.platform.events.compared(system.id, found.digest)),
        signatures=tuple(SignatureLine(name=names.get(each.account_id, "—"), at=each.at, holds=each.holds)
                         for each in found.signatures),
        needed=SIGNERS, may=frozenset(_open_to(found, system, caller)), why_not=_why_not(found, caller),
        needs_code=account.has_totp, form=form,
    )  # fmt: skip


def _open_to(found: Candidate, system: System, caller: Caller) -> list[str]:
    """List what a visitor is offered; the services decide what is done."""
    if found.state not in {"draft", "shadow"}:
        return []
    owns = caller.actor.id in {system.owner_id, system.registered_by}
    rights = {"try": "policy.try", "sign": "policy.promote", "promote": "policy.attach", "withdraw": "policy.try"}
    allowed = [name for name, right in rights.items() if may(caller.actor, right, domain=system.domain, owns=owns)]
    if caller.actor.id == found.proposed_by:
        allowed = [name for name in (*allowed, "withdraw") if name != "sign"]
    if not found.fits or any(each.account_id == caller.actor.id and each.holds for each in found.signatures):
        allowed = [name for name in allowed if name != "sign"]
    return allowed if found.signed >= SIGNERS else [name for name in allowed if name != "promote"]


def _why_not(found: Candidate, caller: Caller) -> Label:
    return text("manage:candidate-own") if caller.actor.id == found.proposed_by and found.state == "draft" else ""


def _trial(trial: Trial, caller: Caller, system_id: str) -> TrialView:
    rate = wilson(trial.newly_stopped, trial.passing)
    shown = trial.samples[:_SAMPLES]
    texts = recorded_texts(caller.platform.settings.recordings_path, system_id, {each.recording for each in shown})
    return TrialView(
        state=trial.state, done=min(trial.done, trial.total), total=trial.total, texts=trial.texts,
        passing=trial.passing, least=trial.least, newly_stopped=trial.newly_stopped, newly_passed=trial.newly_passed,
        changed=trial.changed, unjudged=trial.unjudged, everyday_texts=trial.everyday_texts,
        everyday_newly_stopped=trial.everyday_newly_stopped, share=trial.share, low=rate.low, high=rate.high,
        lines=tuple(_trial_line(each) for each in trial.rows),
        samples=tuple(
            SampleLine(text=texts.get(each.recording, ""), direction=each.direction, before=each.before.value,
                       after=each.after.value, rules=tuple(rule_title(rule) for rule in each.rule_ids))
            for each in shown
        ),
        first_at=trial.first_at, last_at=trial.last_at, finished_at=trial.finished_at, error=trial.error,
    )  # fmt: skip


def _trial_line(row: TrialRow) -> TrialLine:
    return TrialLine(direction=row.direction, category=row.category, texts=row.texts, before=row.stopped_before,
                     after=row.stopped_after, newly_stopped=row.newly_stopped, newly_passed=row.newly_passed,
                     changed=row.changed)  # fmt: skip


@router.get("/candidates/{candidate_id}")
def candidate(caller: Asking, view: Annotated[CandidateView, Depends(candidate_view)]) -> Response:
    """Show one candidate."""
    return caller.page.render("candidate.html", view=view, figures=figures.of_candidate(view, caller.wording))


@router.post("/candidates/{candidate_id}")
def act(candidate_id: str, caller: Asking, sent: Posted) -> Response:
    """Replay, shadow, sign, promote or withdraw."""
    try:
        match sent["act"]:
            case "replay":
                caller.platform.replays.start(candidate_id, actor=caller.actor)
            case "shadow" | "unshadow":
                with caller.work("candidate.shadow") as work:
                    work.candidates.shadow(candidate_id, on=sent["act"] == "shadow", actor=caller.actor)
                caller.publish()
            case "promote":
                with caller.work("candidate.promote") as work:
                    work.trials.promote(candidate_id, actor=caller.actor)
                caller.publish()
            case "withdraw":
                with caller.work("candidate.withdraw") as work:
                    work.candidates.withdraw(candidate_id, actor=caller.actor)
                caller.publish()
            case _:
                return _sign(candidate_id, caller, sent)
    except (Refused, InputError) as error:
        return _again(candidate_id, caller, sent, _whole(error))
    return RedirectResponse(f"/candidates/{candidate_id}", 303)


def _sign(candidate_id: str, caller: Caller, sent: Sent) -> Response:
    if problems := sent.missing("password"):
        return _again(candidate_id, caller, sent, *problems)
    proof = caller.proof(sent.values["password"], purpose=candidate_id, code=sent["code"])
    if isinstance(proof, Denied):  # counted and committed
        return _again(candidate_id, caller, sent, problem(proof.error(), otherwise="password"))
    with caller.work("candidate.sign") as work:
        if work.candidates.candidate(candidate_id).covered_digest != sent["covered"]:
            raise Refused(f"{PACKAGE}:error.form-stale")
        work.candidates.sign(candidate_id, actor=caller.actor, proof=proof)
    return RedirectResponse(f"/candidates/{candidate_id}", 303)


def _again(candidate_id: str, caller: Caller, sent: Sent, *problems: Problem) -> Response:
    with caller.reading() as work:
        view = _view(work, candidate_id, caller, sent.form(*problems))
    return caller.page.render("candidate.html", status=422, view=view,
                              figures=figures.of_candidate(view, caller.wording))  # fmt: skip


def _whole(error: JingweiError) -> Problem:
    """Say an error that is about no field of the page's one form."""
    return Problem(field="", message=error.message)
