"""Endings: in which ways the end of a text that grows may be pinyin, its last syllable perhaps not whole yet."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from jingwei.detect.pinyin import LONGEST, Cuts, cut, spelled

_TOKEN = re.compile(r"[a-z]+")
_NOT_LATIN = re.compile(r"[^\W\d_a-z]")


class Ending(NamedTuple):
    """Syllables at the end of a text, one way to read them."""

    sounds: str
    places: tuple[int, ...]
    """Where each begins."""
    end: int
    """Where the syllable begins that is still being written; the end of the text where none is."""
    settled: int
    """How many syllables lie before the last token, which may still grow."""


def endings(tail: str) -> Iterator[Ending]:
    """Say in which ways the end of a text that grows may be syllables, the last one perhaps not whole."""
    if not _may_end(tail):
        return
    begin = max((match.end() for match in _NOT_LATIN.finditer(tail)), default=0)
    parts = [_Part(match[0], range(*match.span())) for match in _TOKEN.finditer(tail, begin)]
    if not parts:
        return
    last = parts.pop()
    growing = last.places[-1] + 1 == len(tail) or len(last.letters) == 1
    if len(last.letters) == 1:
        while parts and len(parts[-1].letters) == 1:
            before = parts.pop()
            last = _Part(before.letters + last.letters, (*before.places, *last.places))
    for way in (0, 1):
        said_before = _whole(parts, way)
        for cut_at in {len(last.letters), *(_unfinished(last.letters) if growing else ())}:
            cuts = cut(last.letters[:cut_at]) if cut_at else Cuts((), ())
            if cuts is None:
                continue
            here = [(each.code, last.places[each.start]) for each in cuts[way]]
            said = [*said_before, *here]
            end = last.places[cut_at] if cut_at < len(last.letters) else len(tail)
            if said or end < len(tail):
                yield Ending(
                    "".join(code for code, _ in said), tuple(place for _, place in said), end, len(said_before)
                )


def _may_end(tail: str) -> bool:
    """Tell whether the last token is syllables, whole ones or all but the last; mostly it is not."""
    end = len(tail)
    while end and not "a" <= tail[end - 1] <= "z":
        end -= 1
    start = end
    while start and "a" <= tail[start - 1] <= "z":
        start -= 1
    return end - start == 1 or _syllabic(tail[start:end])


@lru_cache(maxsize=65536)
def _syllabic(token: str) -> bool:
    return bool(token) and (cut(token) is not None or bool(_unfinished(token)))


class _Part(NamedTuple):
    letters: str
    places: Sequence[int]


def _whole(parts: list[_Part], way: int) -> list[tuple[str, int]]:
    """Return the syllables of the last parts that are nothing but syllables."""
    said: list[tuple[str, int]] = []
    for part in reversed(parts):
        cuts = cut(part.letters)
        if cuts is None:
            break
        said[:0] = [(each.code, part.places[each.start]) for each in cuts[way]]
    return said


def _unfinished(token: str) -> list[int]:
    """Return where a token's last syllable may begin that is still being written: all before is whole syllables."""
    starts = range(max(0, len(token) - LONGEST), len(token))
    return [start for start in starts if token[start:] in _beginnings() and (not start or cut(token[:start]))]


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[str]:
    return frozenset(letters[:length] for letters in spelled() for length in range(1, len(letters) + 1))
