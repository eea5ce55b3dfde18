"""Paired statistics: does the same case end worse under one condition than under another?"""

import math
from collections.abc import Sequence
from typing import NamedTuple

_Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


class Paired(NamedTuple):
    """The difference of two conditions over the same cases."""

    gap: float
    """Mean difference of the shares of bad ends: 1 where all end badly under the first and none under the second."""
    low: float
    high: float
    worse: int
    """Cases that end worse under the first condition."""
    better: int
    samples: int
    p: float
    """Of McNemar's exact test, one-sided: how easily chance alone makes so many of the differing cases worse."""


def paired(differences: Sequence[float]) -> Paired:
    """Compare by the differences of each case: 1 worse, -1 better, 0 the same, or a share between.

    With two conditions this is McNemar's exact test and the Agresti-Min interval, which holds for few cases too.
    """
    samples = len(differences)
    worse = sum(each > 0 for each in differences)
    better = sum(each < 0 for each in differences)
    total, squares = sum(differences), sum(each * each for each in differences)
    shrunk = total / (samples + 2)
    spread = _Z * math.sqrt(max(0.0, (squares + 1) / (samples + 2) - shrunk**2) / (samples + 2))
    return Paired(
        gap=total / samples if samples else 0.0,
        low=max(-1.0, shrunk - spread) if samples else -1.0,
        high=min(1.0, shrunk + spread) if samples else 1.0,
        worse=worse,
        better=better,
        samples=samples,
        p=at_least(worse, worse + better),
    )


def at_least(hits: int, tosses: int) -> float:
    """Return the chance of so many heads or more of a fair coin."""
    favourable: int = sum(math.comb(tosses, each) for each in range(hits, tosses + 1))
    return favourable / (1 << tosses)


def holm(values: Sequence[float], level: float = 0.05) -> list[bool]:
    """Tell which of several tests stand together at a level (Holm's step-down), so that many tests cry wolf as one."""
    order = sorted(range(len(values)), key=values.__getitem__)
    stands = [False] * len(values)
    for rank, at in enumerate(order):
        if values[at] > level / (len(values) - rank):
            break
        stands[at] = True
    return stands
