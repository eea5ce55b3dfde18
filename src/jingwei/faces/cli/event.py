"""`jingwei event`: what happened at the gateway — never the text itself."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup
from jingwei.faces.cli.home import reads
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.core.event import Event
    from jingwei.platform import Platform

_POLL_SECONDS = 0.5


def list_events(platform: "Platform", *, system: str | None, limit: int, json_out: bool) -> None:
    """List the newest events, newest first."""
    from jingwei.faces.cli.output import as_json, moment, plain, table

    found = platform.events.newest(system_id=_system_id(platform, system), limit=limit)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = (say("column-at"), say("column-kind"), say("column-decision"), say("column-direction"),
               say("column-rules"), say("column-milliseconds"))  # fmt: skip
    table(headers, [
        (moment(each.at), _kind(each), _decision(each), each.direction or "", plain(_why(each)),
         f"{each.latency_milliseconds:,.1f}") for each in found
    ])  # fmt: skip


def counts(platform: "Platform", *, system: str | None, hours: float | None, json_out: bool) -> None:
    """Count events by kind and decision."""
    from jingwei.faces.cli.output import as_json, table

    after = datetime.now(UTC) - timedelta(hours=hours) if hours else None
    found = platform.events.counts(system_id=_system_id(platform, system), after=after)
    if json_out:
        as_json([each._asdict() for each in found])
        return
    headers = (say("column-kind"), say("column-decision"), say("column-trial"), say("column-count"))
    table(headers, [(say(f"event-{each.kind}"), say(f"decision-{each.decision}"), say("yes") if each.trial else "",
                     f"{each.events:,}") for each in found])  # fmt: skip


def follow(platform: "Platform", *, system: str | None, json_out: bool) -> None:
    """Print events as they come in, until Ctrl-C."""
    from jingwei.faces.cli.output import console, plain

    system_id, out = _system_id(platform, system), console()
    newest = platform.events.newest(system_id=system_id, limit=1)
    cursor = newest[0].id if newest else ""
    while True:
        for each in platform.events.since(cursor, system_id=system_id):
            cursor = each.id
            if json_out:
                click.echo(each.model_dump_json())
            else:
                out.print(f"{each.at:%H:%M:%S}  {_decision(each)}  {_kind(each)}  {plain(_why(each))}")
        time.sleep(_POLL_SECONDS)


def _system_id(platform: "Platform", wanted: str | None) -> str | None:
    from jingwei.faces.cli.lookup import system_named

    if wanted is None:
        return None
    with platform.reading() as work:
        return system_named(work, wanted).id


def _decision(event: "Event") -> str:
    style = {"block": "red", "hold": "yellow", "redact": "yellow"}.get(event.decision.value, "green")
    return f"[{style}]{say(f'decision-{event.decision.value}')}[/]"


def _kind(event: "Event") -> str:
    return say(f"event-{event.kind.value}") + (f" ({say('column-trial')})" if event.trial else "")


def _why(event: "Event") -> str:
    return ", ".join(event.rule_ids) or event.reason


SYSTEM = click.Option(["--system"], metavar="SYSTEM", help=say("system-argument"))

event = LazyGroup(
    name="event",
    help=say("about-event"),
    examples=("jingwei event list --limit 20", "jingwei event counts --hours 24", "jingwei event follow"),
)
reads(
    event,
    "list",
    list_events,
    SYSTEM,
    click.Option(["--limit"], type=click.IntRange(1, 200), default=50, show_default=True, help=say("option-limit")),
    examples=('jingwei event list --system "Staff assistant" --json',),
)
reads(
    event,
    "counts",
    counts,
    SYSTEM,
    click.Option(["--hours"], type=click.FloatRange(min=0, min_open=True), help=say("option-hours")),
    examples=("jingwei event counts --hours 24",),
)
reads(event, "follow", follow, SYSTEM, examples=("jingwei event follow", "jingwei event follow --json"))
