"""Rates with their Wilson 95 % interval: honest at small samples and at 0 or 100 %."""

import math
from typing import NamedTuple

_Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


class Rate(NamedTuple):
    """A share of a sample and where the true share lies with 95 % confidence."""

    hits: int
    samples: int
    value: float
    low: float
    high: float


def wilson(hits: int, samples: int) -> Rate:
    """Return a rate with its Wilson score interval; nothing sampled means anything is possible."""
    if samples == 0:
        return Rate(hits=0, samples=0, value=0.0, low=0.0, high=1.0)
    share, spread = hits / samples, _Z * _Z / samples
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / samples + spread / (4 * samples)) / (1 + spread)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == samples else min(1.0, middle + half)
    return Rate(hits=hits, samples=samples, value=share, low=low, high=high)
