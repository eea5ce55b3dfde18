"""`jingwei event`: what happened at the gateway — never the text itself."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import reads
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.core.event import Event
    from jingwei.platform import Platform

_POLL_SECONDS = 0.5


def list_events(platform: "Platform", *, system: str | None, limit: int, json_out: bool, **wanted: str | None) -> None:
    """List the newest events, newest first."""
    from jingwei.faces.cli.output import as_json, moment, plain, table
    from jingwei.platform import Narrowed

    given = {name: value for name, value in wanted.items() if value}
    narrowed = Narrowed.model_validate({"system_id": _system_id(platform, system) or "", **given})
    found = platform.events.newest(narrowed, limit=limit)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = (say("column-at"), say("column-kind"), say("column-decision"), say("column-direction"),
               say("column-rules"), say("column-milliseconds"))  # fmt: skip
    table(headers, [
        (moment(each.at), _kind(each), _decision(each), each.direction or "", plain(_why(each)),
         f"{each.latency_milliseconds:,.1f}") for each in found
    ])  # fmt: skip


def show(platform: "Platform", *, event_id: str, json_out: bool) -> None:
    """Show one event with everything it tells."""
    from jingwei.faces.cli.output import as_json, console, moment, plain

    found = platform.events.event(event_id)
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    out = console()
    out.print(f"{moment(found.at)}  {_decision(found)}  {_kind(found)}  [dim]{found.id}[/]")
    told = found.model_dump(mode="json", exclude={"id", "at", "kind", "decision", "details"}, exclude_defaults=True)
    for name, value in {**told, **found.details}.items():
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        out.print(f"  [dim]{plain(name)}[/]  {plain(shown)}")


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
    from jingwei.platform import Narrowed

    system_id, out = _system_id(platform, system), console()
    newest = platform.events.newest(Narrowed(system_id=system_id or ""), limit=1)
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


def _only(name: str, *values: str) -> click.Option:
    return click.Option([f"--{name}"], type=click.Choice(values), help=say(f"event-only-{name}"))


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
    _only("decision", "allow", "label", "redact", "safe_answer", "hold", "block"),
    _only("category", "keyword", "pii", "secret", "injection", "harm", "topic", "emotion", "grounding", "rule",
          "session"),
    _only("direction", "inbound", "outbound", "tool"),
    _only("kind", "verdict", "refusal", "detector_failure", "label", "upstream_failure", "approval", "tool_changed",
          "watch", "shadow"),
    click.Option(["--session"], default="", metavar="DIGEST", help=say("event-only-session")),
    examples=('jingwei event list --system "Staff assistant" --json', "jingwei event list --decision block"),
)  # fmt: skip
reads(event, "show", show, Told(["event_id"], metavar="EVENT", about=say("event-argument")),
      examples=("jingwei event show evt_…",))  # fmt: skip
reads(
    event,
    "counts",
    counts,
    SYSTEM,
    click.Option(["--hours"], type=click.FloatRange(min=0, min_open=True), help=say("option-hours")),
    examples=("jingwei event counts --hours 24",),
)
reads(event, "follow", follow, SYSTEM, examples=("jingwei event follow", "jingwei event follow --json"))
