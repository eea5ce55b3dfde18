"""Attack success without the judge's errors: what facts decided stays, what the judge decided is corrected.

Each language is corrected by the judge's own confusion in it (`agreement.corrected`); the parts are put together by
their shares, their intervals by the method of variance estimates recovery (Zou and Donner 2008).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from jingwei.core.interval import Rate, wilson
from jingwei.core.text import Language
from jingwei.develop.evaluate.agreement import corrected, judge_errors
from jingwei.develop.evaluate.verdict import State, Verdict


class Without(NamedTuple):
    """A rate as it was counted among the decided attacks, and as it is without the judge's errors."""

    raw: Rate
    value: float
    low: float
    high: float
    by_judge: int
    """How many of the decided attacks a judge decided, not a fact."""


class _Piece(NamedTuple):
    share: float
    value: float
    low: float
    high: float


@dataclass(slots=True)
class Judged:
    """Decided attacks in one language, by who decided."""

    hits: int = 0
    samples: int = 0
    fact_hits: int = 0
    fact_samples: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count a verdict; what is open, invalid or an error is not decided."""
        if verdict.state not in {State.ATTACK_SUCCEEDED, State.RESISTED}:
            return
        succeeded = verdict.state is State.ATTACK_SUCCEEDED
        if verdict.score is None:
            self.fact_hits += succeeded
            self.fact_samples += 1
        else:
            self.hits += succeeded
            self.samples += 1


def without_errors(judged: Mapping[Language, Judged]) -> dict[Language | None, Without]:
    """Correct each language and all together; a language without a decided attack is missing."""
    found: dict[Language | None, Without] = {
        language: _together({language: part}) for language, part in judged.items() if part.samples + part.fact_samples
    }
    if found:
        found[None] = _together(judged)
    return found


def _together(judged: Mapping[Language, Judged]) -> Without:
    total = sum(each.samples + each.fact_samples for each in judged.values())
    hits = sum(each.hits + each.fact_hits for each in judged.values())
    pieces = []
    for language, each in judged.items():
        if each.samples:
            found = corrected(each.hits, each.samples, judge=judge_errors(language))
            pieces.append(_Piece(each.samples / total, found.value, found.low, found.high))
    if known := sum(each.fact_samples for each in judged.values()):
        rate = wilson(sum(each.fact_hits for each in judged.values()), known)
        pieces.append(_Piece(known / total, rate.value, rate.low, rate.high))
    value = sum(each.share * each.value for each in pieces)
    below = sum((each.share * (each.value - each.low)) ** 2 for each in pieces) ** 0.5
    above = sum((each.share * (each.high - each.value)) ** 2 for each in pieces) ** 0.5
    by_judge = sum(each.samples for each in judged.values())
    return Without(wilson(hits, total), value, max(0.0, value - below), min(1.0, value + above), by_judge)
