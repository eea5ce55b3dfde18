"""What the guard did at run time: the newest events, and a stream of those that follow."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from jingwei.core.event import Event, EventKind
from jingwei.core.policy import Decision
from jingwei.faces.console.caller import Asked, Asking, Caller
from jingwei.faces.console.reasons import reason_of
from jingwei.faces.console.views.events import EventGroup, EventLine, EventsView
from jingwei.faces.console.views.listing import Query
from jingwei.faces.console.views.parts import Choice, Stat
from jingwei.platform import Count, Events

router = APIRouter()
PERIOD_SECONDS = 1.0
"""How often the stream looks for new events; one indexed query each."""
_PAGE = 50
_LONGEST_SECONDS = 300
"""A stream ends then; the browser opens the next one where this one stopped, and a closed session is noticed."""


def events_view(caller: Asking, asked: Asked) -> EventsView:
    """List a page of events, narrowed by System, decision and kind, with or without those of assessment runs."""
    names = _names(caller)
    system_id, decision = asked.filter("system"), asked.filter("decision")
    found = caller.platform.events.newest(
        system_id=system_id or None, before=asked.filter("before"), decision=decision, kind=asked.filter("kind"),
        trials=not asked.filter("served"), limit=_PAGE + 1,
    )  # fmt: skip
    since = caller.platform.clock() - timedelta(days=1)
    counts = caller.platform.events.counts(system_id=system_id or None, after=since)
    return EventsView(
        groups=tuple(_groups([_line(event, names) for event in found[:_PAGE]])), stats=_stats(counts, system_id),
        systems=tuple(Choice(value=id_, label=name) for id_, name in names.items()), system_id=system_id,
        decision=decision, served=asked.filter("served"), earlier=bool(asked.filter("before")),
        older=found[_PAGE - 1].id if len(found) > _PAGE else "",
    )  # fmt: skip


def _groups(lines: list[EventLine]) -> Iterator[EventGroup]:
    """Put neighbouring events of one assessment run together; any other stands alone."""
    for (run_id, _), found in groupby(enumerate(lines), key=lambda each: (each[1].run_id, each[1].run_id or each[0])):
        yield EventGroup(run_id=run_id, rows=tuple(line for _, line in found))


def _names(caller: Caller) -> dict[str, str]:
    with caller.reading() as work:
        return {system.id: system.name for system in work.registry.systems()}


def _wanted(event: Event, asked: Query) -> bool:
    decision, kind = asked.filter("decision"), asked.filter("kind")
    return (
        (not decision or event.decision == decision)
        and (not kind or event.kind == kind)
        and not (event.trial and asked.filter("served"))
    )


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


def _line(event: Event, names: Mapping[str, str]) -> EventLine:
    return EventLine(
        id=event.id, at=event.at, kind=event.kind.value, system_id=event.system_id,
        system=names.get(event.system_id, event.system_id), decision=event.decision.value,
        direction=event.direction or "", categories=tuple(category.value for category in event.categories),
        rules=event.rule_ids, reason=reason_of(event.reason), latency_milliseconds=event.latency_milliseconds,
        trial=event.trial, run_id=event.run_id if event.trial else "",
    )  # fmt: skip


@router.get("/events")
def events(caller: Asking, view: Annotated[EventsView, Depends(events_view)]) -> Response:
    """Show the feed."""
    return caller.page.render("events.html", view=view)


@router.get("/events/stream")
def stream(request: Request, caller: Asking, asked: Asked) -> Response:
    """Send each new event as a line of the feed; the browser's `Last-Event-ID` says where to go on."""
    newest = caller.platform.events.newest(limit=1)
    cursor = request.headers.get("last-event-id", "") or (newest[0].id if newest else "")
    return StreamingResponse(_lines(request, caller, asked, cursor), media_type="text/event-stream",
                             headers={"X-Accel-Buffering": "no"})  # fmt: skip


async def _lines(request: Request, caller: Caller, asked: Query, cursor: str) -> AsyncIterator[str]:
    source: Events = caller.platform.events
    names = await run_in_threadpool(_names, caller)
    yield "retry: 2000\n\n"
    for _ in range(int(_LONGEST_SECONDS / PERIOD_SECONDS)):
        if await request.is_disconnected():
            return
        found = await run_in_threadpool(source.since, cursor, system_id=asked.filter("system") or None)
        for event in found:
            cursor = event.id
            if _wanted(event, asked):
                html = caller.page.part("parts/event_line.html", event=_line(event, names))
                yield f"id: {event.id}\nevent: row\ndata: {' '.join(html.split())}\n\n"
        if not found:
            yield ": still here\n\n"
        await asyncio.sleep(PERIOD_SECONDS)
