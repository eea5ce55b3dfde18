"""`jingwei approval`: decide on agents' held calls, and watch agents at work."""

import select
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.language import say
from jingwei.faces.cli.typed import REASON, SYSTEM

if TYPE_CHECKING:
    from jingwei.manage import ApprovalRecord
    from jingwei.platform import Platform

APPROVAL = Told(["approval_id"], metavar="APPROVAL", about=say("approval-argument"))


def list_approvals(platform: "Platform", *, everything: bool, json_out: bool) -> None:
    """List what waits, or everything."""
    from jingwei.faces.cli.output import as_json, moment, plain, table

    with platform.reading() as work:
        found = work.approvals.approvals(state=None if everything else "waiting")
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    if not found:
        click.echo(say("approval-none"))
        return
    headers = ("id", say("column-caller"), say("column-tool"), say("column-why"), say("column-until"),
               say("column-state"))  # fmt: skip
    table(headers, [
        (each.id, plain(each.principal), plain(_tool(each)), each.why, moment(each.expires_at),
         say(f"approval-{each.state}")) for each in found
    ])  # fmt: skip


def show(platform: "Platform", *, approval_id: str, json_out: bool) -> None:
    """Show one held call with its arguments, as far as a person may read them."""
    from jingwei.faces.cli.output import as_json, console, moment, plain

    with platform.reading() as work:
        found = work.approvals.approval(approval_id)
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    out = console()
    out.print(f"[bold]{found.id}[/]  {say(f'approval-{found.state}')}  [dim]{moment(found.expires_at)}[/]")
    out.print(f"  {plain(found.principal)} → {plain(_tool(found))}  [dim]{found.effect} · {found.why}[/]")
    out.print("  " + plain(found.arguments))
    if found.reason:
        out.print("  " + plain(found.reason))


def approve(platform: "Platform", *, approval_id: str, login: str | None, json_out: bool) -> None:
    """Let one call pass once; asks for the password again."""
    from jingwei.faces.cli.acting import signer_for

    actor, proof = signer_for(platform, login, purpose=approval_id)
    with platform.work(actor, "approval.approve") as work:
        made = work.approvals.approve(approval_id, actor=actor, proof=proof)
    _tell(made, json_out=json_out)


def refuse(platform: "Platform", *, approval_id: str, reason: str, login: str | None, json_out: bool) -> None:
    """Refuse a call."""
    from jingwei.faces.cli.acting import actor_for

    actor = actor_for(platform, login)
    with platform.work(actor, "approval.refuse") as work:
        made = work.approvals.refuse(approval_id, actor=actor, reason=reason)
    _tell(made, json_out=json_out)


def watch(platform: "Platform", *, wanted: str, login: str | None, json_out: bool) -> int:
    """Watch an agent from this terminal, until the person leaves or falls silent."""
    from jingwei.core.errors import InputError
    from jingwei.faces.cli.acting import signer_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json

    if not sys.stdin.isatty():
        raise InputError("faces.cli:watch-needs-terminal", field="stdin")
    with platform.reading() as work:
        system_id = system_named(work, wanted).id
    actor, proof = signer_for(platform, login, purpose=system_id)
    with platform.work(actor, "watch.begin") as work:
        watcher = work.watching.begin(system_id, actor=actor, proof=proof)
    if json_out:
        as_json(watcher.model_dump(mode="json"))
    click.echo(say("watch-begun", seconds=int((watcher.idle_at - watcher.seen_at).total_seconds())), err=True)
    try:
        while _pressed((watcher.idle_at - datetime.now(UTC)).total_seconds()):
            with platform.work(actor, "watch.sign") as work:
                watcher = work.watching.sign(system_id, actor=actor)
    except KeyboardInterrupt:
        pass
    finally:
        with platform.work(actor, "watch.leave") as work:
            work.watching.leave(system_id, actor=actor)
        click.echo(say("watch-ended"), err=True)
    return 0


def list_watchers(platform: "Platform", *, json_out: bool) -> None:
    """List who watches."""
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json, moment, plain, table

    with platform.reading() as work:
        found, names = work.watching.watchers(), login_names(work)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = ("system", "login", say("column-seen"), say("column-present"))
    table(headers, [
        (each.system_id, plain(names.get(each.account_id, each.account_id)), moment(each.seen_at),
         "✓" if each.present else "–") for each in found
    ])  # fmt: skip


def _pressed(seconds: float) -> bool:
    """Wait for the Enter key; false when it did not come in time, or the terminal is gone."""
    ready, _, _ = select.select([sys.stdin], [], [], max(0.0, seconds))
    return bool(ready) and bool(sys.stdin.readline())


def _tool(each: "ApprovalRecord") -> str:
    return f"{each.server}/{each.tool}" if each.server else each.tool


def _tell(made: "ApprovalRecord", *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json

    if json_out:
        as_json(made.model_dump(mode="json"))
        return
    click.echo(say("approval-told", id=made.id, state=say(f"approval-{made.state}")))


approval = LazyGroup(
    name="approval",
    help=say("about-approval"),
    examples=(
        "jingwei approval list",
        "jingwei approval approve apr_… --as zhao",
        'jingwei approval refuse apr_… --reason "unknown payee" --as zhao',
    ),
)
reads(
    approval,
    "list",
    list_approvals,
    click.Option(["--all", "everything"], is_flag=True, help=say("option-approval-all")),
    examples=("jingwei approval list", "jingwei approval list --all --json"),
)
reads(approval, "show", show, APPROVAL, examples=("jingwei approval show apr_…",))
changes(approval, "approve", approve, APPROVAL, examples=("jingwei approval approve apr_… --as zhao",))
changes(
    approval,
    "refuse",
    refuse,
    APPROVAL,
    REASON,
    examples=('jingwei approval refuse apr_… --reason "unknown payee" --as zhao',),
)
changes(approval, "watch", watch, SYSTEM, examples=('jingwei approval watch "Staff assistant" --as zhao',))
reads(approval, "watchers", list_watchers, examples=("jingwei approval watchers",))
