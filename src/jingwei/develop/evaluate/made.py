"""Evaluations that were not run here: another tool's log, or an Inspect task, kept in a folder as a run of ours is."""

from collections.abc import Sequence
from pathlib import Path

from jingwei.core.canonical import digest
from jingwei.core.errors import InputError
from jingwei.develop.evaluate.engine import REPORT
from jingwei.develop.evaluate.evaluation import Evaluation
from jingwei.develop.evaluate.keeping import ATTEMPTS, Keeping, Results, RunCard
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.rubric import rubric


def keep_made(evaluation: Evaluation, results: Sequence[Result], folder: Path, *, fresh: bool) -> Results:
    """Keep an evaluation; the same subject judged by the same judge may be kept again where it lies.

    Args:
        evaluation: what is kept.
        results: its results.
        folder: where; one that holds another evaluation is refused.
        fresh: forget what the folder holds.

    Raises:
        InputError: the folder holds another evaluation.
        Conflict: another process is at work in it.
        Unavailable: it cannot be written.
    """
    asked = [evaluation.subject.model_dump(mode="json"), evaluation.jingwei, rubric().version,
             [each.id for each in results]]  # fmt: skip
    keeping = Keeping(folder, RunCard(id=evaluation.id, plan=digest(asked), started_at=evaluation.started_at),
                      fresh=fresh)  # fmt: skip
    try:
        for each in results:
            if each.id not in keeping.done:
                keeping.write(each)
        kept = keeping.settle([each.id for each in results])
    finally:
        keeping.close()
    keeping.write_beside(REPORT, evaluation.model_dump_json(indent=1).encode())
    return kept


def demand_free(folder: Path) -> None:
    """Refuse a folder that holds an evaluation, before anything is spent on another.

    Raises:
        InputError: it holds one.
    """
    attempts = folder / ATTEMPTS
    if attempts.exists() and attempts.stat().st_size:
        raise InputError("develop.evaluate:run-other", field="out", folder=str(folder))
