"""Run-time events: pages, counts, and a live stream that goes on where its reader left off."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from jingwei.core.event import Event, EventKind
from jingwei.core.policy import Category, Decision
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Moment, OfSystem
from jingwei.faces.api.paging import PAGE, Limit
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import line, said
from jingwei.platform import Compared, Count, Events, Hits, Narrowed, Session

router = APIRouter(prefix="/events", tags=["events"], route_class=KeyedRoute, responses=refusals())

_ROUND_SECONDS = 1.0
_SIGN_OF_LIFE_ROUNDS = 15
_STREAM = "text/event-stream"
_CURSOR = r"^[A-Za-z0-9_-]{0,64}$"
_SESSION = r"^[0-9a-f]{0,64}$"


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


class Shadowed(BaseModel):
    """How often a candidate would have decided so, where that was enforced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enforced: str
    shadow: str
    events: int

    @classmethod
    def of(cls, compared: Compared) -> "Shadowed":
        """Show a count."""
        return cls(**compared._asdict())


After = Annotated[str | None, Query(pattern=_CURSOR, description=line("faces.api:after"))]
Since = Annotated[Moment | None, Query(description=line("faces.api:since"))]
Until = Annotated[Moment | None, Query(description=line("faces.api:until"))]
Start = Annotated[Moment, Query(alias="since", description=line("faces.api:since"))]
End = Annotated[Moment, Query(alias="until", description=line("faces.api:until"))]
OfDecision = Annotated[Decision | None, Query(alias="decision", description=line("faces.api:of-decision"))]
OfKind = Annotated[EventKind | None, Query(alias="kind", description=line("faces.api:of-kind"))]
OfCategory = Annotated[Category | None, Query(alias="category", description=line("faces.api:of-category"))]
OfDirection = Annotated[
    Literal["inbound", "outbound", "tool"] | None,
    Query(alias="direction", description=line("faces.api:of-direction")),
]
OfSession = Annotated[str, Query(alias="session", pattern=_SESSION, description=line("faces.api:of-session"))]
Trials = Annotated[bool, Query(description=line("faces.api:with-trials"))]
EventId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description=line("faces.api:the-event"))]
CandidateOf = Annotated[
    str, Query(alias="policy", pattern=r"^[0-9a-f]{64}$", description=line("faces.api:shadow-policy"))
]
Last = Annotated[str | None, Header(alias="Last-Event-ID", pattern=_CURSOR, description=line("faces.api:after"))]


def _filters(*, decision: OfDecision = None, kind: OfKind = None, category: OfCategory = None,
             direction: OfDirection = None, session: OfSession = "", since: Since = None,
             until: Until = None, trials: Trials = True) -> Narrowed:  # fmt: skip
    return Narrowed(decision=decision or "", kind=kind or "", category=category or "", direction=direction or "",
                    session=session, since=since, until=until, trials=trials)  # fmt: skip


Filters = Annotated[Narrowed, Depends(_filters)]


@router.get("", **said("faces.api:list-events"))
def list_events(caller: Asking, wanted: Filters, system_id: OfSystem = None, after: After = None,
                limit: Limit = PAGE) -> list[Event]:  # fmt: skip
    """List the newest events, newest first; or those after a cursor, oldest first."""
    if after is None:
        return caller.platform.events.newest(wanted.model_copy(update={"system_id": system_id or ""}), limit=limit)
    found = caller.platform.events.since(after, system_id=system_id)
    return [event for event in found if wanted.admits(event)][:limit]


@router.get("/counts", **said("faces.api:count-events"))
def count_events(caller: Asking, system_id: OfSystem = None, since: Since = None) -> list[Counted]:
    """Count events by kind, decision and whether they belong to a trial."""
    return [Counted.of(each) for each in caller.platform.events.counts(system_id=system_id, after=since)]


@router.get("/sessions", **said("faces.api:list-sessions"))
def list_sessions(caller: Asking, since: Start, system_id: OfSystem = None, limit: Limit = PAGE) -> list[Session]:
    """List sessions of agents and conversations, the latest first."""
    return caller.platform.events.sessions(system_id=system_id or "", since=since, limit=limit)


@router.get("/hits", **said("faces.api:count-hits"))
def count_hits(caller: Asking, since: Start, until: End, system_id: OfSystem = None,
               unit: Annotated[Literal["hour", "day"], Query(description=line("faces.api:the-unit"))] = "hour",
               ) -> Hits:  # fmt: skip
    """Count what the guard found, over time."""
    return caller.platform.events.hits(system_id=system_id or "", since=since, until=until, unit=unit)


@router.get("/compared", **said("faces.api:compare-shadow"))
def compare_shadow(caller: Asking, system_id: Annotated[str, Query(alias="system", pattern=_CURSOR,
                                                                      description=line("faces.api:the-system"))],
                   policy: CandidateOf) -> list[Shadowed]:  # fmt: skip
    """Count what a candidate in the shadow would have decided, beside what was enforced."""
    return [Shadowed.of(each) for each in caller.platform.events.compared(system_id, policy)]


@router.get(
    "/stream",
    response_class=StreamingResponse,
    **said("faces.api:stream-events") | {"responses": {200: {"content": {_STREAM: {"schema": {"type": "string"}}}}}},
)
def stream_events(request: Request, caller: Asking, system_id: OfSystem = None, last: Last = None) -> StreamingResponse:
    """Stream events as they come in; a reader that lost the line goes on after its `Last-Event-ID`."""
    events = caller.platform.events
    if last is None:
        newest = events.newest(Narrowed(system_id=system_id or ""), limit=1)
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


@router.get("/{event_id}", **said("faces.api:show-event"))
def show_event(caller: Asking, event_id: EventId) -> Event:
    """Show one event."""
    return caller.platform.events.event(event_id)
