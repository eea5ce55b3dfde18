"""Grades that people change: upward freely, downward with two approvers."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Confirmed, Given, OverrideId, SystemId, proven
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.manage import Override

router = APIRouter(tags=["grading"], route_class=KeyedRoute, responses=refusals())


class OtherGrade(Given):
    """Another grade, and why."""

    grade: int = Field(ge=1, le=5)
    reason: str = Field(min_length=1, max_length=4000)
    expires_at: AwareDatetime | None = None
    """For a lower grade: at most a year from now."""


@router.get("/systems/{system_id}/overrides", **said("faces.api:list-overrides"))
def list_overrides(caller: Asking, system_id: SystemId) -> list[Override]:
    """List the overrides of a System, oldest first."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return work.overrides.overrides(system_id)


@router.post("/systems/{system_id}/overrides", status_code=HTTPStatus.CREATED, **said("faces.api:ask-override"))
def ask_override(caller: Asking, system_id: SystemId, other: Annotated[OtherGrade, given("ask-override")]) -> Override:
    """Ask for another grade."""
    with caller.work("override.ask") as work:
        asked = work.overrides.ask(system_id, other.grade, reason=other.reason, actor=caller.actor,
                                   expires_at=other.expires_at)  # fmt: skip
    caller.publish()
    return asked


@router.post("/overrides/{override_id}/approve", **said("faces.api:approve-override"))
def approve_override(
    caller: Asking, override_id: OverrideId, confirmed: Annotated[Confirmed, given("approve-override")]
) -> Override:
    """Approve a lower grade, with password and code."""
    proof = proven(caller, confirmed, purpose=override_id)
    with caller.work("override.approve") as work:
        approved = work.overrides.approve(override_id, actor=caller.actor, proof=proof)
    caller.publish()
    return approved


@router.post("/overrides/{override_id}/withdraw", **said("faces.api:withdraw-override"))
def withdraw_override(caller: Asking, override_id: OverrideId) -> Override:
    """Withdraw an override, where that does not lower the grade."""
    with caller.work("override.withdraw") as work:
        withdrawn = work.overrides.withdraw(override_id, actor=caller.actor)
    caller.publish()
    return withdrawn
