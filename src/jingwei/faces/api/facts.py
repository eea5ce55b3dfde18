"""The intake's questions, and a System's answers."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from jingwei.catalog import Fact
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, SystemId
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.manage import HeldFact

router = APIRouter(tags=["intake"], route_class=KeyedRoute, responses=refusals())


class Answers(Given):
    """Answers by the name of the fact."""

    facts: dict[str, str] = Field(min_length=1)


@router.get("/intake/form", **said("faces.api:show-form"))
def show_form(caller: Asking) -> tuple[Fact, ...]:
    """Show the questions with their possible answers."""
    with caller.reading() as work:
        return work.intake.form()


@router.get("/systems/{system_id}/facts", **said("faces.api:list-facts"))
def list_facts(caller: Asking, system_id: SystemId) -> tuple[HeldFact, ...]:
    """List the facts that count."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return work.intake.facts(system_id)


@router.patch("/systems/{system_id}/facts", **said("faces.api:answer-facts"))
def answer_facts(
    caller: Asking, system_id: SystemId, answers: Annotated[Answers, given("answer-facts")]
) -> tuple[HeldFact, ...]:
    """Answer some or all facts."""
    with caller.work("fact.answer") as work:
        held = work.intake.answer(system_id, answers.facts, actor=caller.actor)
    caller.publish()
    return held
