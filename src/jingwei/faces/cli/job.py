"""`jingwei job`: check runs — started here with a bar, or handed to the job process of a running Jingwei."""

import time
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.typed import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jingwei.core.identity import Actor
    from jingwei.platform import CheckRun, Platform, Wanted
    from jingwei.platform.loop import Loop

_POLL_SECONDS = 0.5
_ENDED = frozenset({"finished", "failed", "cancelled"})


def list_runs(platform: "Platform", *, system: str | None, limit: int, json_out: bool) -> None:
    """List runs, newest first."""
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json, moment, table

    with platform.reading() as work:
        system_id = system_named(work, system).id if system else None
        found = work.runs.runs(system_id=system_id, limit=limit)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = (
        "id",
        say("column-check"),
        say("column-state"),
        say("column-done"),
        say("column-at"),
    )
    table(headers, [
        (each.id, each.check_id, _state(each), _done(each), moment(each.created_at)) for each in found
    ])  # fmt: skip


def show(platform: "Platform", *, run_id: str, json_out: bool) -> None:
    """Show one run."""
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        run = work.runs.run(run_id)
    if json_out:
        as_json(run.model_dump(mode="json"))
        return
    _show(run)


def start(platform: "Platform", *, wanted: str, check_id: str | None, target: str | None, settings: tuple[str, ...],
          queue: bool, gateway: str | None, login: str | None, json_out: bool) -> int:  # fmt: skip
    """Run one check for a System, or all whose evidence its gate still lacks."""
    from jingwei.core.errors import InputError
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.running import gateway_for, serving_gateway
    from jingwei.platform.loop import Loop

    actor = actor_for(platform, login)
    with platform.reading() as work:
        system_id = system_named(work, wanted).id
    if queue:
        served = gateway or serving_gateway(platform.settings)
        if served is None:
            raise InputError("faces.cli:job-queue-unserved", field="--queue", path=str(platform.settings.home))
        chosen = _chosen(Loop(platform, served), system_id, check_id=check_id, target=target, settings=settings)
        return _enqueue(platform, system_id, chosen, actor=actor, json_out=json_out)
    with gateway_for(platform, gateway) as url:
        loop = Loop(platform, url)
        chosen = _chosen(loop, system_id, check_id=check_id, target=target, settings=settings)
        return _run_here(loop, system_id, chosen, actor=actor, json_out=json_out)


def cancel(platform: "Platform", *, run_id: str, login: str | None, json_out: bool) -> None:
    """Cancel a run; it stops before its next step."""
    from jingwei.core.errors import Unavailable
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.output import as_json

    actor = actor_for(platform, login)
    with platform.work(actor, "run.cancel") as work:
        run = work.runs.cancel(run_id, actor=actor)
        work.tokens.end_run(run_id, reason="cancelled")
    try:
        platform.jobs.cancel(run_id)
    except Unavailable as error:
        if error.code != "core:job-worker-absent":  # a run that was never handed to a job process has none to stop
            raise
    if json_out:
        as_json(run.model_dump(mode="json"))
        return
    click.echo(say("job-cancelled-line", run=run.id))


def follow(platform: "Platform", *, run_id: str, json_out: bool) -> int:
    """Show the progress of a run until it ends."""
    from jingwei.faces.cli.output import as_json, live_progress

    with platform.reading() as work:
        run = work.runs.run(run_id)
    tell = live_progress(run.check_id, quiet=json_out)
    while run.status not in _ENDED:
        tell(run.done, max(run.total, run.done + 1))
        time.sleep(_POLL_SECONDS)
        with platform.reading() as work:
            run = work.runs.run(run_id)
    tell(1, 1)
    if json_out:
        as_json(run.model_dump(mode="json"))
    else:
        _show(run)
    return 0 if run.status == "finished" else 4 if run.status == "failed" else 1


def _chosen(loop: "Loop", system_id: str, *, check_id: str | None, target: str | None, settings: tuple[str, ...],
            ) -> "list[Wanted]":  # fmt: skip
    """Return the runs to start.

    Raises:
        InputError: no such check, or nothing says what it should look at.
    """
    from jingwei.core.errors import InputError, NotFound
    from jingwei.core.plugins import check_names, load_check
    from jingwei.platform import Wanted
    from jingwei.platform.asking import options_from, target_from

    if check_id is None:
        if target or settings:
            raise InputError("faces.cli:job-which-check", field="CHECK")
        return loop.wanted(system_id)
    if check_id not in check_names():
        raise NotFound("faces.cli:check-unknown", field="CHECK", check=check_id, known=", ".join(check_names()))
    check = load_check(check_id)
    given = {name: value for name, value in options_from(check, settings).model_dump(mode="json").items()
             if name in {each.partition("=")[0].strip() for each in settings}}  # fmt: skip
    if target is not None:
        return [Wanted(check_id, target_from(check, target), given, check.evidence_types)]
    found = [each for each in loop.wanted(system_id) if each.check_id == check_id]
    if not found:
        raise InputError("faces.cli:job-not-wanted", field="--target", check=check_id)
    return [Wanted(each.check_id, each.target, {**each.options, **given}, each.types) for each in found]


def _enqueue(
    platform: "Platform", system_id: str, chosen: "Sequence[Wanted]", *, actor: "Actor", json_out: bool
) -> int:
    from jingwei.faces.cli.output import as_json

    runs = []
    for each in chosen:
        with platform.work(actor, "run.ask") as work:
            run = work.runs.ask(
                each.check_id, system_id=system_id, target=each.target, actor=actor, options=each.options
            )
        platform.jobs.enqueue(run.id)
        runs.append(run)
    if json_out:
        as_json([run.model_dump(mode="json") for run in runs])
        return 0
    for run in runs:
        click.echo(f"{run.id}  {run.check_id}")
    if runs:
        click.echo(say("next", command=f"jingwei job follow {runs[0].id}"))
    else:
        click.echo(say("job-nothing-wanted"))
    return 0


def _run_here(loop: "Loop", system_id: str, chosen: "Sequence[Wanted]", *, actor: "Actor", json_out: bool) -> int:
    from jingwei.core.plugins import load_check
    from jingwei.faces.cli.check import code_of
    from jingwei.faces.cli.output import as_json, live_progress, show_evidence

    found = []
    for each in chosen:
        label = load_check(each.check_id).title.of(current())
        evidence = loop.run_check(system_id, each, actor=actor, progress=live_progress(label, quiet=json_out))
        found += evidence
        if not json_out:
            for one in evidence:
                show_evidence(one)
    if json_out:
        as_json([{"id": one.id, **one.model_dump(mode="json")} for one in found])
    elif not found:
        click.echo(say("job-nothing-wanted"))
    return code_of(found) if found else 0


def _state(run: "CheckRun") -> str:
    style = {"finished": "green", "failed": "red", "running": "cyan"}.get(run.status, "dim")
    return f"[{style}]{say(f'job-{run.status}')}[/]"


def _done(run: "CheckRun") -> str:
    """Write how far it is; a finished run did everything, also where nobody counted along."""
    return f"{run.total if run.status == 'finished' else run.done}/{run.total}" if run.total else ""


def _show(run: "CheckRun") -> None:
    from jingwei.faces.cli.output import console, moment, plain

    out = console()
    out.print(f"[bold]{run.id}[/]  {run.check_id}  {_state(run)}  {_done(run)}")
    out.print(f"  [dim]{plain(run.target.locator)}  {moment(run.started_at)} → {moment(run.finished_at)}[/]")
    if run.error:
        out.print(f"  [red]✗[/] {plain(run.error.of(current()))} [dim]{run.error_code}[/]")
    for each in run.evidence_ids:
        out.print(f"  [green]●[/] {each}")


RUN = Told(["run_id"], metavar="RUN", about=say("run-argument"))
GATEWAY = click.Option(["--gateway"], metavar="URL", help=say("option-gateway"))

job = LazyGroup(
    name="job",
    help=say("about-job"),
    examples=('jingwei job start "Staff assistant"', "jingwei job list", "jingwei job follow run_…"),
)
reads(
    job,
    "list",
    list_runs,
    click.Option(["--system"], metavar="SYSTEM", help=say("system-argument")),
    click.Option(["--limit"], type=click.IntRange(1, 1000), default=50, show_default=True, help=say("option-limit")),
    examples=("jingwei job list", 'jingwei job list --system "Staff assistant" --json'),
)
reads(job, "show", show, RUN, examples=("jingwei job show run_…",))
changes(
    job,
    "start",
    start,
    SYSTEM,
    Told(["check_id"], required=False, metavar="[CHECK]", about=say("job-check")),
    click.Option(["--target"], help=say("job-target")),
    click.Option(["--set", "settings"], multiple=True, metavar="NAME=VALUE", help=say("check-set")),
    click.Option(["--queue"], is_flag=True, help=say("job-queue")),
    GATEWAY,
    examples=(
        'jingwei job start "Staff assistant"',
        'jingwei job start "Staff assistant" redteam --set attempts=60',
        'jingwei job start "Staff assistant" --queue',
    ),
)
changes(job, "cancel", cancel, RUN, examples=("jingwei job cancel run_…",))
reads(job, "follow", follow, RUN, examples=("jingwei job follow run_…",))
