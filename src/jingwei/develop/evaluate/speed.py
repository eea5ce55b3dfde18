"""How long answers took."""

from collections.abc import Sequence
from statistics import quantiles
from typing import NamedTuple


class Speed(NamedTuple):
    """Durations in milliseconds."""

    samples: int
    half: float
    most: float
    """95 % took at most so long."""


def speed_of(took: Sequence[int]) -> Speed:
    """Return the middle and the 95th percentile of durations."""
    if len(took) < 2:
        only = float(took[0]) if took else 0.0
        return Speed(len(took), only, only)
    cuts = quantiles(took, n=20, method="inclusive")
    return Speed(len(took), cuts[9], cuts[18])
