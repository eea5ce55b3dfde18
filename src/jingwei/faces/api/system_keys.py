"""Keys with which applications are served by the gateway."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from jingwei.core.identity import ApiKey, NewKey
from jingwei.core.policy import Limits
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, KeyId, SystemId
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said

router = APIRouter(tags=["keys"], route_class=KeyedRoute, responses=refusals())


class SystemKey(Given):
    """A key to be made."""

    name: str = Field(min_length=1, max_length=80)
    expires_at: AwareDatetime | None = None


@router.get("/systems/{system_id}/keys", **said("faces.api:list-system-keys"))
def list_system_keys(caller: Asking, system_id: SystemId) -> list[ApiKey]:
    """List a System's keys, without the keys."""
    with caller.reading() as work:
        work.registry.system(system_id)
        return work.keys.keys(system_id=system_id)


@router.post("/systems/{system_id}/keys", status_code=HTTPStatus.CREATED, **said("faces.api:make-system-key"))
def make_system_key(caller: Asking, system_id: SystemId, key: Annotated[SystemKey, given("make-system-key")]) -> NewKey:
    """Make a key that the gateway serves this System for; it is shown once."""
    with caller.work("key.make") as work:
        made = work.registry.make_key(system_id, key.name, actor=caller.actor, expires_at=key.expires_at)
    caller.publish()
    return made


class Terms(Given):
    """Whom a key is counted for, and what it may use."""

    tenant: str = Field(default="", max_length=80)
    limits: Limits | None = None


@router.put("/system-keys/{key_id}/terms", **said("faces.api:set-key-terms"))
def set_key_terms(caller: Asking, key_id: KeyId, terms: Annotated[Terms, given("set-key-terms")]) -> ApiKey:
    """Say whom a System's key is counted for, and what it may use."""
    with caller.work("key.terms") as work:
        found = work.registry.set_key_terms(key_id, actor=caller.actor, tenant=terms.tenant, limits=terms.limits)
    caller.publish()
    return found


@router.delete("/system-keys/{key_id}", status_code=HTTPStatus.NO_CONTENT, **said("faces.api:revoke-system-key"))
def revoke_system_key(caller: Asking, key_id: KeyId) -> None:
    """End a System's key."""
    with caller.work("key.revoke") as work:
        work.registry.revoke_key(key_id, actor=caller.actor)
    caller.publish()
