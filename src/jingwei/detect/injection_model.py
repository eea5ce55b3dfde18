"""What a text wants of the model that reads it: two small heads over the shared sentence embedding.

The direct head reads a text and each of its sentences: does it try to lift, replace or draw out the model's own
instructions? The planted head reads each sentence of a document or tool result against its surroundings: is it an
instruction to the reader that the rest of the text does not call for? Both also read who is spoken to
(`injection_cues`). One hidden layer each, multiplied in numpy. What a person only quotes is looked at once more
without the quotation.
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
from jingwei.detect.injection_cues import cues, unquoted
from jingwei.detect.normalize import Folded, fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

FILE = "injection.npz"
UNTRUSTED = frozenset({"tool", "document"})
"""Roles whose text is no place for instructions."""
LEAST_LETTERS = 6
"""A shorter text says too little: it is left to the rules."""

SHARE = 0.15
"""What the direct head counts for beside the planted one in a document."""
_DOUBTED = 0.2
"""From this probability on a text with quotations is looked at again without them."""
_SURROUNDINGS = 0.5
"""What the whole text counts for beside one of its sentences."""
_SHARPNESS = 8.0
"""Vectors have length one; without a factor the heads would have to grow large weights."""
_LINES = ("en", "zh")
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
    """By language: what is added to the scaled score."""

    def scores(self, rows: "Rows") -> "Rows":
        """Return one score a row; zero means even odds before calibration."""
        hidden = (rows * _SHARPNESS) @ self.inner + self.inner_offsets
        scores: Rows = hidden.clip(min=0) @ self.outer + self.outer_offset
        return scores

    def probability(self, score: float, *, language: str) -> float:
        """Turn a score into a probability."""
        return 1 / (1 + exp(-max(-30.0, min(30.0, self.slope * score + self.offsets[language]))))


def direct_rows(read: Embedding, folded: str) -> "Rows":
    """Return what the direct head sees: the whole text, then its sentences, each beside the whole and the cues."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    meant = read.parts if len(read.spans) == 1 else np.vstack([read.whole[None], read.parts])
    around = np.repeat(read.whole[None] * np.float32(_SURROUNDINGS), len(meant), axis=0)
    rows: Rows = np.hstack([meant, around, cues(folded, read.spans)])
    return rows


def planted_rows(read: Embedding, folded: str) -> "Rows":
    """Return what the planted head sees of each sentence: itself, its surroundings, how far apart they lie, cues."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    parts, count, told = read.parts, len(read.spans), cues(folded, read.spans)[-len(read.spans) :]
    if count == 1:
        empty = np.zeros_like(parts)
        return np.hstack([parts, empty, empty, np.array([[0.0, 0.0, 0.3]], np.float32), told])
    others = parts.sum(axis=0) - parts
    lengths = np.linalg.norm(others, axis=1, keepdims=True)
    others = np.where(lengths > 1e-3, others / np.maximum(lengths, 1e-6), 0)
    product = parts * others
    nearest = (parts @ parts.T - 2 * np.eye(count)).max(axis=1, keepdims=True)
    closeness = np.hstack([product.sum(axis=1, keepdims=True), nearest, np.zeros((count, 1))]) * 0.3
    rows: Rows = np.hstack([parts, others * 0.5, product * 5, closeness, told]).astype(np.float32)
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
    if folded.role == "assistant" or sum(map(str.isalpha, folded.folded[:64])) < LEAST_LETTERS:
        return Opinion(0.0, 0, len(folded.folded))
    if folded.role in UNTRUSTED:
        return _planted(folded)
    found = _direct(folded)
    frame = unquoted(folded.folded) if found.probability >= _DOUBTED else None
    if frame is None:
        return found
    return found._replace(probability=min(found.probability, _direct(fold(frame)).probability))


def _direct(folded: Folded) -> Opinion:
    read, head = embedding.read(folded), heads()["direct"]
    spans = read.spans if len(read.spans) == 1 else ((0, len(folded.folded)), *read.spans)
    return _strongest(head, head.scores(direct_rows(read, folded.folded)), spans, folded)


def _planted(folded: Folded) -> Opinion:
    read, both = embedding.read(folded), heads()
    direct = both["direct"].scores(direct_rows(read, folded.folded)[-len(read.spans) :])
    planted = both["planted"].scores(planted_rows(read, folded.folded))
    return _strongest(both["planted"], SHARE * direct + (1 - SHARE) * planted, read.spans, folded)


def _strongest(head: Head, scores: "Rows", spans: Sequence[tuple[int, int]], folded: Folded) -> Opinion:
    """Return the probability of the row that scores highest, and its place."""
    best = int(scores.argmax())
    return Opinion(head.probability(float(scores[best]), language=language(folded.folded)), *spans[best])
