"""promptfoo's output: `results.results`, or `results` itself, or a line of JSON for each result.

`success` false means that a check failed.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from jingwei.core.errors import InputError
from jingwei.develop.evaluate.intake.heard import ENTRIES, Heard, Log, Tree, at, listed, number, parsed, said, word
from jingwei.develop.evaluate.intake.lines import lines_of

_ERROR = 2
"""`failureReason` where the provider or the grader failed, not the answer."""


def is_promptfoo(tree: Tree) -> bool:
    """Tell whether it is promptfoo's."""
    return isinstance(tree, Mapping) and bool(_rows(tree))


def read_promptfoo(tree: Tree) -> Log:
    """Read an output."""
    return _log(_rows(tree), version=word(tree, "metadata", "promptfooVersion"))


def is_promptfoo_line(first: Tree) -> bool:
    """Tell whether a first line is a result of promptfoo's."""
    return isinstance(first, Mapping) and {"promptIdx", "testIdx", "success"} <= first.keys()


def read_promptfoo_lines(path: Path) -> Log:
    """Read an output of one result a line.

    Raises:
        InputError: a line is no JSON, or too long, or there are too many.
    """
    with path.open("rb") as file:
        found = (parsed(line, file=path.name, line=number) for number, line in lines_of(file, name=path.name))
        rows = list(islice(found, ENTRIES + 1))
    if len(rows) > ENTRIES:
        raise InputError("develop.evaluate:log-too-large", field="log", file=path.name, limit=ENTRIES)
    return _log(rows, version="")


def _log(rows: Sequence[Tree], *, version: str) -> Log:
    provider = at(rows[0], "provider")
    model = provider if isinstance(provider, str) else word(provider, "label") or word(provider, "id")
    hostile = any(_metadata(each, "pluginId") for each in rows)
    return Log("promptfoo", _heard(rows), model=model, version=version, hostile=hostile)


def _rows(tree: Tree) -> list[Tree]:
    return listed(tree, "results", "results") or listed(tree, "results")


def _heard(rows: Sequence[Tree]) -> Iterator[Heard]:
    for place, row in enumerate(rows):
        output = at(row, "response", "output")
        fault = "" if output is not None else "no-answer"
        failed = at(row, "failureReason") == _ERROR or (word(row, "error") and output is None)
        passed = at(row, "gradingResult", "pass")
        passed = passed if isinstance(passed, bool) else at(row, "success")
        yield Heard(
            id=word(row, "id") or str(place),
            group=_metadata(row, "pluginId") or word(row, "testCase", "description") or "test",
            question=_question(row),
            answer=said(output),
            theirs=None if failed or not isinstance(passed, bool) else not passed,
            fault=fault,
            way=_metadata(row, "strategyId") or "plain",
            milliseconds=number(row, "latencyMs"),
            tokens=number(row, "response", "tokenUsage", "total"),
        )


def _question(row: Tree) -> str:
    """Return what was asked: a red-team test keeps it among its variables."""
    given = at(row, "vars")
    if isinstance(given, Mapping):
        for name in ("prompt", "query", "question", "message"):
            if isinstance(given.get(name), str):
                return word(given, name)
    return word(row, "prompt", "raw") or word(row, "prompt")


def _metadata(row: Tree, name: str) -> str:
    return word(row, "metadata", name) or word(row, "testCase", "metadata", name)
