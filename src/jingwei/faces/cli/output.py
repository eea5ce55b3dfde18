"""What the terminal shows: tables, progress, evidence; for people by default, JSON with `--json`."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from jingwei.core.check import Progress as Tell
from jingwei.core.evidence import Evidence, Measure, Outcome
from jingwei.core.finding import Severity
from jingwei.faces.cli.language import current, say

OUTCOME_STYLE = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCOMPLETE: "yellow"}
SEVERITY_STYLE = {
    Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan",
    Severity.INFO: "dim",
}  # fmt: skip


def console() -> Console:
    """Return the console for people; a pipe or a file gets wide lines, so that ids stay whole."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    return Console(highlight=False, width=wide)


def as_json(value: object) -> None:
    """Print a JSON value: the same model the API gives."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table, or say that it is empty. Cells may carry rich markup; escape what is not ours."""
    if not rows:
        click.echo(say("nothing-here"))
        return
    shown = Table(title=title or None, box=None, header_style="dim", pad_edge=False, title_justify="left")
    for header in headers:
        shown.add_column(header, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    console().print(shown)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        Unavailable: the disk is full, or the place cannot be written.
    """
    from jingwei.core.folder import write_whole

    write_whole(path, lambda draft: draft.write_bytes(content))


@contextmanager
def progress(label: str) -> Iterator[Tell]:
    """Show a bar on standard error while a run goes on; plain lines where that is no terminal."""
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(),
                  TimeElapsedColumn(), console=Console(file=sys.stderr), transient=True) as bar:  # fmt: skip
        task = bar.add_task(label, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell


def plain(shown: str) -> str:
    """Return text that is not ours as rich takes it literally, without control characters."""
    return escape(printable(shown))


def printable(shown: str, *, kept: str = "") -> str:
    """Return text that is not ours without control characters, which a terminal would obey."""
    return "".join(each if each.isprintable() or each in kept else "�" for each in shown)


def moment(at: datetime | None) -> str:
    """Write a moment in UTC to the minute; a dash where there is none."""
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "–"


def day(at: datetime | None) -> str:
    """Write a date in UTC; a dash where there is none."""
    return f"{at:%Y-%m-%d}" if at else "–"


def measure_text(measure: Measure) -> str:
    """Write a measured number with its unit, and its interval where it has one."""
    if measure.unit == "ratio":
        shown = f"{measure.value:.1%}"
        if measure.low is not None and measure.high is not None:
            shown += f" [{measure.low:.1%} – {measure.high:.1%}]"
        return shown
    number = f"{measure.value:,.0f}" if float(measure.value).is_integer() else f"{measure.value:,.2f}"
    unit = say(f"unit-{measure.unit}")
    return f"{number} {unit}".strip()


def show_evidence(evidence: Evidence) -> None:
    """Print one piece of evidence: what it concluded, measured and found."""
    language, out = current(), console()
    style = OUTCOME_STYLE[evidence.outcome]
    out.print(f"[{style}]●[/] [bold]{evidence.type}[/]  [{style}]{say(f'outcome-{evidence.outcome.value}')}[/]  "
              f"{escape(evidence.summary.of(language))}")  # fmt: skip
    for measure in evidence.measures:
        samples = f"  (n={measure.samples})" if measure.samples is not None else ""
        out.print(f"  {escape(measure.title.of(language))}: [bold]{measure_text(measure)}[/]{samples}")
    for reason in evidence.skipped[:10]:
        out.print(f"  [yellow]▲[/] {escape(reason.of(language))}")
    for finding in sorted(evidence.findings, key=lambda each: -each.severity.rank)[:20]:
        place = finding.location
        where = ":".join(str(part) for part in (place.path, place.line, place.start) if part not in {None, ""})
        out.print(f"  [{SEVERITY_STYLE[finding.severity]}]{say(f'severity-{finding.severity.value}'):>4}[/] "
                  f"{escape(finding.title.of(language))} [dim]{finding.rule_id} {escape(where)}[/]")  # fmt: skip
        out.print(f"       {escape(finding.remedy.of(language))}", style="dim")
    if len(evidence.findings) > 20:
        out.print(say("more-findings", count=len(evidence.findings) - 20), style="dim")
    out.print(f"  [dim]{evidence.id}[/]")


def live_progress(label: str, *, quiet: bool) -> Tell:
    """Return a teller that redraws one line on standard error, and clears it at the end."""
    shows = sys.stderr.isatty() and not quiet

    def tell(done: int, total: int) -> None:
        if not shows:
            return
        filled = round(24 * done / total) if total else 24
        line = f"\r      {label}  {'━' * filled}{'╌' * (24 - filled)}  {done}/{total}"
        sys.stderr.write(line + "\033[K")
        if done == total:
            sys.stderr.write("\r\033[K")
        sys.stderr.flush()

    return tell
