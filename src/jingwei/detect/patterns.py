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
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_TOGETHER = 3
"""Places nearer to each other than this most often are those of one match."""

_AFTER = 16
"""Characters after a match that a look-around may look at."""


class Found(NamedTuple):
    """One match: which pattern of the file, and where. A group named `hit` narrows the span."""

    pattern: int
    start: int
    end: int


class _Exact(NamedTuple):
    pattern: re.Pattern[str]
    group: int
    """The group named `hit`, or 0 for the whole match."""


class PatternSet:
    """The patterns of several rule files, compiled together; safe to share between threads."""

    def __init__(self, files: Mapping[str, Sequence[str]], *, reach: int = 256, shared: str = "patterns") -> None:
        self._sources = [pattern for patterns in files.values() for pattern in patterns]
        self._exact: list[_Exact | None] = [None] * len(self._sources)
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
        found: list[tuple[int, int]] = []

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((number, end))

        self._database.scan(raw, match_event_handler=note, scratch=self._scratch())
        if not found:
            return {}
        places = _characters(raw, sorted({end for _, end in found})) if len(raw) != len(text) else None
        ends: dict[int, list[int]] = {}
        for number, end in found:
            ends.setdefault(number, []).append(places[end] if places else end)
        return ends

    def find(self, text: Folded, file: str, *, reading: Reading) -> Iterator[Found]:
        """Find every match of every pattern of one file; all files share one pass over a text."""
        likely = self.likely(text, file, reading=reading)
        if not likely:
            return
        characters = text.clean if reading == "clean" else text.folded
        for number, ends in likely:
            for start, end in self.spans(characters, file, number=number, ends=ends):
                yield Found(number, start, end)

    def likely(self, text: Folded, file: str, *, reading: Reading) -> Sequence[tuple[int, Sequence[int]]]:
        """Return the patterns of one file that may match, by number, each with the places where it may end."""
        named: dict[int, list[int]] | None = text.shared.get(self._shared)
        if named is None:
            characters = text.clean if reading == "clean" else text.folded
            named = text.shared[self._shared] = self.named(characters)
        if not named:
            return ()
        numbers = self._firsts[file]
        first, stop = numbers.start, numbers.stop
        return [(number - first, named[number]) for number in sorted(named) if first <= number < stop]

    def spans(self, text: str, file: str, *, number: int, ends: Sequence[int]) -> Sequence[tuple[int, int]]:
        """Find every match of one pattern, looking only where it may end."""
        number += self._firsts[file].start
        pattern, group = self._exact[number] or self._compiled(number)
        _, closed, beyond = self._loose[number]
        matches = self._closed(pattern, text, ends, beyond=beyond) if closed else self._open(pattern, text, ends)
        spans = [match.span(group) for match in matches]
        return [span for span in spans if span[0] < span[1]]

    def _open(self, pattern: re.Pattern[str], text: str, ends: Sequence[int]) -> Iterable[re.Match[str]]:
        return pattern.finditer(text, max(0, ends[0] - self._reach))

    def _closed(self, pattern: re.Pattern[str], text: str, ends: Sequence[int], *,
                beyond: bool) -> Iterable[re.Match[str]]:  # fmt: skip
        last = ends[-1]
        if last - ends[0] < _TOGETHER:  # most often a number, and it begins near
            near = pattern.search(text, max(0, ends[0] - _NEAR), last + _AFTER)
            latest = last - 1 if beyond and last < len(text) else last
            if near is not None and latest <= near.end() < last + _AFTER:  # no other can end later
                return (near,)
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
        return (self._exact[number] or self._compiled(number)).pattern

    def _compiled(self, number: int) -> "_Exact":
        """Compile the exact pattern of a number, on first use; two threads may both do it: the same pattern twice."""
        pattern = re.compile(self._sources[number], re.ASCII)
        exact = self._exact[number] = _Exact(pattern, pattern.groupindex.get("hit", 0))
        return exact

    def _scratch(self) -> hyperscan.Scratch:
        try:
            scratch: hyperscan.Scratch = self._local.scratch
        except AttributeError:
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
