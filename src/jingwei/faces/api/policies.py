"""Guard policies: compiled from a System's grade, never written by hand."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from jingwei.core.policy import Policy, ToolRule
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, SystemId
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.manage import AttachedPolicy, GuardEntry

router = APIRouter(prefix="/systems/{system_id}", tags=["policies"], route_class=KeyedRoute, responses=refusals())


class Guard(Given):
    """What the organisation adds to what the grade demands; what is not told stays as it is in force."""

    guard: GuardEntry | None = None
    tools: Sequence[ToolRule] | None = Field(default=None, max_length=1000)


@router.get("/policy", **said("faces.api:show-policy"))
def show_policy(caller: Asking, system_id: SystemId) -> Policy | None:
    """Show the policy in force; null where there is none."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return work.policies.in_force(system_id)


@router.put("/policy", **said("faces.api:attach-policy"))
def attach_policy(
    caller: Asking, system_id: SystemId, wanted: Annotated[Guard, given("attach-policy")]
) -> AttachedPolicy:
    """Compile a policy and put it in force."""
    with caller.work("policy.attach") as work:
        attached = work.guarding.attach(system_id, actor=caller.actor, guard=wanted.guard, tools=wanted.tools)
    caller.publish()
    return attached


@router.post("/policy/preview", **said("faces.api:preview-policy"))
def preview_policy(caller: Asking, system_id: SystemId, wanted: Annotated[Guard, given("attach-policy")]) -> Policy:
    """Compile a policy without putting it in force."""
    with caller.reading() as work:
        return work.guarding.compile(system_id, guard=wanted.guard, tools=wanted.tools)


@router.get("/policies", **said("faces.api:list-policies"))
def list_policies(caller: Asking, system_id: SystemId) -> list[AttachedPolicy]:
    """List all policies a System has had, newest first."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return work.policies.history(system_id)
