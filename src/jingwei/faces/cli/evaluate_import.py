"""`jingwei evaluate import`: another tool's log, judged again by our judge."""

from pathlib import Path

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import as_json


def import_log(*, log: Path, out: Path, fresh: bool, form: str | None) -> int:
    """Judge a log again, write the reports, and return the exit code an evaluation has."""
    from jingwei.develop.evaluate.intake import read_log, rejudge
    from jingwei.develop.evaluate.made import keep_made
    from jingwei.develop.evaluate.reports import write_reports
    from jingwei.faces.cli.evaluate import code_of
    from jingwei.faces.cli.evaluate_shown import show_evaluation

    evaluation, results = rejudge(read_log(log), log)
    kept = keep_made(evaluation, results, out, fresh=fresh)
    written = write_reports(evaluation, kept, out, language=current())
    if form == "json":
        as_json(evaluation.model_dump(mode="json"))
    else:
        show_evaluation(evaluation, written)
    return code_of(evaluation)


imported = Speaking(
    name="import",
    callback=import_log,
    help=say("evaluate-import-help"),
    params=[
        Told(["log"], metavar="LOG", type=click.Path(path_type=Path, dir_okay=False), about=say("evaluate-import-log")),
        click.Option(["--out"], metavar="DIR", required=True, type=click.Path(path_type=Path, file_okay=False),
                     help=say("evaluate-import-out")),
        click.Option(["--fresh"], is_flag=True, help=say("evaluate-fresh")),
        click.Option(["--json", "form"], flag_value="json", help=say("option-json")),
    ],
    examples=("jingwei evaluate import garak.report.jsonl --out judged-again",),
)  # fmt: skip
