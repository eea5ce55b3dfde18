"""`jingwei evaluate inspect`: a task that somebody wrote for Inspect, against our target and before our judge."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import as_json, console, plain

if TYPE_CHECKING:
    from jingwei.develop.evaluate.backends import Done, Job
    from jingwei.develop.evaluate.order import Asked


def run_task(*, task: str, target: str, model: str, key_env: str | None, limit: int | None, python: Path | None,
             out: Path, fresh: bool, form: str | None) -> int:  # fmt: skip
    """Run the task, judge its answers again, write the reports, and return the exit code an evaluation has."""
    from jingwei.develop.evaluate.backends import judged, run_inspect, task_of
    from jingwei.develop.evaluate.made import demand_free, keep_made
    from jingwei.develop.evaluate.reports import write_reports
    from jingwei.faces.cli.evaluate import code_of
    from jingwei.faces.cli.evaluate_shown import show_evaluation
    from jingwei.faces.cli.evaluate_target import asked

    task_of(task)
    if not fresh:
        demand_free(out)
    with ExitStack() as stack:
        job = _job(task, asked(target, model=model, key_env=key_env, stack=stack), limit=limit, python=python)
        done = run_inspect(job, out)
    evaluation, results = judged(done, job)
    kept = keep_made(evaluation, results, out, fresh=fresh)
    written = write_reports(evaluation, kept, out, language=current())
    if form == "json":
        figures = [each.model_dump() for each in done.figures]
        as_json(evaluation.model_dump(mode="json") | {"inspect": {"log": str(done.log), "figures": figures}})
    else:
        show_evaluation(evaluation, [*written, done.log])
        _show_figures(done, evaluation.subject.digest)
    return code_of(evaluation)


def _job(task: str, given: "Asked", *, limit: int | None, python: Path | None) -> "Job":
    """Return what is run; where no model is named, the first that the endpoint lists."""
    import asyncio

    from jingwei.core.errors import InputError
    from jingwei.develop.evaluate.backends import Job
    from jingwei.develop.evaluate.endpoint import Client
    from jingwei.develop.evaluate.subjects.opening import open_party
    from jingwei.develop.evaluate.target_file import ApiTarget

    target = given.target
    if not isinstance(target, ApiTarget):
        raise InputError("develop.evaluate:inspect-target", field="target")

    async def named() -> str:
        async with Client() as client:
            return (await open_party(target, client, key=given.key, seed=0)).card.model

    model = target.model or asyncio.run(named())
    return Job(task, target, model, key=given.key, limit=limit, python=python or Path(sys.executable))


def _show_figures(done: "Done", digest: str) -> None:
    for each in done.figures:
        console().print(f"  [dim]Inspect[/] {plain(each.scorer)} {plain(each.name)} [bold]{each.value:.3f}[/]")
    click.echo(f"  sha256 {digest}")


inspect = Speaking(
    name="inspect",
    callback=run_task,
    help=say("evaluate-inspect-help"),
    params=[
        Told(["task"], metavar="FILE.py[@NAME]", about=say("evaluate-inspect-task")),
        click.Option(["--target"], metavar="URL|FILE|packaged", required=True, help=say("evaluate-target")),
        click.Option(["--out"], metavar="DIR", required=True, type=click.Path(path_type=Path, file_okay=False),
                     help=say("evaluate-import-out")),
        click.Option(["--fresh"], is_flag=True, help=say("evaluate-fresh")),
        click.Option(["--model"], default="", help=say("evaluate-model")),
        click.Option(["--key-env"], metavar="NAME", help=say("check-key-env")),
        click.Option(["--limit"], type=click.IntRange(1), help=say("evaluate-inspect-limit")),
        click.Option(["--python"], metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
                     help=say("evaluate-inspect-python")),
        click.Option(["--json", "form"], flag_value="json", help=say("option-json")),
    ],
    examples=("jingwei evaluate inspect task.py@refusals --target http://127.0.0.1:8080/v1 --out judged",),
)  # fmt: skip
