r"""Patterns: many regular expressions over one text for the price of one pass.

Hyperscan reads the text once and names the patterns that may match; only those are then run by Python's `re`,
which gives exact spans and allows look-around. On ordinary text nothing is named and nothing more is done.
Patterns are written for ASCII classes: `\d`, `\w` and `\b` know no Chinese, so a number beside a Chinese
character stands alone.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import hyperscan


class Found(NamedTuple):
    """One match: which pattern, and where. A group named `hit` narrows the span."""

    pattern: int
    start: int
    end: int


_BOUNDED_GAP = re.compile(r"(\[\^?(?:\\.|[^\]\\])+\]|\\[wdsS])\{(\d+),(\d+)\}\??")
_NARROW = 6
"""Repeats up to this count are cheap to compile."""


def widened(pattern: str) -> str:
    """Loosen the bounded gaps of a pattern: it then matches more, and compiles in a hundredth of the time."""

    def loosen(match: re.Match[str]) -> str:
        characters, least, most = match.groups()
        if int(most) <= _NARROW:
            return match[0]
        return f"{characters}{'*' if least == '0' else '+'}"

    return _BOUNDED_GAP.sub(loosen, pattern)


class PatternSet:
    """A compiled set of patterns; safe to share between threads."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [re.compile(pattern, re.ASCII) for pattern in patterns]
        self._database = hyperscan.Database()
        # Prefilter: may name a pattern too often, never too seldom. Single match: each is named once.
        flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_SINGLEMATCH
        self._database.compile(
            expressions=[widened(pattern).encode() for pattern in patterns],
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=[flags] * len(patterns),
        )
        self._local = threading.local()

    def named(self, text: str) -> list[int]:
        """Return the numbers of the patterns that may match, in order."""
        numbers: list[int] = []
        self._database.scan(
            text.encode(), match_event_handler=lambda number, *_: numbers.append(number), scratch=self._scratch()
        )
        return sorted(numbers)

    def find(self, text: str) -> Iterator[Found]:
        """Find every match of every pattern."""
        for number in self.named(text):
            pattern = self._patterns[number]
            group = "hit" if "hit" in pattern.groupindex else 0
            for match in pattern.finditer(text):
                start, end = match.span(group)
                if end > start:
                    yield Found(number, start, end)

    def _scratch(self) -> hyperscan.Scratch:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = self._database.scratch.clone()
        return scratch
