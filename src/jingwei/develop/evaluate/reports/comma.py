"""The attempts as a table for spreadsheets; what a model said never becomes a formula there."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jingwei.develop.evaluate.reports.markup import visible
from jingwei.develop.evaluate.result import Result

_FORMULA = frozenset("=+-@\t\r\n|%＝＋－＠")
"""How a cell begins that some spreadsheet would calculate, full-width signs included."""
_COLUMNS = ("id", "suite", "case", "language", "category", "transform", "strategy", "epoch", "state", "score",
            "reasons", "scorer", "turns", "milliseconds", "asked_tokens", "answered_tokens", "answer_length",
            "answer_sha256", "asked", "answer")  # fmt: skip


def to_csv(results: Iterable[Result], path: Path) -> None:
    """Write a line for each attempt, words redacted as they were kept."""
    to_table((dict(zip(_COLUMNS, _row(each), strict=True)) for each in results), _COLUMNS, path)


def to_table(lines: Iterable[Mapping[str, object]], columns: Sequence[str], path: Path) -> None:
    """Write a table that a spreadsheet opens as text."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_ALL)
        table.writerow(columns)
        for line in lines:
            table.writerow([cell(line[name]) for name in columns])


def cell(value: object) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    shown = visible(value)
    return f"'{shown}" if shown.lstrip(" ")[:1] in _FORMULA and shown.strip() else shown


def _row(each: Result) -> list[object]:
    verdict = each.verdict
    return [each.id, each.suite, each.case, each.language, each.category, each.transform, each.strategy, each.epoch,
            verdict.state.value, verdict.score, " ".join(verdict.reasons), verdict.scorer, each.turns,
            each.milliseconds, each.asked_tokens, each.answered_tokens, each.answer_length, each.answer_sha256,
            each.asked_redacted, each.answer_redacted]  # fmt: skip
