"""Tokens: listed, revoked; and Systems stopped or retired with them."""

from typing import Annotated

from fastapi import APIRouter

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Reason, SystemId, TokenId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said
from jingwei.manage import System, TokenRecord

router = APIRouter(tags=["tokens"], route_class=KeyedRoute, responses=refusals())


@router.get("/systems/{system_id}/tokens", **said("faces.api:list-tokens"))
def list_tokens(caller: Asking, system_id: SystemId, offset: Offset = 0, limit: Limit = PAGE) -> Page[TokenRecord]:
    """List the tokens of a System, newest first."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return page(work.tokens.tokens(system_id), offset=offset, limit=limit)


@router.post("/tokens/{token_id}/revoke", **said("faces.api:revoke-token"))
def revoke_token(caller: Asking, token_id: TokenId, why: Annotated[Reason, given("revoke-token")]) -> TokenRecord:
    """Revoke one token."""
    with caller.work("token.revoke") as work:
        revoked = work.tokens.revoke(token_id, actor=caller.actor, reason=why.reason)
    caller.publish()
    return revoked


@router.post("/systems/{system_id}/suspend", **said("faces.api:suspend-system"))
def suspend_system(caller: Asking, system_id: SystemId, why: Annotated[Reason, given("suspend-system")]) -> System:
    """Stop a live System and revoke its tokens."""
    with caller.work("system.suspend") as work:
        suspended = work.tokens.suspend(system_id, actor=caller.actor, reason=why.reason)
    caller.publish()
    return suspended


@router.post("/systems/{system_id}/retire", **said("faces.api:retire-system"))
def retire_system(caller: Asking, system_id: SystemId, why: Annotated[Reason, given("retire-system")]) -> System:
    """Retire a System for good and revoke its tokens."""
    with caller.work("system.retire") as work:
        retired = work.tokens.retire(system_id, actor=caller.actor, reason=why.reason)
    caller.publish()
    return retired
