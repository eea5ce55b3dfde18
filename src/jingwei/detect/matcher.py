"""Matchers: find every word of a list in one pass. Two engines, one behaviour, so no platform is left out."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Protocol

import ahocorasick

Span = tuple[int, int, int]
"""Start, end, number of the word."""


class Matcher(Protocol):
    """Finds all occurrences of its words, overlapping ones too."""

    def find(self, text: str) -> Iterable[Span]:
        """Return start, end and word number of every occurrence, in any order."""
        ...

    def image(self) -> bytes:
        """Return the compiled form, to be loaded elsewhere; empty where the engine has none."""
        ...


class DaachorseMatcher:
    """The fast engine: a double-array automaton over characters."""

    def __init__(self, words: Sequence[str], *, image: bytes | memoryview = b"") -> None:
        import daachorse  # noqa: PLC0415 - not installed everywhere

        kind = daachorse.CharwiseDoubleArrayAhoCorasick
        self._automaton: daachorse.CharwiseDoubleArrayAhoCorasick | None = None
        if image:
            self._automaton = kind.deserialize(bytes(image))
        elif words:
            self._automaton = kind(list(words))

    def find(self, text: str) -> Iterable[Span]:
        """Return start, end and word number of every occurrence, in any order."""
        found: list[Span] = self._automaton.find_overlapping(text) if self._automaton is not None else []
        return found

    def image(self) -> bytes:
        """Return the compiled form. Load it only from a source whose digest you were given: it is trusted as it is."""
        compiled: bytes = self._automaton.serialize() if self._automaton is not None else b""
        return compiled


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

    def image(self) -> bytes:
        """Return nothing: its own form is pickled, which is never loaded here."""
        return b""


@lru_cache(maxsize=1)
def has_daachorse() -> bool:
    """Tell whether the fast engine is here; Linux on ARM has no wheel, the second engine serves there."""
    return find_spec("daachorse") is not None


def matcher(words: Sequence[str], *, image: bytes | memoryview = b"") -> Matcher:
    """Build the best matcher this machine has, or load it. The words must differ from one another."""
    return DaachorseMatcher(words, image=image) if has_daachorse() else AhocorasickMatcher(words)
