"""Grades: what the rules say, why, and what would change it."""

from http import HTTPStatus

from fastapi import APIRouter

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import SystemId
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import said
from jingwei.manage import Counterfactual, GradeDecision, RecordedGrade, counterfactuals

router = APIRouter(prefix="/systems/{system_id}/grade", tags=["grading"], route_class=KeyedRoute, responses=refusals())


@router.get("", **said("faces.api:show-grade"))
def show_grade(caller: Asking, system_id: SystemId) -> RecordedGrade | None:
    """Show the newest recorded grade; null before the first."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return work.grading.newest(system_id)


@router.post("", status_code=HTTPStatus.CREATED, **said("faces.api:grade-system"))
def grade_system(caller: Asking, system_id: SystemId) -> RecordedGrade:
    """Grade a System and record why."""
    with caller.work("grade.decide") as work:
        graded = work.grading.grade(system_id, actor=caller.actor)
    caller.publish()
    return graded


@router.get("/preview", **said("faces.api:preview-grade"))
def preview_grade(caller: Asking, system_id: SystemId) -> GradeDecision:
    """Decide from the facts as they are, recording nothing."""
    with caller.reading() as work:
        return work.grading.preview(system_id)


@router.get("/counterfactuals", **said("faces.api:list-counterfactuals"))
def list_counterfactuals(caller: Asking, system_id: SystemId) -> tuple[Counterfactual, ...]:
    """List the single changes of a fact that would change the grade."""
    with caller.reading() as work:
        work.grading.preview(system_id)  # refuses a System whose facts are incomplete
        return counterfactuals(work.desk.rules, {fact.name: fact.value for fact in work.intake.facts(system_id)})
