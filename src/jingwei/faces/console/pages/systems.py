"""The list of Systems, and the intake: registering one, and answering its facts again."""

from collections.abc import Mapping
from datetime import datetime

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from jingwei.catalog import Fact
from jingwei.core.errors import InputError, JingweiError
from jingwei.core.text import text
from jingwei.faces.console.caller import Asked, Asking, Caller, Posted, problem, shows
from jingwei.faces.console.pages.board import judged, stand
from jingwei.faces.console.views.listing import Listing, Query, listed
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Problem
from jingwei.faces.console.views.systems import IntakeView, Question, SystemLine, SystemsView, Topic
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import GateVerdict, State, System, SystemFile, may
from jingwei.platform import Work

router = APIRouter()
_TOPICS: Mapping[str, tuple[str, ...]] = {
    "action": ("autonomy", "tools"),
    "impact": ("customer_funds", "institution_funds", "market_impact", "life_health", "rights_decision",
               "critical_infra", "opinion", "red_line"),
    "users": ("public_facing", "scale", "minors", "companion", "cross_border"),
    "data": ("personal_info", "important_data"),
    "model": ("model_origin", "cap_cyber", "cap_cbrn", "cap_persuasion", "cap_autonomy"),
}  # fmt: skip


def systems_view(caller: Asking, asked: Asked) -> SystemsView:
    """List the Systems, narrowed by search, state, grade, and step of the loop."""
    with caller.reading() as work:
        if _by_grade(asked):
            work.survey()
        found = [system for system in _asked_for(caller, work, asked) if _wanted(system, asked)]
        grades = {system.id: _grade(work, system.id) for system in found} if _by_grade(asked) else {}
        if grade := asked.filter("grade"):
            found = [system for system in found if str(grades[system.id]) == grade]
        order = {
            "name": lambda system: system.name, "grade": lambda system: grades.get(system.id) or 0,
            "status": lambda system: system.status, "changed": lambda system: _changed(work, system),
        }  # fmt: skip
        listing = listed(found, asked, order=order)
        names = account_names(work)
        lines = tuple(_line(system, work, names) for system in listing.rows)
    return SystemsView(listing=Listing(rows=lines, total=listing.total, query=listing.query))


def _asked_for(caller: Caller, work: Work, asked: Query) -> list[System]:
    step, status = asked.filter("step"), asked.filter("status")
    if step:
        return [each.system for each in stand(caller, work) if each.step == step]
    return [system for system in work.registry.systems(status=status or None) if status or system.status != "retired"]


def _by_grade(asked: Query) -> bool:
    return bool(asked.filter("grade")) or asked.sort.removeprefix("-") == "grade"


def _grade(work: Work, system_id: str) -> int | None:
    try:
        return work.grading.preview(system_id).grade
    except JingweiError:
        return None


def account_names(work: Work) -> dict[str, str]:
    """Return what to call each account."""
    return {account.id: account.display_name or account.login for account in work.accounts.accounts()}


def _wanted(system: System, asked: Query) -> bool:
    wanted, status = asked.q.lower(), asked.filter("status")
    return (not wanted or wanted in system.name.lower() or wanted in system.domain.lower()) and (
        not status or system.status == status
    )


def _line(system: System, work: Work, names: Mapping[str, str]) -> SystemLine:
    verdict = judged(work, system.id)[0] if system.status != "retired" else None
    proven, required = count_proven(verdict)
    changed = _changed(work, system)
    return SystemLine(id=system.id, name=system.name, domain=system.domain, owner=names.get(system.owner_id, "—"),
                      status=system.status, grade=verdict.grade if verdict else None, proven=proven,
                      required=required, changed_at=changed)  # fmt: skip


def count_proven(verdict: GateVerdict | None) -> tuple[int, int]:
    """Count how much of what a lane requires is valid."""
    items = verdict.items if verdict else ()
    return sum(1 for item in items if item.state is State.VALID), len(items)


def _changed(work: Work, system: System) -> datetime:
    newest = work.grading.newest(system.id)
    return newest.at if newest else system.created_at


def questions(facts: tuple[Fact, ...], found: Mapping[str, str]) -> tuple[Topic, ...]:
    """Put the catalogue's questions under their topics; a fact of an organisation's own rules comes last."""
    by_name = {fact.id: fact for fact in facts}
    placed = {name for names in _TOPICS.values() for name in names}
    groups = [*_TOPICS.items(), ("other", tuple(name for name in by_name if name not in placed))]
    topics = []
    for key, names in groups:
        asked = tuple(_question(by_name[name], found.get(name, "")) for name in names if name in by_name)
        if asked:
            topics.append(Topic(key=key, questions=asked))
    return tuple(topics)


def _question(fact: Fact, scanned: str) -> Question:
    choices = tuple(Choice(value=value.id, label=value.label) for value in fact.values)
    return Question(name=fact.id, title=fact.question, help="", choices=choices, from_scan=scanned)


def intake_view(caller: Asking) -> IntakeView:
    """Ask who the System is, and every fact."""
    return _intake(caller, FRESH)


def _intake(caller: Caller, form: Form) -> IntakeView:
    with caller.reading() as work:
        return IntakeView(topics=questions(work.intake.form(), {}), form=form)


router.add_api_route("/systems", shows("systems.html", systems_view))
router.add_api_route("/systems/new", shows("intake.html", intake_view))


@router.post("/systems/new")
def register(caller: Asking, sent: Posted) -> Response:
    """Register and grade a System; what is wrong is shown at its field and every answer is kept."""
    facts = tuple(caller.platform.catalog.grading_rules().facts.values())
    problems = sent.missing("name", "purpose") + unanswered(facts, sent.values)
    if not problems:
        try:
            return RedirectResponse(f"/systems/{_registered(caller, sent, facts)}", 303)
        except InputError as error:
            problems = (problem(error, otherwise="name"),)
        except ValidationError as error:
            problems = tuple(_invalid(str(fault["loc"][-1])) for fault in error.errors())
    return caller.page.render("intake.html", status=422, view=_intake(caller, sent.form(*problems)))


def _invalid(field: str) -> Problem:
    return Problem(field={"url": "upstream_url", "model": "upstream_model"}.get(field, field),
                   message=text(f"{PACKAGE}:form.invalid"))  # fmt: skip


def _registered(caller: Caller, sent: Posted, facts: tuple[Fact, ...]) -> str:
    file = SystemFile.model_validate({
        "name": sent["name"], "purpose": sent["purpose"], "domain": sent["domain"] or "default",
        "upstream": {"url": sent["upstream_url"], "model": sent["upstream_model"]},
        "facts": {fact.id: sent[fact.id] for fact in facts},
    })  # fmt: skip
    with caller.work("system.register") as work:
        if any(system.name == file.name for system in work.registry.systems()):
            raise InputError(f"{PACKAGE}:intake.name-taken", field="name", name=file.name)
        taken = work.intake.take(file, actor=caller.actor)
        if may(caller.actor, "grade.decide", domain=file.domain, owns=True):
            work.grading.grade(taken.system.id, actor=caller.actor)
        return taken.system.id


def unanswered(facts: tuple[Fact, ...], values: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return a problem for each question without one of its answers."""
    return tuple(
        Problem(field=fact.id, message=text(f"{PACKAGE}:intake.unanswered", question=fact.label))
        for fact in facts
        if values.get(fact.id) not in fact.value_ids
    )


def facts_view(system_id: str, caller: Asking) -> IntakeView:
    """Ask the facts of a registered System again, with its answers filled in."""
    with caller.reading() as work:
        held = {fact.name: fact for fact in work.intake.facts(system_id)}
        form = Form(values={name: fact.overruled or fact.value for name, fact in held.items()})
        return _again(work, system_id, form)


def _again(work: Work, system_id: str, form: Form) -> IntakeView:
    scanned = {fact.name: fact.value for fact in work.intake.facts(system_id) if fact.source == "scan"}
    return IntakeView(topics=questions(work.intake.form(), scanned), form=form, system_id=system_id,
                      system_name=work.registry.system(system_id).name)  # fmt: skip


router.add_api_route("/systems/{system_id}/facts", shows("intake.html", facts_view))


@router.post("/systems/{system_id}/facts")
def answer(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Answer the facts again, and grade again."""
    known = tuple(caller.platform.catalog.grading_rules().facts.values())
    problems = unanswered(known, sent.values)
    if not problems:
        try:
            with caller.work("fact.answer") as work:
                work.intake.answer(system_id, {fact.id: sent[fact.id] for fact in known}, actor=caller.actor)
                domain = work.registry.system(system_id).domain
                if may(caller.actor, "grade.decide", domain=domain, owns=_owns(work, system_id, caller)):
                    work.grading.grade(system_id, actor=caller.actor)
            return RedirectResponse(f"/systems/{system_id}", 303)
        except JingweiError as error:
            problems = (problem(error),)
    with caller.reading() as work:
        view = _again(work, system_id, sent.form(*problems))
    return caller.page.render("intake.html", status=422, view=view)


def _owns(work: Work, system_id: str, caller: Caller) -> bool:
    system = work.registry.system(system_id)
    return caller.actor.id in {system.owner_id, system.registered_by}
