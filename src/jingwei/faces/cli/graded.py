"""A grade as the terminal tells it: the rules that gave it, what follows, and what would change it."""

from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import console, plain

if TYPE_CHECKING:
    from jingwei.manage import GradeDecision, RecordedGrade


def show_grade(found: "RecordedGrade") -> None:
    """Print a grading: the decision, what would change it, what a scan overruled."""
    show_decision(found.decision)
    out, language = console(), current()
    for change in found.counterfactuals[:8]:
        mark = "↓" if change.direction == "lower" else "↑"
        out.print(f"  [dim]{mark} {plain(change.says.of(language))}[/]")
    if found.overruled:
        click.echo(say("grade-overruled", facts=", ".join(found.overruled)))
    if found.override:
        click.echo(say("grade-overridden", grade=found.override.grade, computed=found.decision.computed_grade,
                       reason=found.override.reason))  # fmt: skip


def show_decision(decision: "GradeDecision") -> None:
    """Print a grade with the rules that gave it and the lane that follows."""
    out, language = console(), current()
    lane = decision.lane
    out.print(f"  [bold]{say('grade-line', grade=decision.grade, name=lane.grade_name.of(language))}[/]  "
              + plain(say("grade-lane", lane=lane.name.of(language), roles=", ".join(decision.approver_roles),
                          days=lane.sla_days)))  # fmt: skip
    for rule in decision.fired:
        out.print(f"    [cyan]{rule.id:<16}[/] {plain(rule.why.of(language))}")
    for stop in decision.stops:
        out.print(f"    [bold red]⛔ {stop.id}[/] {plain(stop.why.of(language))}")
