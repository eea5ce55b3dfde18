"""Evaluations of one System: what its evidence says, by suite and by framework, and starting another run."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import JingweiError
from jingwei.core.text import text
from jingwei.develop.evaluate.evaluated import Evaluated, by_place, newest
from jingwei.develop.evaluate.taxonomy import View
from jingwei.develop.evaluate.taxonomy import views as known_frameworks
from jingwei.faces.console import figures
from jingwei.faces.console.caller import Asking, Caller, Posted, Sent, problem
from jingwei.faces.console.pages.evidence import type_name
from jingwei.faces.console.views.evaluations import EvaluationsView, Framework, SuiteChoice, SuiteLine
from jingwei.faces.console.views.parts import FRESH, Form, Problem
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import may
from jingwei.platform import CheckRun, Through, Work

router = APIRouter()
_CHOSEN = "suite."


def evaluations_view(system_id: str, request: Request, caller: Asking) -> EvaluationsView:
    """Read the evaluations of one System."""
    with caller.reading() as work:
        return _view(work, system_id, caller, asked=request.query_params)


def _view(work: Work, system_id: str, caller: Caller, *, asked: Mapping[str, str], form: Form = FRESH,
          ) -> EvaluationsView:  # fmt: skip
    system = work.registry.system(system_id)
    every = work.evaluations.of(system_id)
    latest = newest(every)
    kinds = {each.guarded for each in latest}
    guarded = asked["through"] == "gateway" if asked.get("through") in {"gateway", "model"} else True in kinds
    shown = [each for each in latest if each.guarded is guarded]
    frameworks = tuple(_framework(view, shown) for view in known_frameworks())
    touched = [each for each in frameworks if each.touched]
    framework = next((each for each in touched if each.id == asked.get("view")), touched[0] if touched else None)
    owns = caller.actor.id in {system.owner_id, system.registered_by}
    return EvaluationsView(
        system_id=system.id, system=system.name, guarded=guarded, both=len(kinds) > 1,
        lines=_lines(work, system_id, shown, every, caller), frameworks=tuple(touched), framework=framework,
        spots=tuple(by_place(shown, _known(framework.id))) if framework else (),
        choices=tuple(SuiteChoice(id=each.id, title=each.title, about=each.about,
                                  type=type_name(caller, each.evidence_type)) for each in work.evaluations.suites()),
        may_start=system.status != "retired" and may(caller.actor, "run.start", domain=system.domain, owns=owns),
        may_guarded=work.policies.in_force(system_id) is not None, form=form,
    )  # fmt: skip


def _lines(work: Work, system_id: str, shown: Sequence[Evaluated], every: Sequence[Evaluated],
           caller: Caller) -> tuple[SuiteLine, ...]:  # fmt: skip
    standings = _standings(work, system_id)
    found = []
    for now in shown:
        runs = [each for each in every if (each.type, each.suite) == (now.type, now.suite)]
        before = [each for each in runs if each.guarded is now.guarded and each.at < now.at and each.attempts]
        found.append(SuiteLine(
            now=now, type=type_name(caller, now.type), standing=standings.get(now.evidence_id, ""),
            before=before[0].evidence_id if before and now.attempts else "", runs=tuple(reversed(runs)),
        ))  # fmt: skip
    return tuple(found)


def _standings(work: Work, system_id: str) -> dict[str, str]:
    try:
        return {each.evidence.id: each.standing.state.value for each in work.proof.standings(system_id)}
    except JingweiError:
        return {}  # facts are missing; the System's own page says so


def _known(view_id: str) -> View:
    return next(each for each in known_frameworks() if each.id == view_id)


def _framework(view: View, shown: Sequence[Evaluated]) -> Framework:
    touched = {place.place for each in shown for place in each.places if place.samples} & view.places.keys()
    return Framework(id=view.id, title=view.title, touched=len(touched), places=len(view.places))


@router.get("/systems/{system_id}/evaluations")
def evaluations(caller: Asking, view: Annotated[EvaluationsView, Depends(evaluations_view)]) -> Response:
    """Show them."""
    return caller.page.render("evaluations.html", view=view, figures=figures.of_evaluations(view, caller.wording))


@router.post("/systems/{system_id}/evaluations")
def start(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Record a run of the chosen suites and hand it to the jobs."""
    problems = _unfit(sent)
    if not problems:
        try:
            run = _asked(system_id, caller, sent)
            caller.platform.jobs.enqueue(run.id)
            return RedirectResponse(f"/jobs/{run.id}", 303)
        except JingweiError as error:
            problems = (problem(error, otherwise="suites"),)
    with caller.reading() as work:
        view = _view(work, system_id, caller, asked={}, form=sent.form(*problems))
    drawn = figures.of_evaluations(view, caller.wording)
    return caller.page.render("evaluations.html", status=422, view=view, figures=drawn)


def _unfit(sent: Sent) -> tuple[Problem, ...]:
    choose = text(f"{PACKAGE}:form.choose")
    found: tuple[Problem, ...] = () if _suites(sent) else (Problem(field="suites", message=choose),)
    if sent["through"] not in {"gateway", "model"}:
        found += (Problem(field="through", message=choose),)
    if sent["limit"] and not (
        sent["limit"].isascii() and sent["limit"].isdigit() and 0 < int(sent["limit"]) <= 100_000
    ):
        found += (Problem(field="limit", message=text(f"{PACKAGE}:evaluations.limit.unfit")),)
    return found


def _suites(sent: Sent) -> list[str]:
    return [name.removeprefix(_CHOSEN) for name in sent.values if name.startswith(_CHOSEN)]


def _asked(system_id: str, caller: Caller, sent: Sent) -> CheckRun:
    through: Through = "gateway" if sent["through"] == "gateway" else "model"
    with caller.work("run.start") as work:
        return work.evaluations.ask(system_id, suites=_suites(sent), through=through, actor=caller.actor,
                                    limit=int(sent["limit"]) if sent["limit"] else None)  # fmt: skip
