"""What the judge has learnt: small networks over signs and wording, calibrated; `benchmarks/evaluate/train_judge.py`.

Wording counts as far as it is familiar: n-grams learnt from one kind of model say little about another, so their say
grows with the share of an answer's phrases that training has seen, and a second number says what the rest is worth.
"""

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from math import exp, sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple

from jingwei.detect.classifier import blocks
from jingwei.develop.evaluate.tokens import meant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

Name = Literal["unsafe", "refused", "partial"]
NAMES: tuple[Name, ...] = ("unsafe", "refused", "partial")
BUCKETS = 1 << 16
PHRASES = 1 << 20
PHRASE = 5
MOST = 4.0
"""How far the say of meaning reaches, in log-odds."""
MOST_WORDS = 900
MOST_READ = 6_000
"""Characters whose wording is weighed; signs are counted in all of it."""


_WORD = re.compile(r"[a-z0-9']+|[\u3400-\u9fff]")


class Wording(NamedTuple):
    """What the n-grams of a text say."""

    score: float
    familiar: float
    """Share of the phrases that training has seen, doubled, at most 1."""

    def numbers(self) -> list[float]:
        """Return what a head weighs: the score as far as it is familiar, and the rest."""
        return [self.score * self.familiar, self.score * (1 - self.familiar), self.familiar]


class Head(NamedTuple):
    """One question that the judge answers with a probability."""

    inner: "Numbers"
    inner_offset: "Numbers"
    outer: "Numbers"
    outer_offset: float
    meaning: "Numbers"
    meaning_offset: float
    grams: Sequence[int]
    gram_scale: float
    seen: bytes
    scores: Sequence[float]
    """Calibration: at these scores …"""
    chances: Sequence[float]
    """… these shares were so; between them a straight line."""

    def wording(self, read: "Read") -> Wording:
        """Weigh the wording of a text."""
        if not read.buckets:
            return Wording(0.0, 0.0)
        total = sum(map(self.grams.__getitem__, read.buckets)) * self.gram_scale / sqrt(len(read.buckets))
        known = sum(map(self.seen.__getitem__, read.phrases)) / max(len(read.phrases), 1)
        return Wording(max(-4.0, min(4.0, total)), min(1.0, 2 * known))

    def chance(self, numbers: Sequence[float], read: "Read") -> float:
        """Return the calibrated probability."""
        import numpy as np  # noqa: PLC0415 - on first need: `jingwei --help` does not

        signs = np.array(numbers)
        meaning = float(signs @ self.meaning[: len(signs)] + read.meant @ self.meaning[len(signs) :])
        felt = max(-MOST, min(MOST, meaning + self.meaning_offset))
        given = np.array([*numbers, *self.wording(read).numbers(), felt])
        line = float(np.maximum(given @ self.inner + self.inner_offset, 0) @ self.outer) + self.outer_offset
        return self._calibrated(1 / (1 + exp(-max(-30.0, min(30.0, line)))))

    def _calibrated(self, score: float) -> float:
        for at in range(1, len(self.scores)):
            if score <= self.scores[at]:
                left, right = self.scores[at - 1], self.scores[at]
                part = (score - left) / (right - left) if right > left else 1.0
                return self.chances[at - 1] + part * (self.chances[at] - self.chances[at - 1])
        return self.chances[-1]


class Read(NamedTuple):
    """The wording of a text."""

    buckets: frozenset[int]
    """Its hashed n-grams, each once."""
    phrases: frozenset[int]
    """Its hashed phrases of five words or ideographs."""
    meant: "NDArray[np.float32]"
    """What its words and its question's mean, on average."""


def wording_of(folded: str, question: str) -> Read:
    """Read the wording of a folded text, the answer to a folded question; the work is bounded."""
    head = folded[:MOST_READ]
    grams = frozenset(number & (BUCKETS - 1) for number in set(chain.from_iterable(blocks(head))))
    words = _WORD.findall(head)[:MOST_WORDS]
    spans = (" ".join(words[at : at + PHRASE]) for at in range(len(words) - PHRASE + 1))
    return Read(grams, frozenset(zlib.crc32(span.encode("utf-8", "replace")) & (PHRASES - 1) for span in spans),
                meant(question, folded))  # fmt: skip


@lru_cache(maxsize=1)
def heads() -> dict[Name, Head]:
    """Return the heads, unpacked on first use."""
    import numpy as np  # noqa: PLC0415 - as above

    with files(__package__).joinpath("judge.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        kept = {name: data[name] for name in data.files}
    return {
        name: Head(
            inner=kept[f"{name}_inner"].astype(float),
            inner_offset=kept[f"{name}_inner_offset"].astype(float),
            outer=kept[f"{name}_outer"].astype(float),
            outer_offset=float(kept[f"{name}_outer_offset"]),
            meaning=kept[f"{name}_meaning"].astype(float),
            meaning_offset=float(kept[f"{name}_meaning_offset"]),
            grams=kept[f"{name}_grams"].tolist(),
            gram_scale=float(kept[f"{name}_gram_scale"]),
            seen=bytes(np.unpackbits(kept["seen"]).tobytes()),
            scores=kept[f"{name}_scores"].tolist(),
            chances=kept[f"{name}_chances"].tolist(),
        )
        for name in NAMES
    }


@lru_cache(maxsize=1)
def version() -> str:
    """Return which rubric the heads were trained with."""
    import numpy as np  # noqa: PLC0415 - as above

    with files(__package__).joinpath("judge.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        return str(data["version"])
