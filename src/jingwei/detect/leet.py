"""Leet: digits and signs written for letters (h4ck3r), and digits that number the characters of a word.

Leet is read only inside a token that has letters, too; digits are left out only where one stands after each character.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from jingwei.detect.reading import Reading

_SIGNS = "0123456789@$!"
_MARKS = bytes(
    97 if chr(code).isalpha() else 49 if chr(code) in _SIGNS else 32 for code in range(128)
) + bytes([32]) * 128  # fmt: skip
"""`a` a letter, `1` a digit or a sign, a blank anything else."""
_SEEDS = (b"a1a", b"1aa", b"aa1", b"1a1")
_PAIRS = (b"a1", b"1a")
_SHORTEST = 4
_LONGEST = 40
_LETTERS = str.maketrans(_SIGNS, "o\x01zeasgtbgas\x01")
_EITHER = "\x01"
"""Stands for i or l."""
_MOST_EITHER = 4
_BESIDE = 24
_AROUND = 64


_DIGITS = bytes(2 if chr(code) in "0123456789" else 1 if code == 1 else 0 for code in range(256))
"""1 a Chinese character, 2 a digit."""
_NUMBERED = re.compile(rb"(?:\x01\x02){3,}\x01")
_NUMBERED_SEED = b"\2\1\2\1\2"
_NUMBERED_END = re.compile(rb"(?:\x01\x02)+\x01?\Z")


class Plain(NamedTuple):
    """A stretch of a text with letters in the place of digits, of the same length."""

    start: int
    text: str


def numbered(reading: Reading) -> list[Plain]:
    """Read the stretches in which one digit stands after each Chinese character, without the digits; mostly none."""
    marks = reading.letters.translate(_DIGITS)
    found: list[Plain] = []
    at = marks.find(_NUMBERED_SEED)
    while at >= 0:
        run = _NUMBERED.match(marks, at - 1 if at and marks[at - 1] == 1 else at + 1)
        if run:
            found.append(Plain(run.start(), reading.folded[run.start() : run.end() : 2]))
        at = marks.find(_NUMBERED_SEED, run.end() if run else at + 1)
    return found


def numbered_end(reading: Reading) -> Plain | None:
    """Return the same for the end of a text, where such a stretch may have begun."""
    marks = reading.letters.translate(_DIGITS)
    run = _NUMBERED_END.search(marks) if b"\1\2" in marks[-3:] else None
    return run and Plain(run.start(), reading.folded[run.start() :: 2])


def plain(reading: Reading) -> Iterator[Plain]:
    """Read the stretches where digits stand for letters, in each way that differs; mostly none."""
    marks = reading.letters.translate(_MARKS)
    if b"a1" not in marks and b"1a" not in marks:
        return
    if not any(seed in marks for seed in _SEEDS):
        return
    folded = reading.folded
    group: list[tuple[int, int]] = []
    for place in _tokens(marks):
        if group and place[0] - group[-1][1] > _BESIDE:
            yield from _read(folded, group)
            group = []
        group.append(place)
    yield from _read(folded, group)


def _tokens(marks: bytes) -> Iterator[tuple[int, int]]:
    """Say where the tokens are: letters, with digits or signs among them; each pair is looked for only once."""
    done = 0
    ahead = {each: at for each in _PAIRS if (at := marks.find(each)) >= 0}
    while ahead:
        seed = min(ahead.values())
        start = marks.rfind(b" ", 0, seed) + 1
        done = marks.find(b" ", seed)
        done = len(marks) if done < 0 else done
        ahead = {each: at if at >= done else marks.find(each, done) for each, at in ahead.items()}
        ahead = {each: at for each, at in ahead.items() if at >= 0}
        token = marks[start:done]
        if token.count(b"1") == 1 and token.endswith(b"1") and len(token) > _SHORTEST:
            continue  # a single digit at the end is mostly a number: step1, hello!
        if _SHORTEST <= len(token) <= _LONGEST and token.count(b"a") * 6 >= len(token):
            yield start, done


def _read(folded: str, group: list[tuple[int, int]]) -> Iterator[Plain]:
    if not group:
        return
    pieces: list[str] = []
    begin = done = max(0, group[0][0] - _AROUND)
    for start, end in group:
        pieces += folded[done:start], folded[start:end].translate(_LETTERS)
        done = end
    text = "".join([*pieces, folded[done : done + _AROUND]])
    either = text.count(_EITHER)
    if either > _MOST_EITHER:
        yield from (Plain(begin, text.replace(_EITHER, letter)) for letter in "il")
        return
    for letters in product("il", repeat=either):
        parts = text.split(_EITHER)
        yield Plain(begin, "".join(part + letter for part, letter in zip(parts, (*letters, ""), strict=True)))
