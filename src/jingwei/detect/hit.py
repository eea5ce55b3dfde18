"""Hits: what a detector reports. Offsets always count characters of the text as it was given."""

from bisect import bisect_right
from typing import NamedTuple

from jingwei.core.finding import Severity
from jingwei.core.policy import Category


class Hit(NamedTuple):
    """One place where one rule fired. Never holds the text itself."""

    start: int
    end: int
    category: Category
    rule_id: str
    """Stable id, such as `pii.cn-id-card`."""
    score: float
    """How sure, 0 to 1. For injection and harm: what all rules that fired nearby amount to together."""
    severity: Severity


def widest(hits: list[Hit]) -> list[Hit]:
    """Drop every hit that lies inside another one; of two with the same span the first given stays."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.end > kept[-1].end:
            kept.append(hit)
    return kept


def strongest(hits: list[Hit], *, floor: float) -> tuple[Hit, ...]:
    """Drop what lies inside another hit; one that scores no more than the floor drops none that does."""
    if len(hits) == 1:
        return tuple(hits)
    ranked = sorted(hits, key=lambda hit: -hit.score)
    acting = widest([hit for hit in ranked if hit.score > floor])
    signals = widest([hit for hit in ranked if hit.score <= floor])
    starts = [hit.start for hit in acting]  # of the widest, one that begins later ends later, too
    kept = [hit for hit in signals
            if not (at := bisect_right(starts, hit.start)) or acting[at - 1].end < hit.end]  # fmt: skip
    return tuple(sorted(acting + kept))
