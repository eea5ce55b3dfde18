"""`jingwei evaluate import`: another tool's log, judged again by our judge."""

from pathlib import Path

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import as_json, write_bytes


def import_log(*, log: Path, out: Path, form: str | None) -> int:
    """Judge a log again, write the reports, and return the exit code an evaluation has."""
    from jingwei.develop.evaluate.engine import REPORT
    from jingwei.develop.evaluate.intake import read_log, rejudge
    from jingwei.develop.evaluate.keeping import ATTEMPTS
    from jingwei.develop.evaluate.reports import write_reports
    from jingwei.faces.cli.evaluate import code_of
    from jingwei.faces.cli.evaluate_shown import show_evaluation

    evaluation, results = rejudge(read_log(log), log)
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(out / ATTEMPTS, b"".join(each.model_dump_json().encode() + b"\n" for each in results))
    write_bytes(out / REPORT, evaluation.model_dump_json(indent=1).encode())
    written = write_reports(evaluation, results, out, language=current())
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
        click.Option(["--json", "form"], flag_value="json", help=say("option-json")),
    ],
    examples=("jingwei evaluate import garak.report.jsonl --out judged-again",),
)  # fmt: skip
