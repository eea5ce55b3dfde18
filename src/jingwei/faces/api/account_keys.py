"""The caller's own API keys. To make one takes the password: a key that was stolen makes no others."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from jingwei.core.errors import NotFound
from jingwei.core.identity import ApiKey, NewKey
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Confirmed, KeyId, proven
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said

router = APIRouter(prefix="/me/keys", tags=["me"], route_class=KeyedRoute, responses=refusals())

Scope = Annotated[str, Field(pattern=r"^(\*|[a-z]{1,30}\.(\*|[a-z]{1,30}))$")]


class AccountKey(Confirmed):
    """A key to be made: `*`, a right such as `run.start`, or a group of rights such as `run.*`."""

    name: str = Field(min_length=1, max_length=80)
    scopes: tuple[Scope, ...] = Field(min_length=1, max_length=40)
    expires_at: AwareDatetime | None = None


@router.get("", **said("faces.api:list-my-keys"))
def list_my_keys(caller: Asking) -> list[ApiKey]:
    """List the caller's keys, without the keys."""
    with caller.reading() as work:
        return work.keys.keys(account_id=caller.actor.id)


@router.post("", status_code=HTTPStatus.CREATED, **said("faces.api:make-my-key"))
def make_my_key(caller: Asking, key: Annotated[AccountKey, given("make-my-key")]) -> NewKey:
    """Make a key for the caller's account, with password and code; it is shown once."""
    proven(caller, key, purpose="key.make")
    with caller.work("key.make") as work:
        return work.keys.make(key.name, scopes=frozenset(key.scopes), account_id=caller.actor.id,
                              expires_at=key.expires_at)  # fmt: skip


@router.delete("/{key_id}", status_code=HTTPStatus.NO_CONTENT, **said("faces.api:revoke-my-key"))
def revoke_my_key(caller: Asking, key_id: KeyId) -> None:
    """End one of the caller's keys."""
    with caller.work("key.revoke") as work:
        if key_id not in {each.id for each in work.keys.keys(account_id=caller.actor.id)}:
            raise NotFound("core.identity:key-unknown", field="key", key=key_id)
        work.keys.revoke(key_id)
