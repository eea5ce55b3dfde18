"""Changing a System's grade by people: asking, approving with re-authentication, withdrawing."""

from collections.abc import Mapping
from datetime import UTC, datetime, time

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import JingweiError
from jingwei.core.identity import Denied
from jingwei.core.text import text
from jingwei.faces.console.caller import Asking, Caller, Posted, problem, shows
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.grade import GradeView, OverrideLine
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import GradeDecision, Override, System, may
from jingwei.platform import Work

router = APIRouter()
_GRADES = ("1", "2", "3", "4", "5")


def grade_view(system_id: str, caller: Asking) -> GradeView:
    """Show the grade in force and what people asked for."""
    with caller.reading() as work:
        return _view(work, system_id, caller, FRESH)


def _view(work: Work, system_id: str, caller: Caller, form: Form) -> GradeView:
    system, names = work.registry.system(system_id), account_names(work)
    decision = work.grading.preview(system_id)
    lines = tuple(
        _line(each, system, decision, caller, names) for each in reversed(work.overrides.overrides(system_id))
    )
    account = next(each for each in work.accounts.accounts() if each.id == caller.actor.id)
    asks = any(_may(caller, right, system) for right in ("grade.raise", "grade.lower"))
    return GradeView(system_id=system_id, system=system.name, grade=decision.grade, computed=decision.computed_grade,
                     lines=lines, may_ask=asks and system.status != "retired", needs_code=account.has_totp,
                     choices=tuple(_choice(each) for each in _GRADES if each != str(decision.grade)),
                     form=form)  # fmt: skip


def _choice(grade: str) -> Choice:
    return Choice(
        value=grade, label=text(f"{PACKAGE}:grade.option", grade=grade, name=text(f"{PACKAGE}:grade.{grade}"))
    )


def _may(caller: Caller, right: str, system: System) -> bool:
    return may(
        caller.actor, right, domain=system.domain, owns=caller.actor.id in {system.owner_id, system.registered_by}
    )


def _line(override: Override, system: System, decision: GradeDecision, caller: Caller, names: Mapping[str, str],
          ) -> OverrideLine:  # fmt: skip
    state = _state(override, decision, caller)
    signs = caller.actor.id not in {override.requested_by, *override.approvers} and any(
        caller.actor.holds(role, system.domain) for role in decision.approver_roles
    )
    return OverrideLine(
        id=override.id, grade=override.grade, reason=override.reason, at=override.created_at,
        asked_by=names.get(override.requested_by, "—"), expires_at=override.expires_at, state=state,
        approvers=tuple(names.get(each, "—") for each in override.approvers),
        may_approve=state == "awaited" and signs,
        may_withdraw=state in {"awaited", "holds"} and _may(caller, "grade.raise", system),
    )  # fmt: skip


def _state(override: Override, decision: GradeDecision, caller: Caller) -> str:
    if override.withdrawn_at is not None:
        return "withdrawn"
    if override.expires_at is not None and override.expires_at <= caller.platform.clock():
        return "ended"
    return "holds" if override.grade == decision.grade else "awaited"


router.add_api_route("/systems/{system_id}/grade", shows("grade.html", grade_view))


@router.post("/systems/{system_id}/grade")
def change(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Ask for another grade, approve one, or withdraw one; then grade again where one may."""
    try:
        match sent["act"]:
            case "approve":
                problems = _approve(caller, sent)
            case "withdraw":
                with caller.work("override.withdraw") as work:
                    work.overrides.withdraw(sent["override"], actor=caller.actor)
                problems = ()
            case _:
                problems = _ask(system_id, caller, sent)
        if not problems:
            _record(system_id, caller)
    except JingweiError as error:
        problems = (problem(error, otherwise="reason" if sent["act"] == "ask" else ""),)
    if not problems:
        return RedirectResponse(f"/systems/{system_id}/grade", 303)
    with caller.reading() as work:
        view = _view(work, system_id, caller, sent.form(*problems))
    return caller.page.render("grade.html", status=422, view=view)


def _ask(system_id: str, caller: Caller, sent: Posted) -> tuple[Problem, ...]:
    problems = sent.missing("reason")
    if sent["grade"] not in _GRADES:
        problems += (Problem(field="grade", message=text(f"{PACKAGE}:form.choose")),)
    expires_at = None
    if sent["expires_at"]:
        try:
            expires_at = datetime.combine(datetime.fromisoformat(sent["expires_at"]).date(), time.max, UTC)
        except ValueError:
            problems += (Problem(field="expires_at", message=text(f"{PACKAGE}:form.invalid")),)
    if not problems:
        with caller.work("override.ask") as work:
            work.overrides.ask(system_id, int(sent["grade"]), reason=sent["reason"], actor=caller.actor,
                               expires_at=expires_at)  # fmt: skip
    return problems


def _approve(caller: Caller, sent: Posted) -> tuple[Problem, ...]:
    problems = sent.missing("password")
    if problems:
        return problems
    proof = caller.proof(sent.values["password"], purpose=sent["override"], code=sent["code"])
    if isinstance(proof, Denied):  # counted and committed
        return (problem(proof.error(), otherwise="password"),)
    with caller.work("override.approve") as work:
        work.overrides.approve(sent["override"], actor=caller.actor, proof=proof)
    return ()


def _record(system_id: str, caller: Caller) -> None:
    """Record the grade that holds now, where this person may; else whoever may does so on the System's page."""
    with caller.reading() as work:
        system = work.registry.system(system_id)
        newest, present = work.grading.newest(system_id), work.grading.preview(system_id)
    if newest is not None and newest.decision.grade != present.grade and _may(caller, "grade.decide", system):
        with caller.work("grade.decide") as work:
            work.grading.grade(system_id, actor=caller.actor)
    caller.publish()
