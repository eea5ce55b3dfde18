"""Hold-back: how much of a stream's end must wait, because what comes next could make it a hit.

Exact for words (the end is held while it is the beginning of one) and by kind of character for numbers and keys
(the end is held while it could be part of one). Ordinary prose is held for a word at most.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from jingwei.detect.lexicon import squeeze
from jingwei.detect.normalize import fold
from jingwei.detect.rule import rule_file

LIMIT = 96
"""The longest run held for numbers and keys: every such pattern fires within fewer characters."""

REACH = 1024
"""Only this much of the end is looked at; a run padded with more invisible characters is itself a sign of injection."""

_GLYPH = r"[0-9A-Za-z@._%+\-/=:#$&?~*(){}!^<>\\]"
_LETTER = _GLYPH.replace("0-9", "")
_TAIL = re.compile(
    # groups of a number or code: "6222 0212 34", "GB29 NWBK 60", "+86 138 ", "(212) 555-"
    # Letters up to the first digit, so that a group can be read in one way only: with two the search never ends.
    rf"(?:(?:{_LETTER}*[0-9]{_GLYPH}*|[A-Z]{{1,4}})[ ])*{_GLYPH}*$"
)
_HEADER = re.compile(r"-{1,5}[A-Z ]{0,48}-{0,5}$")


@lru_cache(maxsize=1)
def _tails() -> tuple[re.Pattern[str], ...]:
    """Return what the end of a text may look like while a number or key is still coming."""
    plate = rule_file("pii").spelled(r"{province}(?:[A-Z](?:[ \u00b7.-]?[0-9A-Z]{0,6})?)?$")
    return _TAIL, _HEADER, re.compile(plate)


class Hold:
    """Knows every beginning of every word."""

    def __init__(self, words: Iterable[str]) -> None:
        listed = set(words)
        self.longest_word = max(map(len, listed), default=0)
        self._beginnings = {word[:length] for word in listed for length in range(1, len(word) + 1)}

    def back(self, text: str) -> int:
        """Return how many characters at the end of a text must wait."""
        folded = fold(text[-REACH:])
        begin = min(self._word_start(folded.folded), _number_start(folded.clean))
        return len(folded.original) - folded.span(begin, begin)[0]

    def _word_start(self, folded: str) -> int:
        reach = max(0, len(folded) - self.longest_word * 4)
        start = self._beginning(folded[reach:], range(len(folded) - reach))
        squeezed = squeeze(folded[reach:])
        return reach + min(start, self._beginning(squeezed.text, squeezed.offsets, end=len(folded) - reach))

    def _beginning(self, text: str, offsets: Sequence[int], *, end: int | None = None) -> int:
        for start in range(max(0, len(text) - self.longest_word), len(text)):
            if text[start:] in self._beginnings:
                return offsets[start]
        return len(text) if end is None else end


def _number_start(clean: str) -> int:
    tail = clean[-LIMIT:]
    starts = [match.start() for pattern in _tails() if (match := pattern.search(tail))]
    return len(clean) - len(tail) + min(starts, default=len(tail))
