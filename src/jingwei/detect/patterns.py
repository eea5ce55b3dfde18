r"""Patterns: many regular expressions over one text for the price of one pass.

Hyperscan reads the text once and names the patterns that may match; only those are then run by Python's `re`,
which gives exact spans and allows look-around. On ordinary text nothing is named and nothing more is done.
Patterns are written for ASCII classes: `\d`, `\w` and `\b` know no Chinese, so a number beside a Chinese
character stands alone.

All rule files that read the same spelling of a text share one pass over it: the first detector that asks pays, and the
others find the answer in `Folded.shared`.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import hyperscan

from jingwei.detect.compiled import compiled
from jingwei.detect.loosen import loosened
from jingwei.detect.normalize import Folded
from jingwei.detect.rule import Rule, rule_file

Reading = Literal["clean", "folded"]

FILES: Mapping[Reading, tuple[str, ...]] = {"clean": ("pii", "secrets"), "folded": ("injection", "harm", "emotion")}
"""Which rule files read the text with its case kept, and which without."""

_REACH: Mapping[Reading, int] = {"clean": 160, "folded": 1024}
"""A match can end, for the first time, within so many characters of where it begins."""

_FURTHER = 512
"""How far it is looked on where a match touches the end of its stretch."""

_NEAR = 64
"""A number is looked for so near before its end first."""

_AFTER = 16
"""Characters after a match that a look-around may look at."""


class Found(NamedTuple):
    """One match: which pattern of the file, and where. A group named `hit` narrows the span."""

    pattern: int
    start: int
    end: int


class PatternSet:
    """The patterns of several rule files, compiled together; safe to share between threads."""

    def __init__(self, files: Mapping[str, Sequence[str]], *, reach: int = 256, shared: str = "patterns") -> None:
        self._sources = [pattern for patterns in files.values() for pattern in patterns]
        self._exact: list[re.Pattern[str] | None] = [None] * len(self._sources)
        self._firsts: dict[str, range] = {}
        for name, patterns in files.items():
            first = max((each.stop for each in self._firsts.values()), default=0)
            self._firsts[name] = range(first, first + len(patterns))
        self._reach = reach
        self._shared = shared
        self._loose = [loosened(pattern) for pattern in self._sources]
        self._database = compiled(self._loose)
        self._local = threading.local()

    def named(self, text: str) -> dict[int, list[int]]:
        """Return the numbers of the patterns that may match, and the characters where: all ends, or only the first."""
        raw = text.encode()
        ends: dict[int, list[int]] = {}

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.setdefault(number, []).append(end)

        self._database.scan(raw, match_event_handler=note, scratch=self._scratch())
        if ends and len(raw) != len(text):
            places = _characters(raw, sorted({end for each in ends.values() for end in each}))
            ends = {number: [places[end] for end in each] for number, each in ends.items()}
        return ends

    def find(self, text: Folded, file: str, *, reading: Reading) -> Iterator[Found]:
        """Find every match of every pattern of one file; all files share one pass over a text."""
        characters = text.clean if reading == "clean" else text.folded
        named: dict[int, list[int]] | None = text.shared.get(self._shared)
        if named is None:
            named = text.shared[self._shared] = self.named(characters)
        return self._matches(characters, named, self._firsts[file]) if named else iter(())

    def _matches(self, text: str, named: Mapping[int, list[int]], numbers: range) -> Iterator[Found]:
        for number in sorted(named):
            if number not in numbers:
                continue
            pattern, ends = self.pattern(number), named[number]
            group = "hit" if "hit" in pattern.groupindex else 0
            for match in (
                self._closed(pattern, text, ends) if self._loose[number].closed else self._open(pattern, text, ends)
            ):
                start, end = match.span(group)
                if end > start:
                    yield Found(number - numbers.start, start, end)

    def _open(self, pattern: re.Pattern[str], text: str, ends: Sequence[int]) -> Iterator[re.Match[str]]:
        return pattern.finditer(text, max(0, ends[0] - self._reach))

    def _closed(self, pattern: re.Pattern[str], text: str, ends: Sequence[int]) -> Iterator[re.Match[str]]:
        if len(ends) == 1:  # most often a number, and it begins near
            stop = ends[0] + _AFTER
            near = pattern.search(text, max(0, ends[0] - _NEAR), stop)
            if near is not None and near.end() < stop:
                return iter((near,))
        return (
            match for begin, stop in self._windows(ends, len(text)) for match in _within(pattern, text, begin, stop)
        )

    def _windows(self, ends: Sequence[int], length: int) -> Iterator[tuple[int, int]]:
        """Return the stretches of text in which a pattern must lie that may end at these places."""
        begin = stop = -1
        for place in ends:
            if place - self._reach > stop:
                if stop >= 0:
                    yield max(0, begin), min(stop, length)
                begin = place - self._reach
            stop = place + _AFTER
        yield max(0, begin), min(stop, length)

    def pattern(self, number: int) -> re.Pattern[str]:
        """Return the exact pattern of a number, compiled on first use."""
        pattern = self._exact[number]
        if pattern is None:  # two threads may both compile it: the same pattern twice
            pattern = self._exact[number] = re.compile(self._sources[number], re.ASCII)
        return pattern

    def _scratch(self) -> hyperscan.Scratch:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = self._database.scratch.clone()
        return scratch


def _within(pattern: re.Pattern[str], text: str, begin: int, stop: int) -> Iterator[re.Match[str]]:
    while match := pattern.search(text, begin, stop):
        if match.end() == stop < len(text):  # what follows was not seen: look again, seeing it
            match = pattern.search(text, match.start(), stop + _FURTHER)
            if match is None:
                return
        yield match
        begin = max(match.end(), match.start() + 1)


def _characters(raw: bytes, ends: Sequence[int]) -> dict[int, int]:
    """Return how many whole characters of a text's UTF-8 lie before each of these bytes."""
    places: dict[int, int] = {}
    done = count = 0
    for end in ends:
        whole = end
        while whole < len(raw) and raw[whole] & 0xC0 == 0x80 and whole > done:  # inside a character: its beginning
            whole -= 1
        count += len(raw[done:whole].decode())
        done, places[end] = whole, count
    return places


@lru_cache
def patterns(reading: Reading) -> PatternSet:
    """Return the patterns of all rule files that read this spelling of a text, compiled on first use."""
    sources = {name: [pattern for _, pattern in numbered(name)] for name in FILES[reading]}
    return PatternSet(sources, reach=_REACH[reading], shared=f"patterns-{reading}")


@lru_cache
def numbered(name: str) -> tuple[tuple[Rule, str], ...]:
    """Return every pattern of a rule file, spelled out, with the rule it belongs to."""
    file = rule_file(name)
    return tuple((rule, pattern) for rule in file.rules for pattern in file.expressions(rule))
