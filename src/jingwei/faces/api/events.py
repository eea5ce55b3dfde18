"""Run-time events: pages, counts, and a live stream that goes on where its reader left off."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from jingwei.core.event import Event
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Moment, OfSystem
from jingwei.faces.api.paging import PAGE, Limit
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import line, said
from jingwei.platform import Count, Events

router = APIRouter(prefix="/events", tags=["events"], route_class=KeyedRoute, responses=refusals())

_ROUND_SECONDS = 1.0
_SIGN_OF_LIFE_ROUNDS = 15
_STREAM = "text/event-stream"
_CURSOR = r"^[A-Za-z0-9_-]{0,64}$"


class Counted(BaseModel):
    """How many events of one kind ended in one decision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    decision: str
    trial: bool
    events: int

    @classmethod
    def of(cls, count: Count) -> "Counted":
        """Show a count."""
        return cls(**count._asdict())


After = Annotated[str | None, Query(pattern=_CURSOR, description=line("faces.api:after"))]
Since = Annotated[Moment | None, Query(description=line("faces.api:since"))]
Last = Annotated[str | None, Header(alias="Last-Event-ID", pattern=_CURSOR, description=line("faces.api:after"))]


@router.get("", **said("faces.api:list-events"))
def list_events(caller: Asking, system_id: OfSystem = None, after: After = None, limit: Limit = PAGE) -> list[Event]:
    """List the newest events, newest first; or those after a cursor, oldest first."""
    if after is None:
        return caller.platform.events.newest(system_id=system_id, limit=limit)
    return caller.platform.events.since(after, system_id=system_id)[:limit]


@router.get("/counts", **said("faces.api:count-events"))
def count_events(caller: Asking, system_id: OfSystem = None, since: Since = None) -> list[Counted]:
    """Count events by kind, decision and whether they belong to a trial."""
    return [Counted.of(each) for each in caller.platform.events.counts(system_id=system_id, after=since)]


@router.get(
    "/stream",
    response_class=StreamingResponse,
    **said("faces.api:stream-events") | {"responses": {200: {"content": {_STREAM: {"schema": {"type": "string"}}}}}},
)
def stream_events(request: Request, caller: Asking, system_id: OfSystem = None, last: Last = None) -> StreamingResponse:
    """Stream events as they come in; a reader that lost the line goes on after its `Last-Event-ID`."""
    events = caller.platform.events
    if last is None:
        newest = events.newest(system_id=system_id, limit=1)
        last = newest[0].id if newest else ""
    seconds: float = request.app.state.stream_seconds
    flow = _flow(events, last, system_id=system_id, ends=time.monotonic() + seconds)
    return StreamingResponse(flow, media_type=_STREAM)


async def _flow(events: Events, cursor: str, *, system_id: str | None, ends: float) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    quiet = 0
    while True:
        found = await run_in_threadpool(events.since, cursor, system_id=system_id)
        for event in found:
            yield f"id: {event.id}\nevent: {event.kind.value}\ndata: {event.model_dump_json()}\n\n"
            cursor = event.id
        quiet = 0 if found else quiet + 1
        if quiet % _SIGN_OF_LIFE_ROUNDS == _SIGN_OF_LIFE_ROUNDS - 1:
            yield ": …\n\n"
        if time.monotonic() >= ends:
            return
        if not found:
            await asyncio.sleep(_ROUND_SECONDS)
