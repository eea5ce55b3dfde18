"""How a scan is shown: a table for people, JSON, SARIF or a page for others."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from jingwei.core import report as reports
from jingwei.core.finding import Severity
from jingwei.core.text import Language
from jingwei.deploy.scanned import Scanned, ScanVerdict, Seen, report
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import SEVERITY_STYLE, console, plain, write_bytes

STYLE = {
    ScanVerdict.CLEAN: "green", ScanVerdict.SUSPICIOUS: "yellow", ScanVerdict.INCOMPLETE: "yellow",
    ScanVerdict.MALICIOUS: "red",
}  # fmt: skip
_MOST_FINDINGS = 12
_MOST_GAPS = 5


def show(scanned: Sequence[Scanned], *, kind: str, form: str, out: Path | None, everything: bool) -> None:
    """Print a scan, or write it to a file whole or not at all."""
    if form == "table" and out is None:
        _table(scanned, everything=everything)
        return
    text = rendered(scanned, kind, form)
    if out is None:
        click.echo(text)
        return
    write_bytes(out, text.encode())
    click.echo(say("written", path=str(out)), err=True)


def rendered(scanned: Sequence[Scanned], kind: str, form: str) -> str:
    """Write a scan in one of the forms that are not for the terminal; a table that goes to a file becomes JSON."""
    if form == "sarif":
        return json.dumps(to_sarif(scanned, kind, current()), ensure_ascii=False, indent=2)
    told = report(scanned, current(), kind=kind)
    if form == "html":
        from jingwei.faces.console.report import scan_page

        return scan_page(told, current())
    return json.dumps(told, ensure_ascii=False, indent=2)


def to_sarif(scanned: Sequence[Scanned], kind: str, language: Language) -> dict[str, Any]:
    """Return a SARIF log; something that was not looked at makes the invocation an unsuccessful one."""
    findings = [each.finding() for one in scanned for each in one.findings]
    gaps = [gap for one in scanned for gap in one.gaps]
    run = reports.sarif_run(findings, language, name=f"scan {kind}", version="")
    invocation = {"executionSuccessful": not gaps, "toolExecutionNotifications": reports.warnings(gaps, language)}
    return {"$schema": reports.SARIF_SCHEMA, "version": "2.1.0", "runs": [{**run, "invocations": [invocation]}]}


def _table(scanned: Sequence[Scanned], *, everything: bool) -> None:
    out = console()
    shown = [one for one in scanned if everything or one.findings or one.gaps]
    for one in sorted(shown, key=lambda each: (-list(ScanVerdict).index(each.verdict), each.path)):
        _one(one, out)
    counted = Counter(one.verdict for one in scanned)
    words = [f"[{STYLE[each]}]{counted[each]} {say(f'scan-verdict-{each.value}')}[/]"
             for each in reversed(ScanVerdict) if counted[each]]  # fmt: skip
    out.print(say("scan-summary", count=len(scanned)) + "  " + "  ".join(words))


def _one(one: Scanned, out: Console) -> None:
    style = STYLE[one.verdict]
    about = " · ".join(filter(None, (one.format, *(f"{name} {value}" for name, value in _short(one)))))
    out.print(f"[{style}]●[/] [bold]{plain(one.path)}[/]  [{style}]{say(f'scan-verdict-{one.verdict.value}')}[/]  "
              f"[dim]{plain(about)}[/]")  # fmt: skip
    findings = sorted(one.findings, key=lambda each: -each.severity.rank)
    for each in findings[:_MOST_FINDINGS]:
        _finding(each, out, within=one.path)
    if len(findings) > _MOST_FINDINGS:
        out.print(f"  {say('more-findings', count=len(findings) - _MOST_FINDINGS)}", style="dim")
    for gap in one.gaps[:_MOST_GAPS]:
        out.print(f"  [yellow]▲[/] {plain(gap.of(current()))}")


def _short(one: Scanned) -> list[tuple[str, str]]:
    return [(name, value) for name, value in one.facts.items() if len(value) <= 32][:4]


def _finding(each: Seen, out: Console, *, within: str) -> None:
    where = each.location
    place = ":".join(str(part) for part in (where.path if where.path != within else "", where.line, where.start)
                     if part not in {None, ""})  # fmt: skip
    word = say(f"severity-{each.severity.value}")
    out.print(f"  [{SEVERITY_STYLE[Severity(each.severity)]}]{word:>4}[/] {plain(each.title.of(current()))} "
              f"[dim]{each.rule_id} {plain(place)}[/]")  # fmt: skip
    out.print(f"       {plain(each.detail.of(current()))}")
    if each.evidence and each.evidence not in each.detail.of(current()):
        out.print(f"       [dim]{plain(each.evidence)}[/]")
    out.print(f"       → {plain(each.remedy.of(current()))}", style="dim")


@contextmanager
def counting() -> Iterator[Callable[[Scanned], None]]:
    """Show on standard error how many things were looked at, and the one at hand; nothing where that is no terminal."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
                  console=Console(stderr=True), transient=True) as bar:  # fmt: skip
        task = bar.add_task(say("scan-progress", count=0, bad=0, path=""), total=None)
        seen, bad = 0, 0

        def tell(one: Scanned) -> None:
            nonlocal seen, bad
            seen, bad = seen + 1, bad + bool(one.findings)
            if not bar.console.is_terminal:
                return
            bar.update(task, description=say("scan-progress", count=seen, bad=bad, path=plain(one.path[-60:])))

        yield tell
