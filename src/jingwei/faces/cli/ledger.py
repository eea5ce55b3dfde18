"""`jingwei ledger`: every change of state, in order; verified here, or anywhere with the public key."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import alone, reads
from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from jingwei.core.ledger import Report
    from jingwei.platform import Platform


def list_entries(platform: "Platform", *, subject: str | None, before: int | None, limit: int, json_out: bool) -> None:
    """List entries, newest first."""
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json, moment, plain, table

    found = platform.ledger.page(before=before, subject=subject, limit=limit)
    if json_out:
        as_json([{**each._asdict(), "at": each.at.isoformat()} for each in found])
        return
    with platform.reading() as work:
        names = login_names(work)
    headers = (
        "#",
        say("column-at"),
        say("column-by"),
        say("column-action"),
        say("column-subject"),
        say("column-reason"),
    )
    table(headers, [
        (str(each.number), moment(each.at), plain(names.get(each.actor_id, each.actor_id)), each.action,
         plain(f"{each.table} {each.row_id}".strip()), plain(each.reason)) for each in found
    ])  # fmt: skip


def verify(platform: "Platform", *, json_out: bool) -> int:
    """Verify order, signatures, anchors and completeness. Exit code 1 where anything does not hold."""
    from jingwei.core.ledger import verify as verify_store
    from jingwei.faces.cli.output import live_progress

    tell = live_progress(say("ledger-verifying"), quiet=json_out)
    report = verify_store(platform.store, verifier=platform.signer.verifier, progress=tell)
    return _told(report, json_out=json_out)


def export(platform: "Platform", *, out: Path, json_out: bool) -> None:
    """Write the whole ledger as JSON lines that `verify-export` checks offline; whole or not at all."""
    import os

    from jingwei.core.ledger import seal_pending
    from jingwei.core.store.failure import failures_said
    from jingwei.faces.cli.output import as_json

    seal_pending(platform.store)
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    with failures_said(str(out)):
        try:
            with draft.open("wb") as file:
                entries = platform.ledger.export(file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(out)
        finally:
            draft.unlink(missing_ok=True)
    if json_out:
        as_json({"path": str(out), "entries": entries})
        return
    click.echo(say("ledger-exported", entries=entries, path=str(out)))
    click.echo(say("next", command=f"jingwei ledger verify-export {out} --key platform.pub"))


def verify_exported(*, file: Path, key: Path, json_out: bool) -> int:
    """Verify an exported ledger with nothing but the public key."""
    from jingwei.core.ledger import verify_export
    from jingwei.core.snapshot import read_public_key

    return _told(verify_export(file, verifier=read_public_key(key)), json_out=json_out)


def _told(report: "Report", *, json_out: bool) -> int:
    from jingwei.faces.cli.output import as_json, console, plain

    if json_out:
        as_json({"holds": report.holds, **report.model_dump(mode="json")})
        return int(not report.holds)
    out, language = console(), current()
    mark = f"[bold green]✓ {say('ledger-holds')}[/]" if report.holds else f"[bold red]✗ {say('ledger-broken')}[/]"
    out.print(mark)
    click.echo(say("ledger-counts", entries=report.entries, checkpoints=report.checkpoints, anchors=report.anchors,
                   rows=report.rows, unanchored=report.unanchored))  # fmt: skip
    for fault in report.faults[:20]:
        out.print(f"  [red]✗[/] {plain(fault.message.of(language))} [dim]{fault.code}[/]")
    if report.fault_count > 20:
        click.echo(say("ledger-more-faults", count=report.fault_count - 20))
    return int(not report.holds)


EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)

ledger = LazyGroup(
    name="ledger",
    help=say("about-ledger"),
    examples=(
        "jingwei ledger verify",
        "jingwei ledger export ledger.jsonl",
        "jingwei ledger verify-export ledger.jsonl --key platform.pub",
    ),
)
reads(
    ledger,
    "list",
    list_entries,
    click.Option(["--subject"], metavar="ID", help=say("ledger-subject")),
    click.Option(["--before"], type=click.IntRange(1), metavar="NUMBER", help=say("ledger-before")),
    click.Option(["--limit"], type=click.IntRange(1, 1000), default=50, show_default=True, help=say("option-limit")),
    examples=("jingwei ledger list --limit 20", "jingwei ledger list --subject sys_…"),
)
reads(ledger, "verify", verify, examples=("jingwei ledger verify", "jingwei ledger verify --json"))
reads(
    ledger,
    "export",
    export,
    Told(["out"], metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), about=say("check-out")),
    examples=("jingwei ledger export ledger.jsonl",),
)
alone(
    ledger,
    "verify-export",
    verify_exported,
    Told(["file"], metavar="FILE", type=EXISTING, about=say("ledger-file")),
    click.Option(["--key"], required=True, type=EXISTING, help=say("verify-key")),
    examples=("jingwei ledger verify-export ledger.jsonl --key platform.pub",),
)
