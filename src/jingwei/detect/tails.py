"""Tails: how much of a stream's end may still become a number, a key, a name or an address.

Numbers and keys are held by kind of character: a run of figures, letters and what is written between them. What is
told in words is held from the word that announces it; those tails are data, beside the rules they belong to.
"""

import re
from functools import lru_cache

from jingwei.detect.patterns import PatternSet
from jingwei.detect.rule import rule_file

LIMIT = 64
"""The longest run held: every rule fires within fewer characters of where its hit begins."""

_BEGIN_A_HIT = ("place", "double_surname")
"""Groups of plain words with which a hit may begin."""
_GLYPH = r"[0-9A-Za-z@._%+\\/=:#$&?~*(){}!^<>-]"
_LETTER = _GLYPH.replace("0-9", "")
_CODE = re.compile(
    # groups of a number or code: "6222 0212 34", "GB29 NWBK 60", "+86 138 ", "(212) 555-"
    # Letters up to the first digit, so that a group can be read in one way only: with two the search never ends.
    rf"(?:(?:{_LETTER}*[0-9]{_GLYPH}*|[A-Z]{{1,4}})[ ])*{_GLYPH}*$"
)
_ENDS_A_CODE = re.compile(rf"{_GLYPH}|[ ]").match
_HEADER = re.compile(r"-{1,5}[A-Z ]{0,48}-{0,5}$")


def number_start(clean: str) -> int:
    """Return where the end of a text begins that may still become a number, a key, a name or an address."""
    tail = clean[-LIMIT:]
    starts = []
    if _ENDS_A_CODE(tail[-1:]):
        starts = [match.start() for pattern in (_CODE, _HEADER) if (match := pattern.search(tail))]
    announced = _announced()
    for number in announced.named(tail):
        match = announced.pattern(number).search(tail)
        if match:
            starts.append(match.start("hold" if "hold" in match.re.groupindex else 0))
    return len(clean) - len(tail) + min(starts, default=len(tail))


@lru_cache(maxsize=1)
def _announced() -> PatternSet:
    file = rule_file("pii")
    begun = {word[:length] for name in _BEGIN_A_HIT for word in file.terms[name] for length in range(1, len(word))}
    return PatternSet({"tails": [*map(file.spelled, file.tails), f"(?:{'|'.join(sorted(begun))})$"]})
