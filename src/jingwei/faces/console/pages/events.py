"""What the guard did at run time: the newest events, and a stream of those that follow."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from jingwei.core.event import Event, EventKind
from jingwei.core.policy import Category, Decision
from jingwei.faces.console.caller import Asked, Asking, Caller
from jingwei.faces.console.reasons import reason_of
from jingwei.faces.console.views.events import EventGroup, EventLine, EventsView
from jingwei.faces.console.views.listing import Query
from jingwei.faces.console.views.parts import Choice, Stat
from jingwei.platform import Count, Events, Narrowed

router = APIRouter()
PERIOD_SECONDS = 1.0
"""How often the stream looks for new events; one indexed query each."""
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_PAGE = 50
_LONGEST_SECONDS = 300
"""A stream ends then; the browser opens the next one where this one stopped, and a closed session is noticed."""
_REFRESH_SECONDS = 10
_FILTERS = ("system", "decision", "category", "direction", "kind", "since", "served", "request")


def events_view(caller: Asking, asked: Asked) -> EventsView:
    """List a page of events, narrowed by System, decision, category, direction, kind and time."""
    names = system_names(caller)
    system_id = asked.filter("system")
    narrowed = _narrowed(asked, caller.platform.clock())
    found = caller.platform.events.newest(narrowed, before=asked.filter("before"), limit=_PAGE + 1)
    counts = caller.platform.events.counts(
        system_id=system_id or None, after=caller.platform.clock() - timedelta(days=1)
    )
    return EventsView(
        groups=tuple(_groups([event_line(event, names) for event in found[:_PAGE]])), stats=_stats(counts, system_id),
        systems=tuple(Choice(value=id_, label=name) for id_, name in names.items()),
        filters={name: asked.filter(name) for name in _FILTERS}, earlier=bool(asked.filter("before")),
        older=found[_PAGE - 1].id if len(found) > _PAGE else "", refreshing=asked.filter("refresh") == "yes",
    )  # fmt: skip


def _narrowed(asked: Query, now: datetime) -> Narrowed:
    """Read the filters; one that names nothing known narrows nothing."""
    span = SPANS.get(asked.filter("since"))
    known: dict[str, set[str]] = {"decision": set(Decision), "kind": set(EventKind), "category": set(Category),
                                  "direction": {"inbound", "outbound", "tool"}}  # fmt: skip
    chosen = {name: asked.filter(name) if asked.filter(name) in values else "" for name, values in known.items()}
    return Narrowed(
        system_id=asked.filter("system"), request_id=asked.filter("request"), since=now - span if span else None,
        trials=not asked.filter("served"), decision=chosen["decision"], kind=chosen["kind"],
        category=chosen["category"], direction=chosen["direction"],
    )  # fmt: skip


def _groups(lines: list[EventLine]) -> Iterator[EventGroup]:
    """Put neighbouring events of one assessment run together; any other stands alone."""
    for (run_id, _), found in groupby(enumerate(lines), key=lambda each: (each[1].run_id, each[1].run_id or each[0])):
        yield EventGroup(run_id=run_id, rows=tuple(line for _, line in found))


def system_names(caller: Caller) -> dict[str, str]:
    """Return the names of all Systems by id."""
    with caller.reading() as work:
        return {system.id: system.name for system in work.registry.systems()}


def _stats(counts: list[Count], system_id: str) -> tuple[Stat, ...]:
    served = [count for count in counts if not count.trial]
    tail = f"&system={system_id}" if system_id else ""

    def of(decision: Decision) -> int:
        return sum(count.events for count in served if count.decision == decision and count.kind == EventKind.VERDICT)

    refused = sum(count.events for count in served if count.kind == EventKind.REFUSAL)
    return (
        Stat(key="allowed", count=of(Decision.ALLOW), url=f"/events?decision=allow{tail}"),
        Stat(key="redacted", count=of(Decision.REDACT), url=f"/events?decision=redact{tail}"),
        Stat(key="blocked", count=of(Decision.BLOCK), url=f"/events?decision=block{tail}", tone="warn"),
        Stat(key="refused", count=refused, url=f"/events?kind=refusal{tail}", tone="warn"),
    )


def event_line(event: Event, names: Mapping[str, str]) -> EventLine:
    """Return an event as a line of a feed."""
    return EventLine(
        id=event.id, at=event.at, kind=event.kind.value, system_id=event.system_id,
        system=names.get(event.system_id, event.system_id), decision=event.decision.value,
        direction=event.direction or "", categories=tuple(category.value for category in event.categories),
        rules=event.rule_ids, reason="" if event.reason in event.rule_ids else reason_of(event.reason),
        latency_milliseconds=event.latency_milliseconds,
        trial=event.trial, run_id=event.run_id if event.trial else "", tool=event.tool,
    )  # fmt: skip


@router.get("/events")
def events(caller: Asking, view: Annotated[EventsView, Depends(events_view)]) -> Response:
    """Show the feed; without script, it loads itself again where that was asked for."""
    response = caller.page.render("events.html", view=view)
    if view.refreshing:
        response.headers["Refresh"] = str(_REFRESH_SECONDS)
    return response


@router.get("/events/stream")
def stream(request: Request, caller: Asking, asked: Asked) -> Response:
    """Send each new event as a line of the feed; the browser's `Last-Event-ID` says where to go on."""
    newest = caller.platform.events.newest(limit=1)
    cursor = request.headers.get("last-event-id", "") or (newest[0].id if newest else "")
    return StreamingResponse(_lines(request, caller, asked, cursor), media_type="text/event-stream",
                             headers={"X-Accel-Buffering": "no"})  # fmt: skip


async def _lines(request: Request, caller: Caller, asked: Query, cursor: str) -> AsyncIterator[str]:
    source: Events = caller.platform.events
    names = await run_in_threadpool(system_names, caller)
    narrowed = _narrowed(asked, caller.platform.clock())
    yield "retry: 2000\n\n"
    for _ in range(int(_LONGEST_SECONDS / PERIOD_SECONDS)):
        if await request.is_disconnected():
            return
        found = await run_in_threadpool(source.since, cursor, system_id=narrowed.system_id or None)
        for event in found:
            cursor = event.id
            if narrowed.admits(event):
                html = caller.page.part("parts/event_line.html", event=event_line(event, names))
                yield f"id: {event.id}\nevent: row\ndata: {' '.join(html.split())}\n\n"
        if not found:
            yield ": still here\n\n"
        await asyncio.sleep(PERIOD_SECONDS)
