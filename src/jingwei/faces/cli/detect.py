"""`jingwei detect`: the guard's verdict on one text, or on every line of a stream."""

import sys
from collections import deque
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from jingwei.core.lines import Line
    from jingwei.deploy.guard import Guard, GuardVerdict
    from jingwei.deploy.guard.lines import Outcome

ACTIONS = ("label", "redact", "safe_answer", "hold", "block")
ROLES = ("user", "assistant", "tool", "document")
BATCH = 64
"""Lines that one process takes at a time, where several work."""
NOTHING_EXAMINED = 4


def run(*, words: str | None, policy: Path | None, key: Path | None, form: str | None, role: str,
        fail_on: str | None, jobs: int) -> int:  # fmt: skip
    """Judge a text, or the lines of standard input; return the exit code."""
    if words is None and sys.stdin.isatty():
        raise click.UsageError(say("detect-no-input"))
    if words is not None:
        return _one(words, _guard(policy, key), role=role, form=form, fail_on=fail_on)
    outcomes = _outcomes(sys.stdin.buffer, policy, key, jobs)
    return _stream(outcomes, form or "jsonl", fail_on)


def _guard(policy: Path | None, key: Path | None) -> "Guard":
    from jingwei.core.snapshot import read_public_key
    from jingwei.deploy.guard import Guard

    return Guard.load(policy, trusted=read_public_key(key) if key else None)


def _stream(outcomes: "Iterator[Outcome]", form: str, fail_on: str | None) -> int:
    """Write one line for each that could be judged, at once; say on standard error which could not."""
    import orjson

    from jingwei.deploy.guard.lines import told
    from jingwei.faces.cli.detect_shown import Counter, row

    out = sys.stdout.buffer
    reached = False
    with Counter() as counter:
        for found in outcomes:
            if found.asked is None or found.verdict is None:
                counter.skip()
                _tell_problem(found)
                continue
            answer = told(found.asked, found.verdict)
            out.write(orjson.dumps(answer) + b"\n" if form == "jsonl" else row(answer))
            out.flush()
            counter.judged()
            reached = reached or _reaches(found.verdict, fail_on)
    if counter.skipped:
        click.echo(say("detect-skipped", skipped=counter.skipped, judged=counter.count), err=True)
    if counter.count == 0:
        click.echo(say("detect-nothing"), err=True)
        return NOTHING_EXAMINED
    if fail_on and counter.skipped and not reached:
        click.echo(say("detect-incomplete"), err=True)
    return int(reached or bool(fail_on and counter.skipped))


def _one(words: str, guard: "Guard", *, role: str, form: str | None, fail_on: str | None) -> int:
    import orjson

    from jingwei.deploy.guard.lines import Asked, judged, told
    from jingwei.faces.cli.detect_shown import explain, row

    asked = Asked("text", words.encode(errors="replace").decode(), role=role)  # type: ignore[arg-type]  # click checked it
    verdict = judged(asked, guard)
    if form == "jsonl":
        click.echo(orjson.dumps(told(asked, verdict)))
    elif form == "table":
        click.echo(row(told(asked, verdict)), nl=False)
    else:
        explain(asked.text, verdict)
    return int(_reaches(verdict, fail_on))


def _reaches(verdict: "GuardVerdict", fail_on: str | None) -> bool:
    from jingwei.core.policy import Decision

    return fail_on is not None and verdict.action.rank >= Decision(fail_on).rank


def _tell_problem(found: "Outcome") -> None:
    why = found.problem.of(current()) if found.problem else ""
    click.echo(say("detect-bad-line", number=found.number, why=why), err=True)


def _outcomes(stream: "BinaryIO", policy: Path | None, key: Path | None, jobs: int) -> "Iterator[Outcome]":
    from jingwei.core.lines import lines_of
    from jingwei.deploy.guard.lines import outcome

    lines = lines_of(stream)
    guard = _guard(policy, key)  # here too where several processes work: what is wrong with the policy is said once
    if jobs > 1:
        yield from _shared_out(lines, jobs, policy, key)
        return
    for line in lines:
        yield outcome(line, guard)


def _shared_out(lines: "Iterator[Line]", jobs: int, policy: Path | None, key: Path | None) -> "Iterator[Outcome]":
    """Let several processes judge; what comes out is in the order of what went in, and no line waits for later ones."""
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing import get_context

    from jingwei.faces.cli.detect_read import Reader

    waiting: deque[Future[list[Outcome]]] = deque()
    reader = Reader(lines, ahead=jobs * BATCH)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while waiting or not reader.ended:
            batch = reader.batch(BATCH, wait=not waiting)
            if batch:
                waiting.append(pool.submit(_judge, batch, policy, key))
            if waiting and (not batch or len(waiting) > jobs * 2):
                yield from waiting.popleft().result()


def _judge(lines: "list[Line]", policy: Path | None, key: Path | None) -> "list[Outcome]":
    from jingwei.deploy.guard.lines import outcomes

    return outcomes(lines, _kept_guard(policy, key))


@lru_cache(maxsize=1)
def _kept_guard(policy: Path | None, key: Path | None) -> "Guard":
    """Make the guard of a worker process, once."""
    return _guard(policy, key)


EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)

detect = Speaking(
    name="detect",
    callback=run,
    help=say("detect-help"),
    params=[
        Told(["words"], metavar="[TEXT]", required=False, about=say("detect-text")),
        click.Option(["--policy"], type=EXISTING, help=say("detect-policy")),
        click.Option(["--key"], type=EXISTING, help=say("detect-key")),
        click.Option(["--format", "form"], type=click.Choice(["jsonl", "table"]), help=say("detect-format")),
        click.Option(["--role"], type=click.Choice(ROLES), default="user", show_default=True, help=say("detect-role")),
        click.Option(["--fail-on"], type=click.Choice(ACTIONS), help=say("detect-fail-on")),
        click.Option(["--jobs"], type=click.IntRange(1, 64), default=1, show_default=True, help=say("detect-jobs")),
    ],
    examples=(
        'jingwei detect "my phone number is 13812345678"',
        "jingwei detect < in.jsonl > out.jsonl",
        "jingwei detect --policy policy.yaml --fail-on block < in.jsonl > out.jsonl",
    ),
)
