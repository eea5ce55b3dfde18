"""People who watch agents: they begin with a proof of who they are, and give signs of life."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Confirmed, Given, OfSystem, SystemId, proven
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, line, said
from jingwei.manage import Watcher

router = APIRouter(tags=["agents"], route_class=KeyedRoute, responses=refusals())

_SESSION = r"^([0-9a-f]{64})?$"
OfSession = Annotated[str, Query(alias="session", pattern=_SESSION, description=line("faces.api:of-session"))]


class Beginning(Confirmed):
    """What is watched: one session, or the whole System."""

    session: str = Field(default="", pattern=_SESSION)


class Sign(Given):
    """A sign of life."""

    session: str = Field(default="", pattern=_SESSION)


@router.get("/watch", **said("faces.api:list-watchers"))
def list_watchers(caller: Asking, system_id: OfSystem = None) -> list[Watcher]:
    """List who watches."""
    with caller.reading() as work:
        return work.watching.watchers(system_id)


@router.post("/watch/{system_id}/begin", **said("faces.api:begin-watch"))
def begin_watch(caller: Asking, system_id: SystemId, begun: Annotated[Beginning, given("begin-watch")]) -> Watcher:
    """Begin to watch, with password and code."""
    proof = proven(caller, begun, purpose=system_id)
    with caller.work("watch.begin") as work:
        watcher = work.watching.begin(system_id, actor=caller.actor, proof=proof, session=begun.session)
    caller.publish()
    return watcher


@router.post("/watch/{system_id}", **said("faces.api:sign-of-life"))
def sign_of_life(caller: Asking, system_id: SystemId, sign: Annotated[Sign, given("sign-of-life")]) -> Watcher:
    """Give a sign of life."""
    with caller.work("watch.sign") as work:
        return work.watching.sign(system_id, actor=caller.actor, session=sign.session)


@router.delete("/watch/{system_id}", status_code=HTTPStatus.NO_CONTENT, **said("faces.api:leave-watch"))
def leave_watch(caller: Asking, system_id: SystemId, session: OfSession = "") -> None:
    """Stop watching."""
    with caller.work("watch.leave") as work:
        work.watching.leave(system_id, actor=caller.actor, session=session)
    caller.publish()
