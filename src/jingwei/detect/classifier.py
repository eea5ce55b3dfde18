"""A linear model of wording: hashed n-grams, one small weight each.

Folded text → hashed n-grams (one to five characters of Chinese, Japanese and Korean; words, word pairs and triples,
and three to five letters inside a word elsewhere) → one sum of weights. The text is weighed as a whole and through
windows, so that a long harmless beginning cannot drown a short request at its end. `meaning` adds it to what the text
means; the weights are in its file.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from math import sqrt

BUCKETS = 1 << 18
LEAST_UNITS = 4
"""A shorter text says too little: it is left to the rules."""
BLOCK = 12
"""Units (words; single characters of Chinese, Japanese, Korean) that are read as one block."""
WINDOW = 12
"""Blocks of a longer text that are also judged together, at steps of one block."""

_MASK = BUCKETS - 1
_PRIME = 262_139
"""The largest prime below the number of buckets."""
_FACTOR = 131_071
_LONGEST_RUN = 5
_IDEOGRAPHS = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
_TOKEN = re.compile(f"([{_IDEOGRAPHS}]+)|[^\\W_{_IDEOGRAPHS}]+")
_RUN = re.compile(f"[{_IDEOGRAPHS}]+")
_LONGEST_TOKEN = 64
"""Letters of one word that are read: a key or a payload in base64 says nothing here."""


Blocks = Sequence[set[int]]
"""A text as the model sees it: the buckets of its n-grams, each once a block. What is repeated adds nothing."""


@lru_cache(maxsize=4)
def blocks(folded: str) -> Blocks:
    """Read a folded text; the work is linear in its length. Kept for a moment, because two heads may read it."""
    units = list(_units(folded))
    if len(units) < LEAST_UNITS:
        return []
    return [set(chain.from_iterable(units[start : start + BLOCK])) for start in range(0, len(units), BLOCK)]


def _units(folded: str) -> Iterator[Sequence[int]]:
    """Give the buckets of each word, or of each single ideograph."""
    before, last = b"", b""
    for match in _TOKEN.finditer(folded):
        if match[1]:
            yield from _ideographs(match[1])
            before, last = b"", b""
            continue
        word = match[0][:_LONGEST_TOKEN]
        coded = word.encode("utf-8", "replace")
        pair = zlib.crc32(last + b" " + coded) & _MASK
        yield *_word(word), pair, zlib.crc32(before + b" " + last + b" " + coded) & _MASK
        before, last = last, coded


def _ideographs(run: str) -> Iterator[Sequence[int]]:
    """Give, for each character, the buckets of the one to five characters that end with it."""
    codes = [0] * (_LONGEST_RUN - 1) + [ord(character) for character in run]
    layers: list[list[int]] = []
    hashes = [1] * len(codes)
    for length in range(_LONGEST_RUN):
        hashes = [(number * _FACTOR + code) % _PRIME for number, code in zip(hashes, codes[length:], strict=False)]
        layers.append(hashes[_LONGEST_RUN - 1 - length :])
    return zip(*layers, strict=True)


@lru_cache(maxsize=16_384)
def _word(word: str) -> tuple[int, ...]:
    """Give the buckets of a word and of the letters inside it."""
    marked = f"<{word}>".encode("utf-8", "replace")
    spans = [marked] + [marked[start : start + length] for length in (3, 4, 5)
                        for start in range(len(marked) - length + 1) if length < len(marked)]  # fmt: skip
    return tuple(zlib.crc32(span) & _MASK for span in spans)


def is_ideographic(folded: str) -> bool:
    """Tell whether a quarter of a text or more is written in ideographs."""
    return sum(map(len, _RUN.findall(folded))) * 4 > len(folded)


@dataclass(frozen=True, slots=True)
class Model:
    """One head: its weights, one step each, and what a step is worth."""

    weights: Sequence[int]
    scale: float
    bias: float

    def score(self, read: Blocks) -> float:
        """Return the highest score of the whole text and its windows."""
        if not read:
            return -30.0
        weigh = self.weights.__getitem__
        whole: set[int] = set().union(*read)
        best = sum(map(weigh, whole)) / sqrt(len(whole))
        if len(read) > WINDOW:
            sums = list(accumulate((sum(map(weigh, block)) for block in read), initial=0))
            sizes = list(accumulate(map(len, read), initial=0))
            parts = ((sums[end] - sums[start]) / sqrt(sizes[end] - sizes[start]) for start, end in windows(len(read)))
            best = max(best, *parts)
        return best * self.scale + self.bias


def windows(count: int) -> Iterator[tuple[int, int]]:
    """Give the first and last block of every window of a text of so many blocks."""
    if count > WINDOW:
        yield from ((start, start + WINDOW) for start in range(count - WINDOW + 1))
