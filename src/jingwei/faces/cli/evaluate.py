"""`jingwei evaluate`: how safe, honest and useful a model, an app or an agent is, by suites and with error bars."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jingwei.faces.cli.evaluate_target import FEW, PACKAGED, asked
from jingwei.faces.cli.help import LazyGroup, Speaking, Told
from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from jingwei.develop.evaluate.engine import Terms
    from jingwei.develop.evaluate.evaluation import Budget, Evaluation
    from jingwei.develop.evaluate.order import Asked, Evaluating, Order

FORMATS = ("text", "json")
RUN = "run"
NEVER = "never"
NOTHING_EXAMINED, INTERRUPTED = 4, 130
SUBCOMMANDS = {
    "list": "jingwei.faces.cli.evaluate_suites:suites",
    "show": "jingwei.faces.cli.evaluate_suites:show",
    "compare": "jingwei.faces.cli.evaluate_compare:compare",
    "select": "jingwei.faces.cli.evaluate_compare:select",
    "inspect": "jingwei.faces.cli.evaluate_inspect:inspect",
    "import": "jingwei.faces.cli.evaluate_import:imported",
    "review": "jingwei.faces.cli.evaluate_review:review",
    "replay": "jingwei.faces.cli.evaluate_replay:replay",
}


class Evaluate(LazyGroup):
    """A group whose first word is a suite to run, unless it is one of its commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Send what names no command to the run."""
        if args and args[0] not in {"--help", RUN, *self.commands_at}:
            args = [RUN, *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; a name that is none is a suite's."""
        return super().get_command(ctx, cmd_name) if cmd_name in self.commands_at else running

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the run's help, and the commands within it."""
        running.format_help(click.Context(running, info_name=ctx.info_name, parent=ctx.parent), formatter)


class Running(Speaking):
    """The run itself, whose help is the group's."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the group's commands."""
        del ctx
        with formatter.section(say("help-commands")):
            formatter.write_dl([(name, say(f"about-evaluate-{name}")) for name in SUBCOMMANDS])


def run(*, suites: tuple[str, ...], out: Path, form: str, fail_on: tuple[str, ...], **given: Any) -> int:
    """Evaluate, report, and return the exit code; `given` holds the other options as click read them."""
    from jingwei.develop.evaluate.order import Evaluating
    from jingwei.develop.evaluate.reports import write_reports

    if not suites:
        raise click.UsageError(say("evaluate-no-suite"))
    with ExitStack() as stack:
        work = Evaluating(_order(suites, out, fail_on, given, stack=stack))
        _carry_on(work, quiet=form == "json")
    evaluation, results = work.conclude()
    written = write_reports(evaluation, results, out, language=current())
    _show(evaluation, written, form)
    if work.examination and work.examination.trouble:
        from jingwei.faces.cli.root import show_error

        show_error(work.examination.trouble)
    return code_of(evaluation, lenient=NEVER in fail_on)


def code_of(evaluation: "Evaluation", *, lenient: bool = False) -> int:
    """Return the exit code of an evaluation.

    130 where it was interrupted, 4 where nothing was examined or the target went away, 1 where a suite did not pass.
    """
    from jingwei.core.evidence import Outcome

    if evaluation.stopped == "interrupted":
        return INTERRUPTED
    if evaluation.stopped == "unreachable" or not any(each.examined for each in evaluation.suites):
        return NOTHING_EXAMINED
    return int(not lenient and any(each.outcome is not Outcome.PASS for each in evaluation.suites))


def _order(suites: Sequence[str], out: Path, fail_on: Sequence[str],
           given: dict[str, Any], *, stack: ExitStack) -> "Order":  # Any: click's # fmt: skip
    from jingwei.develop.evaluate.order import Order
    from jingwei.develop.evaluate.planning import Scope

    def other(role: str) -> "Asked | None":
        named, model, key_env = given[role], given[f"{role}_model"], given[f"{role}_key_env"]
        return asked(named, model=model, key_env=key_env, stack=stack) if named else None

    subject = asked(given["target"], model=given["model"], key_env=given["key_env"], stack=stack)
    judge, attacker, mitigated = other("judge"), other("attacker"), other("mitigated")
    return Order(
        scope=Scope(
            suites=tuple(suites),
            languages=_listed(given["languages"]) or ("zh", "en"),
            transforms=_listed(given["transforms"]),
            strategies=_listed(given["strategies"]),
            categories=_listed(given["categories"]),
            epochs=given["epochs"],
            limit=_limit(given["limit"], given["target"]),
            seed=given["seed"],
        ),
        subject=subject,
        out=out,
        terms=_terms(given["concurrency"] or subject.target.concurrency, given["budget"], fail_on),
        judge=judge,
        attacker=attacker,
        mitigated=mitigated,
        self_judge=given["self_judge"],
        fresh=given["fresh"],
    )


def _limit(limit: int | None, target: str) -> int | None:
    """Return how many attempts of each suite: the model that comes along is slow, so it is asked a few, and told so."""
    if limit is not None or target != PACKAGED:
        return limit
    click.echo(say("evaluate-few", count=FEW), err=True)
    return FEW


def _terms(concurrency: int, budget: str, fail_on: Sequence[str]) -> "Terms":
    from jingwei.develop.evaluate.engine import Terms

    limits = {}
    for each in fail_on:
        if each == NEVER:
            continue
        name, _, value = each.partition("=")
        try:
            limits[name.strip()] = float(value)
        except ValueError as error:
            raise click.UsageError(say("evaluate-fail-on-wrong", given=each)) from error
    return Terms(concurrency=concurrency, budget=_budget(budget), limits=limits)


def _budget(given: str) -> "Budget":
    from pydantic import ValidationError

    from jingwei.develop.evaluate.evaluation import Budget

    pairs = [part.partition("=") for part in given.split(",") if part.strip()]
    try:
        return Budget.model_validate({name.strip(): value.strip() for name, _, value in pairs})
    except ValidationError as error:
        raise click.UsageError(say("evaluate-budget-wrong", given=given)) from error


def _listed(given: str) -> tuple[Any, ...]:  # Any: the scope's model looks at them
    return tuple(part.strip() for part in given.split(",") if part.strip())


def _carry_on(work: "Evaluating", *, quiet: bool) -> None:
    """Run until the end, or until somebody interrupts: then what was kept is still reported."""
    from jingwei.faces.cli.evaluate_shown import Watching

    with Watching(quiet=quiet) as watching:
        try:
            asyncio.run(work.run(watching.tell))
        except KeyboardInterrupt:
            if work.examination is None:
                raise


def _show(evaluation: "Evaluation", written: Sequence[Path], form: str) -> None:
    from jingwei.faces.cli.evaluate_shown import show_evaluation
    from jingwei.faces.cli.output import as_json

    if form == "json":
        as_json(evaluation.model_dump(mode="json"))
        return
    show_evaluation(evaluation, written)


running = Running(
    name=RUN,
    callback=run,
    help=say("evaluate-help"),
    params=[
        Told(["suites"], metavar="SUITE…", nargs=-1, about=say("evaluate-suites")),
        click.Option(["--target"], metavar="URL|FILE|packaged", required=True, help=say("evaluate-target")),
        click.Option(["--out"], metavar="DIR", required=True, type=click.Path(path_type=Path, file_okay=False),
                     help=say("evaluate-out")),
        click.Option(["--model"], default="", help=say("evaluate-model")),
        click.Option(["--key-env"], metavar="NAME", help=say("check-key-env")),
        click.Option(["--limit"], type=click.IntRange(1), help=say("evaluate-limit")),
        click.Option(["--budget"], default="", metavar="requests=N,tokens=N,money=N", help=say("evaluate-budget")),
        click.Option(["--transforms"], default="", metavar="A,B+C", help=say("evaluate-transforms")),
        click.Option(["--strategies"], default="", metavar="A,B", help=say("evaluate-strategies")),
        click.Option(["--languages"], default="", metavar="zh,en", help=say("evaluate-languages")),
        click.Option(["--categories"], default="", metavar="A,B", help=say("evaluate-categories")),
        click.Option(["--epochs"], type=click.IntRange(1, 100), default=1, show_default=True,
                     help=say("evaluate-epochs")),
        click.Option(["--concurrency"], type=click.IntRange(1, 256), help=say("evaluate-concurrency")),
        click.Option(["--seed"], type=int, default=20260101, show_default=True, help=say("evaluate-seed")),
        click.Option(["--judge"], metavar="URL|FILE", help=say("evaluate-judge")),
        click.Option(["--judge-model"], default="", help=say("evaluate-judge-model")),
        click.Option(["--judge-key-env"], metavar="NAME", help=say("evaluate-judge-key-env")),
        click.Option(["--self-judge"], is_flag=True, help=say("evaluate-self-judge")),
        click.Option(["--attacker"], metavar="URL|FILE", help=say("evaluate-attacker")),
        click.Option(["--attacker-model"], default="", help=say("evaluate-attacker-model")),
        click.Option(["--attacker-key-env"], metavar="NAME", help=say("evaluate-attacker-key-env")),
        click.Option(["--mitigated"], metavar="URL|FILE", help=say("evaluate-mitigated")),
        click.Option(["--mitigated-model"], default="", help=say("evaluate-mitigated-model")),
        click.Option(["--mitigated-key-env"], metavar="NAME", help=say("evaluate-mitigated-key-env")),
        click.Option(["--fail-on"], multiple=True, metavar="MEASURE=LIMIT|never", help=say("evaluate-fail-on")),
        click.Option(["--fresh"], is_flag=True, help=say("evaluate-fresh")),
        click.Option(["--format", "form"], type=click.Choice(FORMATS), default="text", show_default=True,
                     help=say("evaluate-format")),
        click.Option(["--json", "form"], flag_value="json", help=say("option-json")),
    ],
    examples=(
        "jingwei evaluate baseline --target http://127.0.0.1:8080/v1 --out first-report",
        "jingwei evaluate baseline --target packaged --out first-report",
        "jingwei evaluate baseline --target app.yaml --languages zh --limit 200 --out report",
        "jingwei evaluate baseline --target http://127.0.0.1:8080/v1 --fail-on attack_success_rate=0.05 --out ci",
    ),
)  # fmt: skip

_Group: Any = Evaluate
evaluate = _Group(
    name="evaluate",
    commands_at=SUBCOMMANDS,
    help=say("evaluate-help"),
    examples=(
        "jingwei evaluate baseline --target http://127.0.0.1:8080/v1 --out first-report",
        "jingwei evaluate list",
    ),
)
