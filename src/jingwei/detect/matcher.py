"""Matchers: find every word of a list in one pass. Two engines, one behaviour, so no platform is left out."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Protocol

import ahocorasick

_HAS_DAACHORSE = find_spec("daachorse") is not None
"""Linux on ARM has no wheel; the second engine serves there."""

Span = tuple[int, int, int]
"""Start, end, number of the word."""


class Matcher(Protocol):
    """Finds all occurrences of its words, overlapping ones too."""

    def find(self, text: str) -> Iterable[Span]:
        """Return start, end and word number of every occurrence, in any order."""
        ...


class DaachorseMatcher:
    """The fast engine: a double-array automaton over characters."""

    def __init__(self, words: Sequence[str]) -> None:
        import daachorse  # noqa: PLC0415 - not installed everywhere

        self._automaton = daachorse.CharwiseDoubleArrayAhoCorasick(list(words)) if words else None

    def find(self, text: str) -> Iterable[Span]:
        """Return start, end and word number of every occurrence, in any order."""
        found: list[Span] = self._automaton.find_overlapping(text) if self._automaton else []
        return found


class AhocorasickMatcher:
    """The engine that builds everywhere."""

    def __init__(self, words: Sequence[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        self._lengths = [len(word) for word in words]
        for number, word in enumerate(words):
            self._automaton.add_word(word, number)
        if words:
            self._automaton.make_automaton()

    def find(self, text: str) -> Iterable[Span]:
        """Return start, end and word number of every occurrence, in any order."""
        if not self._lengths:
            return []
        return [(last + 1 - self._lengths[number], last + 1, number) for last, number in self._automaton.iter(text)]


def matcher(words: Sequence[str]) -> Matcher:
    """Build the best matcher this machine has. The words must differ from one another."""
    return DaachorseMatcher(words) if _HAS_DAACHORSE else AhocorasickMatcher(words)
