"""What a text wants of the model that reads it: two small heads over the shared sentence embedding.

The direct head reads a text and each of its sentences: does it try to lift, replace or draw out the model's own
instructions? The planted head reads each sentence of a document or tool result against its surroundings: is it an
instruction to the reader that the rest of the text does not call for? One hidden layer each, multiplied in numpy.
Trained by `benchmarks/guard/train_injection.py`; `docs/reference/model-card-injection.md` says on what, and how well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from math import exp
from typing import TYPE_CHECKING, NamedTuple

from jingwei.detect import embedding
from jingwei.detect.embedding import Embedding
from jingwei.detect.normalize import Folded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

FILE = "injection.npz"
UNTRUSTED = frozenset({"tool", "document"})
"""Roles whose text is no place for instructions."""
LEAST_LETTERS = 6
"""A shorter text says too little: it is left to the rules."""

_SHARPNESS = 8.0
"""Vectors have length one; without a factor the heads would have to grow large weights."""
_LINES = ("en", "zh", "en*", "zh*")
"""What a head's offsets are for, in the order of the file."""
_IDEOGRAPHS = range(0x3400, 0xA000)
_LOOKED_AT = 2000
_IDEOGRAPHIC = 0.25
"""Share of ideographs from which on a text counts as Chinese for calibration."""


class Opinion(NamedTuple):
    """How likely a text attacks, and where in the folded text that shows most."""

    probability: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Head:
    """One hidden layer, and how its score becomes a probability."""

    inner: "Rows"
    inner_offsets: "Rows"
    outer: "Rows"
    outer_offset: float
    slope: float
    offsets: Mapping[str, float]
    """By language, and in documents by language with a star: what is added to the scaled score."""

    def scores(self, rows: "Rows") -> "Rows":
        """Return one score a row; zero means even odds before calibration."""
        hidden = (rows * _SHARPNESS) @ self.inner + self.inner_offsets
        scores: Rows = hidden.clip(min=0) @ self.outer + self.outer_offset
        return scores

    def probability(self, score: float, *, language: str) -> float:
        """Turn a score into a probability."""
        return 1 / (1 + exp(-max(-30.0, min(30.0, self.slope * score + self.offsets[language]))))


def direct_rows(read: Embedding) -> "Rows":
    """Return what the direct head sees: the whole text first, then its sentences."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    return read.parts if len(read.spans) == 1 else np.vstack([read.whole[None], read.parts])


def planted_rows(read: Embedding) -> "Rows":
    """Return what the planted head sees of each sentence: itself, its surroundings, and how far apart they lie."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    parts, count = read.parts, len(read.spans)
    if count == 1:
        empty = np.zeros_like(parts)
        return np.hstack([parts, empty, empty, np.array([[0.0, 0.0, 0.3]], np.float32)])
    others = parts.sum(axis=0) - parts
    lengths = np.linalg.norm(others, axis=1, keepdims=True)
    others = np.where(lengths > 1e-3, others / np.maximum(lengths, 1e-6), 0)
    product = parts * others
    nearest = (parts @ parts.T - 2 * np.eye(count)).max(axis=1, keepdims=True)
    closeness = np.hstack([product.sum(axis=1, keepdims=True), nearest, np.zeros((count, 1))]) * 0.3
    rows: Rows = np.hstack([parts, others * 0.5, product * 5, closeness]).astype(np.float32)
    return rows


def language(folded: str) -> str:
    """Return which calibration a folded text needs."""
    ideographs = sum(ord(each) in _IDEOGRAPHS for each in folded[:_LOOKED_AT])
    return "zh" if ideographs > _IDEOGRAPHIC * min(len(folded), _LOOKED_AT) else "en"


@lru_cache(maxsize=1)
def heads() -> Mapping[str, Head]:
    """Read the shipped heads: arrays of numbers and nothing else."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    raw = BytesIO(files("jingwei.detect").joinpath(FILE).read_bytes())
    with np.load(raw, allow_pickle=False) as kept:
        arrays = {name: kept[name].astype(np.float32) for name in kept.files}
    parts = ("inner", "inner_offsets", "outer", "line")
    return {name: _head(*(arrays[f"{name}_{part}"] for part in parts)) for name in ("direct", "planted")}


def _head(inner: "Rows", inner_offsets: "Rows", outer: "Rows", line: "Rows") -> Head:
    outer_offset, slope, *offsets = (float(each) for each in line)
    return Head(inner, inner_offsets, outer, outer_offset, slope, dict(zip(_LINES, offsets, strict=True)))


def opinion(folded: Folded) -> Opinion:
    """Return what the heads think of a text, its role considered."""
    nothing = Opinion(0.0, 0, len(folded.folded))
    if folded.role == "assistant" or sum(map(str.isalpha, folded.folded[:64])) < LEAST_LETTERS:
        return nothing
    read, tongue = embedding.read(folded), language(folded.folded)
    direct, planted = heads()["direct"], heads()["planted"]
    if folded.role in UNTRUSTED:
        return max(_strongest(direct, read.parts, read.spans, language=f"{tongue}*"),
                   _strongest(planted, planted_rows(read), read.spans, language=f"{tongue}*"))  # fmt: skip
    spans = read.spans if len(read.spans) == 1 else ((0, len(folded.folded)), *read.spans)
    return _strongest(direct, direct_rows(read), spans, language=tongue)


def _strongest(head: Head, rows: "Rows", spans: Sequence[tuple[int, int]], *, language: str) -> Opinion:
    """Return the probability of the row that scores highest, and its place."""
    scores = head.scores(rows)
    best = int(scores.argmax())
    return Opinion(head.probability(float(scores[best]), language=language), *spans[best])
