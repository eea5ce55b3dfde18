"""Screening an answer: does it repeat what its asker may not see?

A model may know a hidden paragraph from elsewhere: an earlier turn, a tool, its training. So the answer is held against
the base once more. Runs of characters and words are compared by their hashes; a run that stands only in paragraphs
hidden from the asker, and in none that the asker may see, is a leak.
"""

import re
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.detect import fold

if TYPE_CHECKING:
    from jingwei.operate.access.acl import Asker
    from jingwei.operate.access.knowledge import KnowledgeBase

HAN_RUN = 12
"""Chinese characters of a run that two texts do not share by chance."""
WORD_RUN = 7
"""The same in words of other scripts."""
_HAN = r"\u3400-\u9fff"
_UNIT = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+")
_WIDE = HAN_RUN / WORD_RUN
"""A word weighs as much as this many characters."""
MOST_CHARACTERS = 40_000


class Leak(BaseModel):
    """A stretch of an answer that stands only in paragraphs hidden from the asker."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    paragraphs: tuple[int, ...]


class _Run(NamedTuple):
    hash: int
    start: int
    end: int


def shingles(text: str) -> frozenset[int]:
    """Return the hashes of all runs of a text; a text shorter than a run says too little and has none."""
    return frozenset(run.hash for run in _runs(fold(text).folded))


def leaks(answer: str, asker: "Asker", base: "KnowledgeBase") -> tuple[Leak, ...]:
    """Return the stretches of an answer that its asker may not see, joined where they overlap."""
    folded = fold(answer[:MOST_CHARACTERS])
    runs = list(_runs(folded.folded))
    holding = base.holding(list({run.hash for run in runs}))
    visible = base.visible(asker)
    found: list[Leak] = []
    for run in runs:
        held = holding.get(run.hash, frozenset())
        if not held or held & visible:
            continue
        start, end = folded.span(run.start, run.end)
        if found and start <= found[-1].end:
            last = found.pop()
            start, end, held = last.start, max(end, last.end), held | set(last.paragraphs)
        found.append(Leak(start=start, end=end, paragraphs=tuple(sorted(held))))
    return tuple(found)


def _runs(folded: str) -> Iterator[_Run]:
    units = list(_UNIT.finditer(folded))
    weights = [1.0 if len(each[0]) == 1 and 0x3400 <= ord(each[0]) <= 0x9FFF else _WIDE for each in units]
    last, weight = 0, 0.0
    for first in range(len(units)):
        while last < len(units) and weight < HAN_RUN - 1e-6:
            weight += weights[last]
            last += 1
        if weight < HAN_RUN - 1e-6:
            return
        yield _hashed(units[first:last])
        weight -= weights[first]


def _hashed(units: "list[re.Match[str]]") -> _Run:
    joined = " ".join(each[0] for each in units).encode("utf-8", "replace")
    # Two independent sums of 32 bits: a chance meeting would accuse an honest answer.
    number = zlib.crc32(joined) << 31 | zlib.adler32(joined) & 0x7FFFFFFF
    return _Run(number & 0x7FFFFFFFFFFFFFFF, units[0].start(), units[-1].end())
