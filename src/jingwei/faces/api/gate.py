"""The gate: its verdict, requests, signatures and releases."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Confirmed, OfSystem, RequestId, SystemId, proven
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, line, said
from jingwei.manage import GateVerdict, ReleaseRequest, TokenRecord

router = APIRouter(tags=["gate"], route_class=KeyedRoute, responses=refusals())


class Signing(Confirmed):
    """One person's vote, with the password (and code) given again for it."""

    role: str = Field(min_length=1, max_length=40)
    approves: bool = True
    comment: str = Field(default="", max_length=4000)


InState = Annotated[Literal["open", "released", "rejected", "withdrawn", "lapsed"] | None,
                    Query(alias="status", description=line("faces.api:of-status"))]  # fmt: skip


@router.get("/systems/{system_id}/gate", **said("faces.api:show-verdict"))
def show_verdict(caller: Asking, system_id: SystemId) -> GateVerdict:
    """Judge a System as it is now."""
    with caller.reading() as work:
        return work.gate.verdict(system_id)


@router.post("/systems/{system_id}/requests", status_code=HTTPStatus.CREATED, **said("faces.api:open-request"))
def open_request(caller: Asking, system_id: SystemId) -> ReleaseRequest:
    """Ask for a release."""
    with caller.work("release.request") as work:
        return work.gate.open_request(system_id, actor=caller.actor)


@router.get("/requests", **said("faces.api:list-requests"))
def list_requests(
    caller: Asking, system_id: OfSystem = None, status: InState = None, offset: Offset = 0, limit: Limit = PAGE
) -> Page[ReleaseRequest]:
    """List release requests, newest first."""
    with caller.reading() as work:
        return page(work.gate.requests(system_id, status=status), offset=offset, limit=limit)


@router.get("/requests/{request_id}", **said("faces.api:show-request"))
def show_request(caller: Asking, request_id: RequestId) -> ReleaseRequest:
    """Show a request with its votes."""
    with caller.reading() as work:
        return work.gate.request(request_id)


@router.post("/requests/{request_id}/sign", **said("faces.api:sign-request"))
def sign_request(
    caller: Asking, request_id: RequestId, signing: Annotated[Signing, given("sign-request")]
) -> ReleaseRequest:
    """Vote on a request, with password and code."""
    proof = proven(caller, signing, purpose=request_id)
    with caller.work("release.sign") as work:
        return work.gate.sign(request_id, actor=caller.actor, role=signing.role, proof=proof,
                              approves=signing.approves, comment=signing.comment)  # fmt: skip


@router.post("/requests/{request_id}/withdraw", **said("faces.api:withdraw-request"))
def withdraw_request(caller: Asking, request_id: RequestId) -> ReleaseRequest:
    """Take a request back."""
    with caller.work("release.withdraw") as work:
        return work.gate.withdraw(request_id, actor=caller.actor)


@router.post("/requests/{request_id}/release", status_code=HTTPStatus.CREATED, **said("faces.api:release-system"))
def release_system(caller: Asking, request_id: RequestId) -> TokenRecord:
    """Issue the release token."""
    with caller.work("release.issue") as work:
        issued = work.gate.release(request_id, actor=caller.actor)
    caller.publish()
    return issued


@router.get("/requests/{request_id}/replay", **said("faces.api:replay-request"))
def replay_request(caller: Asking, request_id: RequestId) -> GateVerdict:
    """Judge the request's recorded inputs again."""
    with caller.reading() as work:
        return work.gate.replay(request_id)
