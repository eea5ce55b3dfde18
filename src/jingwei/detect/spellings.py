"""Spellings: under which sounds a word is looked for, and which words own each of them."""

from array import array
from collections.abc import Sequence
from itertools import islice, product

from jingwei.detect.reading import read_text, syllables
from jingwei.detect.splits import splits

IN_PARTS = 0x7FFFFFFF
"""Owns what some word sounds like if characters are split into parts that prose has, too: the text is worth a look."""
MOST_IN_PARTS = 200_000
"""Of more words than this none is added in parts: a larger automaton costs more than a second look at the text."""
_MOST_READINGS = 6
_PARTS_FROM = 4


class Spellings:
    """Patterns and the words that own them, while they are collected."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._pairs: list[tuple[int, int]] = []

    def add(self, pattern: str, word: int) -> None:
        """Add a pattern of a word."""
        self._pairs.append((self.numbers.setdefault(pattern, len(self.numbers)), word))

    def owners(self) -> "tuple[array[int], array[int]]":
        """Return where the owners of each pattern begin, and the owners."""
        import numpy as np  # noqa: PLC0415 - imported when a list is compiled

        pairs = np.array(self._pairs, dtype=np.int32).reshape(-1, 2)
        ordered = pairs[np.argsort(pairs[:, 0], kind="stable")]
        starts = np.searchsorted(ordered[:, 0], np.arange(len(self.numbers) + 1)).astype(np.int32)
        return array("i", starts.tobytes()), array("i", ordered[:, 1].tobytes())


def read_all(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Read all words at once: a mark that is no separator stands between them."""
    if not words:
        return [], []
    mark = "\U0001e900"  # a capital letter of a rare script: no folded word has one
    reading = read_text(mark.join(words))
    return reading.skeleton.split(mark), reading.sounds.split(mark)


def add_other_readings(patterns: Spellings, skeletons: Sequence[str], *, short: int) -> None:
    """Add the further readings of longer words that hold a character of several."""
    others = syllables().others
    many = frozenset(others)
    for number, skeleton in enumerate(skeletons):
        if len(skeleton) <= short or many.isdisjoint(skeleton):
            continue
        sound = read_text(skeleton).sounds
        further = product(*(code + others.get(each, "") for each, code in zip(skeleton, sound, strict=True)))
        for pattern in islice(further, 1, _MOST_READINGS):
            patterns.add("".join(pattern), number)


def add_in_parts(patterns: Spellings, skeletons: Sequence[str], sounds: Sequence[str]) -> None:
    """Add how words sound with characters split into parts that ordinary text has side by side, too."""
    if len(skeletons) > MOST_IN_PARTS:
        return
    natural, known = splits().natural, syllables().known
    said = {letter: tuple("".join(known.get(part, part) for part in parts) for parts in ways)
            for letter, ways in natural.items()}  # fmt: skip
    for skeleton, sound in zip(skeletons, sounds, strict=True):
        if len(skeleton) < _PARTS_FROM or natural.keys().isdisjoint(skeleton):
            continue
        ways = product(*((code, *said.get(letter, ())) for letter, code in zip(skeleton, sound, strict=True)))
        for pattern in islice(ways, 1, _MOST_READINGS):
            patterns.add("".join(pattern), IN_PARTS)
