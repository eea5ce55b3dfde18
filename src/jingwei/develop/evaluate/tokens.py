"""What the words of an answer and its question mean, for the judge's heads: averages of what each piece of a word says.

A piece of a word (a word, a part of one, one to five ideographs) has a vector in the table of the shared encoder. The
heads weigh averages of such vectors linearly, so the product of each vector with each head's weights is worked out in
training and kept in `judge.npz`: a few numbers a piece instead of 512, and neither the encoder nor its table is loaded.
Averaged are the beginning, all, and the end of the answer, and the question. Words are cut by the longest piece first;
a word of letters begins with a mark.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from jingwei.develop.evaluate.weights import kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]
    Places = NDArray[np.int32]

EDGE = 24
"""Pieces of a beginning and of an end."""
START = "\u2581"
"""Marks a piece that begins a word."""
_HEAD, _TAIL = 1200, 400
"""Characters of an answer that are read, at its two ends."""
_QUESTION = 300
_LONGEST_WORD = 32
_WORD = re.compile(r"[a-z']+|[\u3400-\u9fff]+|[^\sa-z'\u3400-\u9fff]")
_LETTER = re.compile(r"[a-z]")


class Known(NamedTuple):
    """The pieces that are known."""

    places: dict[str, int]
    longest: dict[str, int]
    """Characters of the longest piece that begins with a character."""


class Cut(NamedTuple):
    """The pieces of an answer and of its question, by their places."""

    answer: "Places"
    question: "Places"


@lru_cache(maxsize=2)
def known_of(listed: tuple[str, ...]) -> Known:
    """Make pieces ready to be looked up."""
    longest: dict[str, int] = {}
    for piece in listed:
        longest[piece[0]] = max(longest.get(piece[0], 0), len(piece))
    return Known({piece: place for place, piece in enumerate(listed)}, longest)


def cut(question: str, answer: str, known: Known) -> Cut:
    """Cut a folded answer and its folded question into known pieces; the work is bounded."""
    whole = answer if len(answer) <= _HEAD + _TAIL else f"{answer[:_HEAD]} {answer[-_TAIL:]}"
    return Cut(_places(whole, known), _places(question[:_QUESTION], known))


def meant(question: str, answer: str) -> "Numbers":
    """Return what each head makes of the meaning of a folded answer and its folded question."""
    import numpy as np  # noqa: PLC0415 - on first need: `jingwei --help` does not

    said, asked = cut(question, answer, _known())
    total = np.zeros(_shares().shape[2], np.float32)
    for part, places in enumerate((said[:EDGE], said, said[-EDGE:], asked)):
        if len(places):
            total += _shares()[part][places].mean(axis=0)
    return total


@lru_cache(maxsize=1)
def _known() -> Known:
    return known_of(tuple(bytes(kept()["pieces"]).decode().split("\n")))


@lru_cache(maxsize=1)
def _shares() -> "Numbers":
    """Return what each piece says: part x piece x head."""
    import numpy as np  # noqa: PLC0415 - as above

    shares: Numbers = kept()["shares"].astype(np.float32) * kept()["shares_step"][:, None, :]
    return shares


def _places(text: str, known: Known) -> "Places":
    import numpy as np  # noqa: PLC0415 - as above

    found: list[int] = []
    whole = known.places.get
    for word in _WORD.findall(text):
        marked = START + word[:_LONGEST_WORD] if _LETTER.match(word) else word
        place = whole(marked)
        if place is None:
            _longest_first(marked, known, found)
        else:
            found.append(place)
    return np.array(found, np.int32)


def _longest_first(word: str, known: Known, found: list[int]) -> None:
    """Add the places of a word's pieces, the longest first; what is not known is passed over."""
    whole, longest = known.places.get, known.longest.get
    at, stop = 0, len(word)
    while at < stop:
        for end in range(min(stop, at + longest(word[at], 1)), at, -1):
            place = whole(word[at:end])
            if place is not None:
                found.append(place)
                break
        at = end
