"""Who a sentence speaks to, and whether it is only quoted: what the injection model reads beside the meaning.

A sentence embedding hardly tells "ignore your rules" from a question about that sentence. Each cue is a plain search
in the sentence and in its text; words are in `injection_cues.yaml`. Linear in the text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml
from pydantic import TypeAdapter

from jingwei.detect.embedding import MOST_CHARACTERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

FILE = "injection_cues.yaml"
SURROUNDINGS = 60
"""Characters before and after a sentence in which it is still announced or explained."""
LONGEST_FRAME = 4_000
"""Characters of a text that is read a second time without its quotations."""
_WEIGHT = 0.24
"""What a cue is worth beside the numbers of a vector of length one."""
_QUOTED = re.compile(r'"([^"\n]{1,400})"|“([^”\n]{1,400})”|‘([^’\n]{1,400})’|「([^」\n]{1,400})」|'
                     r"`{1,3}([^`]{1,400})`{1,3}|(?<!\w)'([^'\n]{1,400})'(?!\w)")  # fmt: skip
_SPOKEN = re.compile(r'"([^"\n]{1,400})"|“([^“”\n]{1,400})”|‘([^‘’\n]{1,400})’|「([^「」\n]{1,400})」|'
                     r"`{1,3}([^`]{1,400})`{1,3}|(?<!\w)'([^'\n]{1,400})'(?!\w)")  # fmt: skip
"""The same without a mark that opens twice: an event loop runs it, and a run of marks costs no more than its length."""
_NEAR = 500
"""Characters around a sign in which its quotation is looked for."""
_VALUE = re.compile(r"[:=,(\[{]\s{0,3}$")
_LEAST_QUOTED = 10
"""Characters of a quotation, marks included, that can hold an order; a quoted word stays in its sentence."""
_LEAST_LEFT = 12
"""Letters that a text must say about what it quotes."""

Span = tuple[int, int]


def unquoted(folded: str, marks: re.Pattern[str] = _QUOTED) -> str | None:
    """Return what a text says about the orders that it quotes; None where it quotes none, or nothing but quotes."""
    if len(folded) > LONGEST_FRAME:
        return None
    quotes = [match.span() for match in marks.finditer(folded) if match.end() - match.start() >= _LEAST_QUOTED]
    if not quotes:
        return None
    ends = [0, *(end for _, end in quotes)]
    starts = [*(start for start, _ in quotes), len(folded)]
    left = '""'.join(folded[end:start] for end, start in zip(ends, starts, strict=True))
    return left if sum(map(str.isalpha, left)) >= _LEAST_LEFT else None


def is_quoted(text: str, start: int, end: int) -> bool:
    """Tell whether a span lies inside a quotation of a text that says something about it; a bare quotation is none."""
    return _quotation(text, start, end) is not None and unquoted(text, _SPOKEN) is not None


def is_told_of(text: str, start: int, end: int) -> bool:
    """Tell whether a span of a document is quoted in a sentence about it; a value of data in quotes is no quotation."""
    found = _quotation(text, start, end)
    if found is None or _VALUE.search(text, max(0, found[0] - 4), found[0]):
        return False
    first, last = found
    around = f"{text[max(0, first - SURROUNDINGS) : first]} {text[last : last + SURROUNDINGS]}".lower()
    return any(_patterns()[name].search(around) for name in ("talk", "told"))


def _quotation(text: str, start: int, end: int) -> Span | None:
    """Return the quotation around a span."""
    earliest = max(0, start - _NEAR)
    first = max(text.rfind("\n", earliest, start) + 1, earliest)
    matches = (match.span() for match in _SPOKEN.finditer(text, first, end + _NEAR))
    return next((span for span in matches if span[0] < start and end < span[1]), None)


def cues(folded: str, spans: Sequence[Span]) -> "Rows":
    """Return for the whole text first, then for each sentence: what is in it, beside it and in the text; and quotes."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    places = [[start for start, _ in _found(pattern, folded)] for pattern in _patterns().values()]
    quotes = list(_found(_QUOTED, folded))
    overall = [bool(found) for found in places]
    rows = [[*overall, *overall, *overall, *_quoting((0, len(folded)), quotes), 1.0]]
    for start, end in spans if len(spans) > 1 else ():
        here = [_between(found, start, end) for found in places]
        near = [_between(found, start - SURROUNDINGS, end + SURROUNDINGS) for found in places]
        rows.append([*here, *near, *overall, *_quoting((start, end), quotes), 0.0])
    return np.array(rows, np.float32) * np.float32(_WEIGHT)


def _found(pattern: re.Pattern[str], folded: str) -> Iterator[Span]:
    """Give every place of a pattern in what the encoder reads of a text."""
    size = len(folded)
    ranges = [(0, size)] if size <= 2 * MOST_CHARACTERS else [(0, MOST_CHARACTERS), (size - MOST_CHARACTERS, size)]
    return (match.span() for first, last in ranges for match in pattern.finditer(folded, first, last))


def _between(places: Sequence[int], start: int, end: int) -> bool:
    """Tell whether one of the places, in order, lies in a span."""
    first = bisect_left(places, start)
    return first < len(places) and places[first] < end


def _quoting(span: Span, quotes: Sequence[Span]) -> tuple[float, float, float]:
    """Return how much of a span is quoted, whether anything is, and whether the text quotes."""
    start, end = span
    shared = sum(max(0, min(end, last) - max(start, first)) for first, last in quotes)
    return min(1.0, shared / max(1, end - start)), float(shared > 0), float(bool(quotes))


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    source = files("jingwei.detect").joinpath(FILE).read_text(encoding="utf-8")
    read = TypeAdapter(dict[str, list[str]]).validate_python(yaml.safe_load(source))
    return {name: re.compile("|".join(patterns), re.ASCII | re.MULTILINE) for name, patterns in read.items()}
