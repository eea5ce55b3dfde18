"""Forms: in what dress a word was written, and whether that is close enough to say so.

Measured on 1 million characters of ordinary text with 2,000 ordinary words: by sound alone a word of two characters
is met 28,264 times by chance, of three 267 times, of four 8 times. So two never count, three are a signal that no
policy acts upon, and from four on a sound counts like the word. Chance grows with the list: in one of more than 5,000
words homophones count from five characters on, or from four of which half are the word's own, and in one of more than
200,000 from six; pinyin, which nobody writes by chance, counts from four in any list.
"""

from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from jingwei.detect.reading import Reading, is_syllable, read_text

SIGNAL = 0.4
"""The most that a sound of three characters scores; every policy's threshold lies above."""
_EVADED = 0.9
"""A disguised word scores a little less than the word."""
_ACTS_FROM = 4
_SIGNALS_FROM = 3
_CROWDS = ((200_000, 2), (5_000, 1))
"""In a list of more words than this, so many characters more are asked for."""
_WIDEST_GAP = 6
"""More separators than these between two characters part them."""
_JOINS_FROM = 6
_BROKEN_FROM = 5
_SENTENCE = frozenset("，。、；：？！,.;:?!…—-–（）()《》〈〉【】[]“”‘’\"'/\\")
"""What stands between two characters in ordinary text; a word of only two is not looked for across it."""


class Form(Enum):
    """How a word was written."""

    LITERAL = 1
    APART = 2
    """Pulled apart by separators, or joined where it has some."""
    REPLACED = 3
    """Split into parts, or with digits for letters."""
    SOUND = 4
    """By homophones, in pinyin, or both."""
    SIGNAL = 5
    """The same, of three characters."""

    def score(self, listed: float) -> float:
        """Return the score of a hit on a word listed with a score."""
        if self is Form.LITERAL:
            return listed
        return round(min(listed * _EVADED, SIGNAL if self is Form.SIGNAL else 1.0), 3)


class Shape(NamedTuple):
    """What a word looks like without its dress."""

    skeleton: str
    syllables: int
    gaps: frozenset[int]
    """After which characters of the skeleton the word itself has a separator."""


@lru_cache(maxsize=65536)
def shape(word: str) -> Shape:
    """Return the shape of a folded word."""
    reading = read_text(word)
    places = range(len(word)) if reading.places is None else [int(each) for each in reading.places]
    gaps = frozenset(at for at, (left, right) in enumerate(pairwise(places)) if right - left > 1)
    return Shape(reading.skeleton, sum(map(is_syllable, reading.sounds)), gaps)


class Written(NamedTuple):
    """What stands where a word's pattern was found."""

    piece: str
    """Characters without separators, replaced ones as replaced."""
    start: int
    """Span in the skeleton of the text."""
    end: int
    replaced: bool


def form(word: str, written: Written, reading: Reading, *, crowd: int) -> Form | None:
    """Say in what form a word was written; None where it was not. `crowd`: how many words its list has."""
    known = shape(word)
    if written.piece != known.skeleton:
        return _by_sound(known, written, reading, crowd)
    start, end = reading.span(written.start, written.end)
    if not (written.replaced or word != written.piece or end - start != len(word) or _latin_edge(word)):
        return Form.LITERAL
    if not stands_alone(reading.folded, start, end):
        return None
    if written.replaced:
        return Form.REPLACED if _close(written, reading) else None
    if reading.folded[start:end] == word:
        return Form.LITERAL
    return Form.APART if _apart(known, written, reading) else None


def _by_sound(known: Shape, written: Written, reading: Reading, crowd: int) -> Form | None:
    if known.syllables < _SIGNALS_FROM or not _close(written, reading):
        return None
    start, end = reading.span(written.start, written.end)
    if not stands_alone(written.piece, 0, len(written.piece)) or not _alone_where_latin(
        written.piece, reading, start, end
    ):
        return None
    more = next((more for size, more in _CROWDS if crowd > size), 0)
    spelled = any(map(is_syllable, written.piece))
    same = sum(left == right for left, right in zip(written.piece, known.skeleton, strict=False))
    if more and (spelled or (more == 1 and same * 2 >= len(known.skeleton))):
        more = 0
    return Form.SOUND if known.syllables >= _ACTS_FROM + more else Form.SIGNAL


def _alone_where_latin(piece: str, reading: Reading, start: int, end: int) -> bool:
    """Tell whether a letter of the word itself, at its edge, is not the middle of another word."""
    if not _latin_edge(piece):
        return True
    text = reading.folded
    before = start and _joined(text[start - 1], piece[0])
    return not (before or (end < len(text) and _joined(piece[-1], text[end])))


def _close(written: Written, reading: Reading) -> bool:
    places = reading.places
    if places is None:
        return True
    return all(int(places[at + 1]) - int(places[at]) <= _WIDEST_GAP + 1 for at in range(written.start, written.end - 1))


def _apart(known: Shape, written: Written, reading: Reading) -> bool:
    """Tell whether the separators are such as pull a word apart, not such as part two words."""
    ends = [reading.span(at, at + 1)[0] for at in range(written.start, written.end)]
    latin, broken, spelled = 0, True, True
    if len(known.skeleton) < _JOINS_FROM and any(ends[at + 1] - ends[at] == 1 for at in known.gaps):
        return False
    for at, (left, right) in enumerate(pairwise(ends)):
        gap, between = right - left - 1, reading.folded[left + 1 : right]
        if gap > _WIDEST_GAP:
            return False
        if at in known.gaps:
            continue
        if _joined(known.skeleton[at], known.skeleton[at + 1]):
            latin += gap > 0
            spelled = spelled and gap > 0
            broken = broken and not any(map(str.isspace, between))
        elif gap and len(known.skeleton) <= 2 and not _odd(between):
            return False
    return not latin or (len(known.skeleton) > 2 and (spelled or (broken and len(known.skeleton) >= _BROKEN_FROM)))


def _odd(between: str) -> bool:
    """Tell whether separators are such as ordinary text does not put between two characters."""
    return not any(each in _SENTENCE or each.isspace() for each in between)


def stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a Latin word is not the middle of a longer one; Chinese knows no such limit."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (_joined(before, text[start]) or _joined(text[end - 1], after))


def _latin_edge(word: str) -> bool:
    """Tell whether a letter stands at the edge of a word, where it may be joined to another one."""
    return word[0].isascii() or word[-1].isascii()


def _joined(left: str, right: str) -> bool:
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()
