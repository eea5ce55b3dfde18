"""What a text hides: characters that show nothing but spell something, encoded payloads, pieces to be put together.

Bounded on purpose: sixteen payloads of a few kilobytes, three layers deep, never executed. A clean text pays for a few
searches of plain strings. What is found is kept with the folded text, for the next detector.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from jingwei.detect.encodings import LONGEST_PAYLOAD, decoded
from jingwei.detect.normalize import Folded, fold

MOST_PAYLOADS = 16
DEEPEST = 3
"""A payload inside a payload inside a payload is read, and no further."""

_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{3,}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_BITS = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\u180e]{8,}")
_OVERRIDES = re.compile("[\u202d\u202e]|[\u2066-\u2068](?=[\x00-\x7f])")
_FIRST_SELECTORS = range(0xFE00, 0xFE10)
_MORE_SELECTORS = 0xE0100
_BYTE = 8

_QUOTED = re.compile(r'"([^"\n]{1,400})"|“([^”\n]{1,400})”|‘([^’\n]{1,400})’|「([^」\n]{1,400})」|'
                     r"(?<!\w)'([^'\n]{1,400})'(?!\w)")  # fmt: skip
_MOST_PIECES = 64
_KEY = "revealed"


class Revealed(NamedTuple):
    """A hidden text, and where it was hidden."""

    start: int
    end: int
    text: str
    invisible: bool
    """Hidden from the eye, not only encoded: suspicious whatever it says."""


def reveal(text: str | Folded) -> tuple[Revealed, ...]:
    """Bring out what is hidden in a text; spans count characters of the text as it was given."""
    folded = fold(text)
    kept: tuple[Revealed, ...] | None = folded.shared.get(_KEY)
    if kept is None:
        kept = folded.shared[_KEY] = tuple(islice(_all(folded), MOST_PAYLOADS))
    return kept


def joined(text: str) -> Revealed | None:
    """Put quoted pieces together as the text may ask a model to: a request cut into parts is still that request."""
    pieces = []
    for match in _QUOTED.finditer(text):
        pieces.append(match)
        if len(pieces) == _MOST_PIECES:
            break
    if len(pieces) < 2:
        return None
    whole = "".join(next(part for part in match.groups() if part) for match in pieces)
    return Revealed(pieces[0].start(), pieces[-1].end(), whole, invisible=False)


def _all(folded: Folded) -> Iterator[Revealed]:
    if folded.offsets is not None:  # something vanished or grew when the text was folded
        for found in _invisible(folded.original):
            yield found
            yield from _inside(found, DEEPEST - 1)
    for start, end, plain in decoded(folded.clean, folded.folded):
        first, last = folded.span(start, end)
        found = Revealed(first, last, plain, invisible=False)
        yield found
        yield from _inside(found, DEEPEST - 1)


def _inside(outer: Revealed, depth: int) -> Iterator[Revealed]:
    """Read what was revealed once more: it may hide something itself."""
    if depth == 0 or not outer.text:
        return
    folded = fold(outer.text)
    for _, _, plain in islice(decoded(folded.clean, folded.folded), MOST_PAYLOADS):
        inner = outer._replace(text=plain)
        if plain != outer.text:
            yield inner
            yield from _inside(inner, depth - 1)


def _invisible(text: str) -> Iterator[Revealed]:
    for match in _TAGS.finditer(text):
        spelled = "".join(chr(ord(character) - 0xE0000) for character in match[0][:LONGEST_PAYLOAD])
        yield Revealed(match.start(), match.end(), spelled, invisible=True)
    for match in _SELECTORS.finditer(text):
        yield Revealed(match.start(), match.end(), _from_selectors(match[0][:LONGEST_PAYLOAD]), invisible=True)
    for match in _BITS.finditer(text):
        yield Revealed(match.start(), match.end(), _from_bits(match[0][: _BYTE * LONGEST_PAYLOAD]), invisible=True)
    for match in _OVERRIDES.finditer(text):
        yield Revealed(match.start(), match.end(), "", invisible=True)


def _from_selectors(run: str) -> str:
    """Read variation selectors as the bytes that they number."""
    codes = (ord(each) for each in run)
    raw = bytes(
        code - _FIRST_SELECTORS.start if code in _FIRST_SELECTORS else code - _MORE_SELECTORS + 16 for code in codes
    )
    return raw.decode("utf-8", "ignore")


def _from_bits(run: str) -> str:
    """Read two kinds of zero-width characters as bits, whichever of them is the one."""
    kinds = sorted(set(run), key=run.index)[:2]
    for zero in kinds:
        bits = "".join("0" if each == zero else "1" for each in run if each in kinds)
        raw = bytes(int(bits[start : start + _BYTE], 2) for start in range(0, len(bits) - _BYTE + 1, _BYTE))
        plain = raw.decode("utf-8", "ignore")
        if len(plain) * 2 > len(raw) // 2 and plain.isprintable() and plain:
            return plain
    return ""
