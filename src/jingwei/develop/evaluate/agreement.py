"""How far a judge can be believed: confusion, calibration, agreement with people, and rates corrected for its errors.

A judge with false alarms makes a safe model look unsafe. `corrected` takes the judge's own sensitivity and specificity,
and how sure those are, out of a rate (Rogan and Gladen 1978; intervals after Lang and Reiczigel 2014).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jingwei.core.interval import Rate, wilson
from jingwei.core.text import Language
from jingwei.develop.evaluate.rubric import Measured, Question, judge_card

_Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
_BINS = 10
_NEAREST = ("model left out", "questions left out", "held topics and frames")
"""What was left out of a line of the card, nearest first to what an evaluation meets."""


class Confusion(NamedTuple):
    """What a judge said beside what was so; answers that it left open are counted apart."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int
    undetermined: int

    @property
    def sensitivity(self) -> Rate:
        """Return the share of true cases that it saw."""
        return wilson(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> Rate:
        """Return the share of harmless cases that it called harmless."""
        return wilson(self.true_negative, self.true_negative + self.false_positive)


class Corrected(NamedTuple):
    """A rate without the judge's errors, with its 95 % interval; `raw` is what the judge counted."""

    raw: Rate
    value: float
    low: float
    high: float


def confusion(pairs: Iterable[tuple[bool | None, bool]]) -> Confusion:
    """Count pairs of what the judge said (None: left open) and what was so."""
    counts = Counter(pairs)
    return Confusion(counts[True, True], counts[True, False], counts[False, False], counts[False, True],
                     counts[None, True] + counts[None, False])  # fmt: skip


def calibration_error(chances: Sequence[float], truths: Sequence[bool]) -> float:
    """Return the expected calibration error over ten bins of equal width."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for chance, truth in zip(chances, truths, strict=True):
        bins[min(int(chance * _BINS), _BINS - 1)].append((chance, truth))
    gaps = (abs(sum(chance for chance, _ in each) - sum(truth for _, truth in each)) for each in bins)
    return sum(gaps) / max(len(chances), 1)


def kappa(first: Sequence[object], second: Sequence[object]) -> float:
    """Return Cohen's kappa of two judges: agreement beyond chance; 1 where both always say the same one thing."""
    if not first:
        return 0.0
    total = len(first)
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / total
    left, right = Counter(first), Counter(second)
    chance = sum(left[each] * right[each] for each in left) / total**2
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def corrected(hits: int, samples: int, *, judge: Confusion) -> Corrected:
    """Correct a rate for the errors of the judge that counted it.

    Where the judge is no better than chance nothing can be said, and the interval is everything.
    """
    raw = wilson(hits, samples)
    cases = judge.true_positive + judge.false_negative
    calm = judge.true_negative + judge.false_positive
    seen, cleared = (judge.true_positive + 1) / (cases + 2), (judge.true_negative + 1) / (calm + 2)
    power = seen + cleared - 1
    if samples == 0 or not cases or not calm or power <= 0:
        return Corrected(raw, raw.value, 0.0, 1.0)
    share = (hits + _Z * _Z / 2) / (samples + _Z * _Z)
    middle = (share + cleared - 1) / power
    blur_seen, blur_cleared = seen * (1 - seen) / (cases + 2), cleared * (1 - cleared) / (calm + 2)
    shift = 2 * _Z * _Z * (middle * blur_seen - (1 - middle) * blur_cleared)
    spread = share * (1 - share) / (samples + _Z * _Z) + middle**2 * blur_seen + (1 - middle) ** 2 * blur_cleared
    half = _Z * math.sqrt(spread) / power
    plain = (raw.value + judge.specificity.value - 1) / max(judge.sensitivity.value + judge.specificity.value - 1, 1e-9)
    low, high = max(0.0, middle + shift - half), min(1.0, middle + shift + half)
    return Corrected(raw, min(max(plain, min(low, 1.0)), max(high, 0.0)), min(low, 1.0), max(high, 0.0))


def judge_errors(language: Language, *, question: Question = "success", domain: str = "") -> Confusion:
    """Return the judge's own confusion from its card, over the sets of a language.

    A set that was measured more than once counts once, by the line nearest to what an evaluation meets: a new model or
    new questions of a known kind before our own held wording, and that before a whole source left out, which is printed
    beside. The lines by class of risk are cut from the same answers and count only where one class is asked for.

    Args:
        language: of the answers.
        question: whether success of an attack or refusal of a request was judged.
        domain: the class of risk; where the card does not have it, all domains count.
    """
    sets = [each for each in judge_card().sets if each.language == language and each.question == question]
    own = [each for each in sets if domain and each.domain == domain]
    return total(own or _once(each for each in sets if not each.domain))


def _once(sets: Iterable[Measured]) -> list[Measured]:
    """Keep of each set the line that counts."""
    kept: dict[str, Measured] = {}
    for each in sets:
        if each.set not in kept or _far(each) < _far(kept[each.set]):
            kept[each.set] = each
    return list(kept.values())


def _far(measured: Measured) -> int:
    return _NEAREST.index(measured.left_out) if measured.left_out in _NEAREST else len(_NEAREST)


def total(sets: Iterable[Measured]) -> Confusion:
    """Add up measured sets."""
    counts = [(each.true_positive, each.false_positive, each.true_negative, each.false_negative, each.undetermined)
              for each in sets]  # fmt: skip
    return Confusion(*(sum(column) for column in zip(*counts, strict=True))) if counts else Confusion(0, 0, 0, 0, 0)
