"""Pinyin: which Latin letters of a text may be Chinese syllables, and which.

A token is taken as a whole or not at all. Where it can be cut in two ways (fangan: fang·an, fan·gan), the cut that
takes the longest syllables from the left and the one that takes them from the right are both tried. In a text without
Chinese characters a look is worth it only where enough syllables stand side by side.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from jingwei.detect.reading import syllables

_LONGEST = 6
_LONGEST_TOKEN = 60
_TOKEN = re.compile(r"[a-z]+")
_SPELLED = re.compile(r"(?<![a-z])[a-z](?:[^a-z0-9]{1,3}[a-z](?![a-z])){5,}")
"""Letters one by one: z h u a n."""
_LETTERS = bytes(code if chr(code).isalpha() else 32 for code in range(128)) + bytes([32]) * 128
_SHAPES = bytes(97 if chr(code).isalpha() else 32 for code in range(128)) + bytes([32]) * 128
_ONE_BY_ONE = b" a a a a a "
_BESIDE = re.compile(rb"[\x01-\xff]+")
_ENOUGH = 4
_ENOUGH_IN_ONE = 3
_ALSO = {"lue": "lve", "nue": "nve"}


class Syllable(NamedTuple):
    """A syllable in a token."""

    start: int
    end: int
    code: str


class Cuts(NamedTuple):
    """The two ways to cut a token; most often the same."""

    left: tuple[Syllable, ...]
    right: tuple[Syllable, ...]


class Token(NamedTuple):
    """A token of a text that is nothing but syllables."""

    start: int
    cuts: Cuts


def tokens(folded: str, *, all_of_them: bool) -> Iterator[Token]:
    """Find the tokens that may be pinyin, or only those of which enough stand side by side to make a word.

    Places count in the folded text.
    """
    written = folded.encode("ascii", "replace")
    shapes = b" ".join((b"", written.translate(_SHAPES), b"")).replace(b"  ", b" ").replace(b"  ", b" ")
    if _ONE_BY_ONE in shapes:
        yield from _one_by_one(folded)
    if all_of_them:
        found = list(_TOKEN.finditer(folded))
        chosen = range(len(found))
    else:
        chosen = [number for run in _side_by_side(written.translate(_LETTERS).split()) for number in run]
        found = list(_TOKEN.finditer(folded)) if chosen else []
    for number in chosen:
        cuts = cut(found[number][0])
        if cuts:
            yield Token(found[number].start(), cuts)


def _side_by_side(letters: list[bytes]) -> Iterator[range]:
    counts = bytes(map(_count, letters))
    for run in _BESIDE.finditer(counts):
        if sum(run[0]) >= _ENOUGH or max(run[0]) >= _ENOUGH_IN_ONE:
            yield range(run.start(), run.end())


def _one_by_one(folded: str) -> Iterator[Token]:
    for match in _SPELLED.finditer(folded):
        at = [place for place, letter in enumerate(match[0]) if letter.isalpha()]
        cuts = cut("".join(match[0][place] for place in at))
        if cuts:
            left, right = (
                tuple(Syllable(at[each.start], at[each.end - 1] + 1, each.code) for each in way) for way in cuts
            )
            yield Token(match.start(), Cuts(left, right))


@lru_cache(maxsize=65536)
def _count(token: bytes) -> int:
    cuts = cut(token.decode())
    return len(cuts.left) if cuts else 0


@lru_cache(maxsize=65536)
def cut(letters: str) -> Cuts | None:
    """Cut letters into syllables; None where it cannot be done."""
    if len(letters) > _LONGEST_TOKEN:
        return None
    known = spelled()
    size = len(letters)
    steps = [
        [end for end in range(min(size, start + _LONGEST), start, -1) if letters[start:end] in known]
        for start in range(size)
    ]
    whole = [False] * size + [True]
    for start in range(size - 1, -1, -1):
        whole[start] = any(whole[end] for end in steps[start])
    if not whole[0]:
        return None
    left, start = [], 0
    while start < size:
        end = next(end for end in steps[start] if whole[end])
        left.append(Syllable(start, end, known[letters[start:end]]))
        start = end
    return Cuts(tuple(left), _from_the_right(letters, steps))


def _from_the_right(letters: str, steps: list[list[int]]) -> tuple[Syllable, ...]:
    known = spelled()
    reached = [True] + [False] * len(letters)
    for start, ends in enumerate(steps):
        for end in ends:
            reached[end] = reached[end] or reached[start]
    right: list[Syllable] = []
    end = len(letters)
    while end:
        start = next(start for start in range(max(0, end - _LONGEST), end) if reached[start] and end in steps[start])
        right.append(Syllable(start, end, known[letters[start:end]]))
        end = start
    return tuple(reversed(right))


def unfinished(token: str) -> tuple[int, ...]:
    """Return where a token's last syllable may begin that is still being written: all before is whole syllables."""
    starts = range(max(0, len(token) - _LONGEST), len(token))
    return tuple(start for start in starts if token[start:] in _beginnings() and (not start or cut(token[:start])))


@lru_cache(maxsize=1)
def spelled() -> Mapping[str, str]:
    """Return the code of each syllable that Latin letters may spell; those without a vowel mean nothing."""
    known = {letters: code for letters, code in syllables().codes.items() if set(letters) & set("aeiouv")}
    return known | {letters: known[same] for letters, same in _ALSO.items()}


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[str]:
    return frozenset(letters[:length] for letters in spelled() for length in range(1, len(letters) + 1))
