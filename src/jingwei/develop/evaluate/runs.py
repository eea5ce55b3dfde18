"""Runs that were kept: read back from their folders, to be compared, chosen from or shown again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from jingwei.core.errors import InputError, NotFound
from jingwei.develop.evaluate.engine import REPORT
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.keeping import ATTEMPTS, slim
from jingwei.develop.evaluate.measures import Kind, part_of
from jingwei.develop.evaluate.result import Result

_REPORT_BYTES = 64 * 1024 * 1024
_LINE_BYTES = 1024 * 1024
_LINES = 1_000_000


class KeptRun(NamedTuple):
    """One run: what came of it, and its results, without anybody's words unless they were asked for."""

    folder: Path
    evaluation: Evaluation
    results: Sequence[Result]

    @property
    def name(self) -> str:
        """Return what people call it: the model, or where it is."""
        return self.evaluation.subject.model or self.evaluation.subject.locator

    @property
    def kinds(self) -> Mapping[tuple[str, str], Kind]:
        """Return what a bad end is called, by suite and category."""
        return {
            (outcome.suite, part[2]): part[0]
            for outcome in self.evaluation.suites
            for measure in outcome.measures
            if (part := part_of(measure.name)) and part[1] == "category"
        }


def read_run(folder: Path, *, words: bool = False) -> KeptRun:
    """Read a run.

    Args:
        folder: where it is kept.
        words: keep what was asked and answered as well; without, ten thousand results are small.

    Raises:
        NotFound: the folder holds no run that was concluded.
        InputError: one of its files is not ours, damaged, or too large.
    """
    report, attempts = folder / REPORT, folder / ATTEMPTS
    if not report.is_file() or not attempts.is_file():
        raise NotFound("develop.evaluate:run-missing", field="runs", folder=str(folder))
    if report.stat().st_size > _REPORT_BYTES:
        raise InputError("develop.evaluate:run-unreadable", field="runs", file=str(report), line=1)
    try:
        evaluation = Evaluation.model_validate_json(report.read_bytes())
    except ValidationError as error:
        raise InputError("develop.evaluate:run-unreadable", field="runs", file=str(report), line=1) from error
    return KeptRun(folder, evaluation, _results(attempts, words=words))


def _results(path: Path, *, words: bool) -> list[Result]:
    found: list[Result] = []
    with path.open("rb") as file:
        while line := file.readline(_LINE_BYTES + 1):
            number = len(found) + 1
            result = _result(line, words=words) if len(line) <= _LINE_BYTES and number <= _LINES else None
            if result is None:
                raise InputError("develop.evaluate:run-unreadable", field="runs", file=str(path), line=number)
            found.append(result)
    return found


def _result(line: bytes, *, words: bool) -> Result | None:
    try:
        result = Result.model_validate_json(line)
    except ValidationError:
        return None
    return result if words else slim(result)
