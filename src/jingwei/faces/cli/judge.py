"""`jingwei judge`: the judge's opinion of every answer of a stream."""

import sys

import click

from jingwei.faces.cli.help import Speaking
from jingwei.faces.cli.language import current, say

NOTHING_EXAMINED = 4


def run(*, fail_on: str | None) -> int:
    """Judge the lines of standard input, each answered at once; return the exit code."""
    if sys.stdin.isatty():
        raise click.UsageError(say("judge-no-input"))
    import orjson

    from jingwei.core.lines import lines_of
    from jingwei.develop.evaluate.lines import judged
    from jingwei.faces.cli.detect_shown import Counter

    out = sys.stdout.buffer
    reached = False
    with Counter() as counter:
        for found in map(judged, lines_of(sys.stdin.buffer)):
            if found.opinion is None:
                counter.skip()
                why = found.problem.of(current()) if found.problem else ""
                click.echo(say("detect-bad-line", number=found.number, why=why), err=True)
                continue
            out.write(orjson.dumps(found.told()) + b"\n")
            out.flush()
            counter.judged()
            reached = reached or found.opinion.verdict == fail_on
    if counter.skipped:
        click.echo(say("detect-skipped", skipped=counter.skipped, judged=counter.count), err=True)
    if counter.count == 0:
        click.echo(say("judge-nothing"), err=True)
        return NOTHING_EXAMINED
    return int(reached or (fail_on is not None and counter.skipped > 0))


judge = Speaking(
    name="judge",
    callback=run,
    help=say("judge-help"),
    params=[click.Option(["--fail-on"], type=click.Choice(["unsafe", "undetermined"]), help=say("judge-fail-on"))],
    examples=("jingwei judge < in.jsonl > out.jsonl", "jingwei judge --fail-on unsafe < in.jsonl > out.jsonl"),
)
