"""`jingwei evaluate review`: what the judge left open goes to people, and their decisions come back."""

from pathlib import Path

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import current, say


def review_run(*, folder: Path, queue: Path | None, sample: int, decisions: Path | None, person: str) -> None:
    """Write the queue, or read it back and renew the reports."""
    if bool(queue) == bool(decisions) or bool(decisions) != bool(person):
        raise click.UsageError(say("evaluate-review-one"))
    from jingwei.develop.evaluate.reports import write_queue, write_reports
    from jingwei.develop.evaluate.reviews import keep_decisions, queue_of, read_decisions
    from jingwei.develop.evaluate.runs import read_run

    run = read_run(folder, words=True)
    if queue:
        found = queue_of(run.results, sample=sample, seed=run.evaluation.seed)
        write_queue(found, queue)
        click.echo(say("evaluate-review-written", count=len(found), path=queue))
    if decisions:
        kept = read_decisions(decisions, person=person, known=[each.id for each in run.results])
        keep_decisions(folder, kept)
        written = write_reports(run.evaluation, run.results, folder, language=current())
        click.echo(say("evaluate-review-kept", count=len(kept), path=written[0]))


review = Speaking(
    name="review",
    callback=review_run,
    help=say("evaluate-review-help"),
    params=[
        Told(["folder"], metavar="RUN", type=click.Path(path_type=Path, file_okay=False),
             about=say("evaluate-review-run")),
        click.Option(["--queue"], metavar="CSV", type=click.Path(path_type=Path, dir_okay=False),
                     help=say("evaluate-review-queue")),
        click.Option(["--sample"], type=click.IntRange(0), default=40, show_default=True,
                     help=say("evaluate-review-sample")),
        click.Option(["--decisions"], metavar="CSV", type=click.Path(path_type=Path, dir_okay=False, exists=True),
                     help=say("evaluate-review-decisions")),
        click.Option(["--person"], default="", metavar="NAME", help=say("evaluate-review-person")),
    ],
    examples=(
        "jingwei evaluate review report --queue to-review.csv",
        "jingwei evaluate review report --decisions to-review.csv --person mei",
    ),
)  # fmt: skip
