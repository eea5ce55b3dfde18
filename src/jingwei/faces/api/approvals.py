"""Tool calls of agents that wait for a person."""

from typing import Annotated

from fastapi import APIRouter, Query

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import ApprovalId, Confirmed, OfSystem, Reason, proven
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, line, said
from jingwei.manage import ApprovalRecord, ApprovalState

router = APIRouter(tags=["agents"], route_class=KeyedRoute, responses=refusals())

InState = Annotated[ApprovalState | None, Query(alias="state", description=line("faces.api:of-state"))]


@router.get("/approvals", **said("faces.api:list-approvals"))
def list_approvals(
    caller: Asking, system_id: OfSystem = None, state: InState = None, offset: Offset = 0, limit: Limit = PAGE
) -> Page[ApprovalRecord]:
    """List held calls, newest first."""
    with caller.reading() as work:
        return page(work.approvals.approvals(system_id, state=state), offset=offset, limit=limit)


@router.get("/approvals/{approval_id}", **said("faces.api:show-approval"))
def show_approval(caller: Asking, approval_id: ApprovalId) -> ApprovalRecord:
    """Show one held call."""
    with caller.reading() as work:
        return work.approvals.approval(approval_id)


@router.post("/approvals/{approval_id}/approve", **said("faces.api:approve-call"))
def approve_call(
    caller: Asking, approval_id: ApprovalId, confirmed: Annotated[Confirmed, given("approve-call")]
) -> ApprovalRecord:
    """Let a call pass once, with password and code."""
    proof = proven(caller, confirmed, purpose=approval_id)
    with caller.work("approval.approve") as work:
        approved = work.approvals.approve(approval_id, actor=caller.actor, proof=proof)
    caller.publish()
    return approved


@router.post("/approvals/{approval_id}/refuse", **said("faces.api:refuse-call"))
def refuse_call(
    caller: Asking, approval_id: ApprovalId, why: Annotated[Reason, given("refuse-call")]
) -> ApprovalRecord:
    """Say no to a call."""
    with caller.work("approval.refuse") as work:
        return work.approvals.refuse(approval_id, actor=caller.actor, reason=why.reason)
