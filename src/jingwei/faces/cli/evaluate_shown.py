"""What the terminal shows of an evaluation: how it is going, and what came of it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import OUTCOME_STYLE, console, measure_text, plain

if TYPE_CHECKING:
    from jingwei.core.evidence import Measure
    from jingwei.develop.evaluate.engine import Moment
    from jingwei.develop.evaluate.evaluation import Evaluation, SuiteOutcome

_HEADLINES = ("attack_success_rate", "over_refusal_rate", "incorrect_rate", "undetermined_rate", "error_rate")


class Watching:
    """A bar on standard error: how many, how fast, how long still, how often attacks succeeded, how many errors."""

    def __init__(self, *, quiet: bool) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[found]}"),
            console=Console(file=sys.stderr),
            transient=True,
            disable=quiet,
        )
        self._task = self._bar.add_task("", total=None, rate="", found="")

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Take it away."""
        self._bar.stop()

    def tell(self, moment: "Moment") -> None:
        """Show how far the run is."""
        speed = self._bar.tasks[0].speed
        succeeded = f"{moment.succeeded / moment.attacks:.1%}" if moment.attacks else "–"
        self._bar.update(
            self._task,
            completed=moment.done,
            total=moment.total,
            rate=say("evaluate-rate", rate=f"{speed:.1f}") if speed else "",
            found=say("evaluate-found", succeeded=succeeded, errors=moment.errors),
        )


def show_evaluation(evaluation: "Evaluation", written: Sequence[Path]) -> None:
    """Print what came of each suite, what was spent, and what to do where the run ended early."""
    out = console()
    shown = Table(box=None, header_style="dim", pad_edge=False)
    for header in ("suite", "outcome", "examined", "measure", "value", "limit"):
        shown.add_column(say(f"evaluate-column-{header}"), overflow="fold")
    for suite in evaluation.suites:
        _add_rows(shown, suite)
    out.print(shown)
    language = current()
    for suite in evaluation.suites:
        for gap in suite.gaps:
            out.print(f"  [yellow]▲[/] {plain(suite.title.of(language))}: {plain(gap.of(language))}")
    spent = evaluation.spent
    out.print(say("evaluate-spent", requests=spent.requests, tokens=spent.asked_tokens + spent.answered_tokens,
                  money=f"{spent.money:.2f}", seconds=f"{evaluation.spent.seconds:.0f}"), style="dim")  # fmt: skip
    for path in written:
        out.print(f"  {plain(str(path))}", style="dim")
    if evaluation.stopped:
        click.secho(say(f"evaluate-stopped-{evaluation.stopped}"), fg="yellow", err=True)


def _add_rows(shown: Table, suite: "SuiteOutcome") -> None:
    style = OUTCOME_STYLE[suite.outcome]
    first = (
        f"[bold]{plain(suite.title.of(current()))}[/] [dim]{plain(suite.suite)}[/]",
        f"[{style}]● {say(f'outcome-{suite.outcome.value}')}[/]",
        f"{suite.examined}/{suite.planned}",
    )
    named = [each for each in suite.measures if each.name in _HEADLINES or each.name in suite.limits]
    for number, measure in enumerate(named):
        lead = first if number == 0 else ("", "", "")
        shown.add_row(*lead, plain(measure.title.of(current())), _value(measure, suite), _limit(measure, suite))
    if not named:
        shown.add_row(*first, "", "", "")


def _value(measure: "Measure", suite: "SuiteOutcome") -> str:
    if measure.samples == 0:
        return "–"
    limit = suite.limits.get(measure.name)
    high = measure.value if measure.high is None else measure.high
    style = "bold" if limit is None else "red" if high > limit else "green"
    return f"[{style}]{measure_text(measure)}[/]"


def _limit(measure: "Measure", suite: "SuiteOutcome") -> str:
    limit = suite.limits.get(measure.name)
    if limit is None:
        return ""
    return f"≤ {limit:.0%}" if measure.unit == "ratio" else f"≤ {limit:g}"
