"""Pinyin: which Latin letters of a text may be Chinese syllables, and which.

A token is taken as a whole or not at all. Where it can be cut in two ways (fangan: fang·an, fan·gan), the cut that
takes the longest syllables from the left and the one that takes them from the right are both tried. In a text without
Chinese characters a look is worth it only where enough syllables stand side by side.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from jingwei.detect.reading import syllables

LONGEST = 6
"""Letters of a syllable."""
_LONGEST_TOKEN = 60
_SHORT_RUN = 24
_SPELLED = re.compile(r"(?<![a-z])[a-z](?:[^a-z0-9]{1,3}[a-z](?![a-z])){5,}")
"""Letters one by one: z h u a n."""
_RUN = re.compile(rb"[a-z](?:[^\x01]*[a-z])?")
"""From one letter to the last before a Chinese character."""
_LETTERS = bytes(code if chr(code).isalpha() else 32 for code in range(128)) + bytes([32]) * 128
_ALIKE = bytes(97 if chr(code).isalpha() else 32 for code in range(128)) + bytes([32]) * 128
_LETTERS_ONLY = re.compile(rb"[a-z]+")
_LONE = 255
"""Counted for a letter that stands alone."""
_ONE_BY_ONE = b"\xff" * 6
_BESIDE = re.compile(rb"[\x01-\xfe]+")
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

    @property
    def ways(self) -> "tuple[tuple[Syllable, ...], ...]":
        """Return each way that differs."""
        return (self.left,) if self.left == self.right else (self.left, self.right)


class Token(NamedTuple):
    """A token of a text that is nothing but syllables."""

    start: int
    cuts: Cuts

    def moved(self, by: int) -> "Token":
        """Return the token at a place further on."""
        return Token(self.start + by, self.cuts)


def tokens(letters: bytes, *, worth: Callable[[bytes], bool] | None = None) -> list[Token]:
    """Find the tokens that are nothing but syllables; places count in the folded text.

    Args:
        letters: the folded text, each character beyond ASCII as a mark, a Chinese one as 1.
        worth: says whether all of a stretch without a Chinese character is worth a look; where it is not, only tokens
            from which syllables alone lead to such a character are. Without it all of the text is.
    """
    if worth is None:
        return _of_run(0, letters, whole=True)
    found: list[Token] = []
    for match in _RUN.finditer(letters):
        run, start = match[0], match.start()
        if len(run) > _SHORT_RUN:
            whole = worth(run)
            found += _of_run(start, run, whole=whole) if whole or _has_lone(run) else _at_the_ends(start, run)
        else:
            found += [token.moved(start) for token in _of_short_run(run)]
    return found


@lru_cache(maxsize=65536)
def _of_short_run(run: bytes) -> list[Token]:
    return _of_run(0, run, whole=True)


def _of_run(start: int, run: bytes, *, whole: bool) -> list[Token]:
    pieces = run.translate(_LETTERS).split()
    counts = bytes(map(_count, pieces))
    spelled_out = [each.moved(start) for each in _one_by_one(run.decode())] if _ONE_BY_ONE in counts else []
    wanted = range(len(pieces)) if whole else _at_the_edges(pieces)
    if not wanted and not spelled_out:
        return []
    taken = {each.start + syllable.start + at for each in spelled_out for syllable in each.cuts.left
             for at in range(syllable.end - syllable.start)}  # fmt: skip
    found, at, chosen = spelled_out, 0, frozenset(wanted)
    for number, piece in enumerate(pieces):
        at = run.index(piece, at)
        cuts = cut(piece.decode()) if number in chosen and start + at not in taken else None
        if cuts:
            found.append(Token(start + at, cuts))
        at += len(piece)
    return sorted(found)


def _has_lone(run: bytes) -> bool:
    """Tell whether letters stand alone side by side, of which some may be written one by one."""
    marks = run.translate(_ALIKE)
    return b" a a " in marks or b" a  a " in marks or b" a   a " in marks


def _at_the_ends(start: int, run: bytes) -> list[Token]:
    """Find the tokens at the beginning and at the end that are nothing but syllables, up to the first that is not."""
    found: list[Token] = []
    for match in _LETTERS_ONLY.finditer(run):
        cuts = cut(match[0].decode())
        if cuts is None:
            break
        found.append(Token(start + match.start(), cuts))
    else:
        return found
    last: list[Token] = []
    for match in _LETTERS_ONLY.finditer(run[::-1]):
        cuts = cut(match[0][::-1].decode())
        if cuts is None:
            break
        last.append(Token(start + len(run) - match.end(), cuts))
    return found + last[::-1]


def _at_the_edges(pieces: Sequence[bytes]) -> list[int]:
    """Return which tokens at the beginning and at the end are nothing but syllables, up to the first that is not."""
    size = len(pieces)
    first = next((at for at in range(size) if not sounds(pieces[at])[0].strip()), size)
    last = next((at for at in range(size, first, -1) if not sounds(pieces[at - 1])[0].strip()), first)
    return [*range(first), *range(last, size)]


def spoken(folded: str, given: bytes) -> tuple[str, ...]:
    """Return the sounds of a text that is all Latin, as far as enough syllables stand side by side; mostly nothing.

    One text for each way to cut the tokens; what stands apart is parted by a blank.
    """
    letters = given.translate(_LETTERS).split()
    counts = bytes(map(_count, letters))
    one_by_one = [token.cuts for token in _one_by_one(folded)] if _ONE_BY_ONE in counts else []
    beside = _BESIDE.finditer(counts.replace(b"\xff", b"\1") if _LONE in counts else counts)
    worth = [letters[run.start() : run.end()] for run in beside if _worth_it(run[0])]
    if not worth and not one_by_one:
        return ()
    left, right = (
        " ".join(
            ["".join(sounds(each)[way] for each in run) for run in worth] + [_said(cuts[way]) for cuts in one_by_one]
        )
        for way in (0, 1)
    )
    return (left,) if left == right else (left, right)


def _worth_it(counts: bytes) -> bool:
    """Tell whether so many syllables, token by token, are enough to spell a word."""
    return len(counts) >= _ENOUGH or sum(counts) >= _ENOUGH or max(counts) >= _ENOUGH_IN_ONE


@lru_cache(maxsize=65536)
def sounds(token: bytes) -> tuple[str, str]:
    """Return the sounds of a token in the two ways to cut it."""
    cuts = cut(token.decode())
    return (_said(cuts.left), _said(cuts.right)) if cuts else (" ", " ")


def _said(way: tuple[Syllable, ...]) -> str:
    return "".join(each.code for each in way)


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
    if len(token) == 1:
        return _LONE
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
        [end for end in range(min(size, start + LONGEST), start, -1) if letters[start:end] in known]
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
        start = next(start for start in range(max(0, end - LONGEST), end) if reached[start] and end in steps[start])
        right.append(Syllable(start, end, known[letters[start:end]]))
        end = start
    return tuple(reversed(right))


@lru_cache(maxsize=1)
def spelled() -> Mapping[str, str]:
    """Return the code of each syllable that Latin letters may spell; those without a vowel mean nothing."""
    known = {letters: code for letters, code in syllables().codes.items() if set(letters) & set("aeiouv")}
    return known | {letters: known[same] for letters, same in _ALSO.items()}
