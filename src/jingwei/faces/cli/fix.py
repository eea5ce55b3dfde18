"""`jingwei fix`: from a finding to a change that ends it, tried on a copy, applied by a person, on a clock."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Speaking, Told
from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jingwei.deploy.fixing import Fix, Queue

KINDS = ("advisories", "code", "config")
LEVELS = ("low", "medium", "high", "critical")
_QUEUE = click.Option(["--queue"], type=click.Path(path_type=Path, file_okay=False), help=say("fix-queue"))
_JSON = click.Option(["--json", "as_json"], is_flag=True, help=say("option-json"))


def _queue(folder: Path | None) -> "Queue":
    from jingwei.deploy.fixing import Queue
    from jingwei.faces.cli.home import own_folder, settings_from

    settings = settings_from()
    there = settings.database or (settings.home / "jingwei.db").is_file()
    return Queue(folder or (settings.fixes_path if there else own_folder() / "fixes"))


def propose(*, kind: str, target: Path, level: str, queue: Path | None, as_json: bool) -> int:
    """Scan, and show what is open with the changes that would end it; 1 where something is open."""
    from jingwei.core.finding import Severity
    from jingwei.deploy.fixing import propose as proposed

    found = list(proposed(kind, target, _queue(queue), level=Severity(level)))
    _shown(found, as_json=as_json, diffs=True)
    return int(any(each.closed_at is None for each in found))


def listed(*, queue: Path | None, as_json: bool) -> int:
    """Show the queue; 1 where something is late."""
    from jingwei.core.clock import utc_now
    from jingwei.deploy.fixing import median_seconds

    fixes = list(_queue(queue))
    _shown(fixes, as_json=as_json, diffs=False)
    taken = median_seconds(fixes)
    if taken is not None and not as_json:
        click.echo(say("fix-median", time=_duration(taken), count=sum(each.closed_at is not None for each in fixes)))
    return int(any(each.closed_at is None and each.late(utc_now()) for each in fixes))


def apply(*, fix: str, by: str, queue: Path | None) -> int:
    """Show one change, ask, make it, and scan again; 1 where the scan still finds the problem."""
    from jingwei.core.errors import Refused
    from jingwei.deploy.fixing import apply as applied

    kept = _queue(queue)
    _diff(kept[fix])
    if not attended():
        raise Refused("faces.cli:fix-needs-a-person", field="fix")
    if not click.confirm(say("fix-confirm", by=by)):
        return 1
    done = applied(kept, fix, by=by)
    click.echo(say("fix-closed" if done.closed_at else "fix-still-found", fix=done.id))
    return int(done.closed_at is None)


def attended() -> bool:
    """Tell whether a person sits at the terminal."""
    return sys.stdin.isatty()


def _shown(fixes: "Sequence[Fix]", *, as_json: bool, diffs: bool) -> None:
    from jingwei.core.clock import utc_now
    from jingwei.core.text import text
    from jingwei.faces.cli.output import SEVERITY_STYLE, moment, plain, table
    from jingwei.faces.cli.output import as_json as print_json

    if as_json:
        print_json([{**each.model_dump(mode="json"), "state": each.state.value} for each in fixes])
        return
    now, rows = utc_now(), []
    for each in fixes:
        due = moment(each.due_at)
        rows.append((each.id, f"[{SEVERITY_STYLE[each.severity]}]{say(f'severity-{each.severity.value}')}[/]",
                     text(f"deploy.fixing:state-{each.state.value}").of(current()),
                     f"{plain(each.title.of(current()))} [dim]{each.rule} {plain(each.path or each.where)}[/]",
                     f"[red]{due}[/]" if each.late(now) else due))  # fmt: skip
    table([say(f"fix-column-{name}") for name in ("id", "severity", "state", "what", "due")], rows)
    for each in fixes if diffs else ():
        _diff(each)


def _diff(fix: "Fix") -> None:
    """Print a change as a diff, coloured where someone looks; what is in it cannot command the terminal."""
    from jingwei.faces.cli.output import printable

    for line in fix.diff.splitlines():
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.secho(printable(line, kept="\t"), fg=colour)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return (
        say("fix-minutes", minutes=f"{minutes:.1f}") if minutes < 120 else say("fix-hours", hours=f"{minutes / 60:.1f}")
    )


fix = LazyGroup(name="fix", help=say("about-fix"), examples=("jingwei fix propose advisories requirements.txt",
                "jingwei fix apply 3f2a --by lin"))  # fmt: skip
fix.add_command(
    Speaking(
        name="propose",
        callback=propose,
        help=say("about-fix-propose"),
        params=[
            Told(["kind"], type=click.Choice(KINDS), about=say("fix-kind")),
            Told(["target"], type=click.Path(path_type=Path, exists=True), about=say("fix-target")),
            click.Option(
                ["--level"], type=click.Choice(LEVELS), default="medium", show_default=True, help=say("fix-level")
            ),
            _QUEUE,
            _JSON,
        ],
        examples=("jingwei fix propose config deploy/",),
    )
)
fix.add_command(
    Speaking(
        name="list", callback=listed, help=say("about-fix-list"), params=[_QUEUE, _JSON], examples=("jingwei fix list",)
    )
)
fix.add_command(
    Speaking(
        name="apply",
        callback=apply,
        help=say("about-fix-apply"),
        params=[
            Told(["fix"], about=say("fix-id")),
            click.Option(["--by"], required=True, help=say("fix-by")),
            _QUEUE,
        ],
        examples=("jingwei fix apply 3f2a --by lin",),
    )
)
