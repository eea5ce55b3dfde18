"""Emotion: does the person who writes seem in crisis, in distress, or to depend on the machine?

A signal for policy, not a diagnosis: a few rules for what nobody should overlook, and a small head over the meaning of
the text. Only a user's own message is read so; what a document or an answer says about feelings is not one's own.
Trained by `benchmarks/guard/train_emotion.py` on sentences written for it.

Source: TC260 AI Safety Governance Framework 2.0 (dependence on anthropomorphic interaction); Blue Book 四(三) 安全护栏.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.detect import embedding
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.signs import SignDetector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS = ("crisis", "distress", "dependence")
REPORTED = 0.5
"""A lower probability is no hit."""
_SEVERITY = {"crisis": Severity.CRITICAL, "distress": Severity.MEDIUM, "dependence": Severity.MEDIUM}
_FIRST_PERSON = re.compile(r"[\u6211\u4ffa\u54b1]|\b(?:i|me|my|myself|mine)\b")
"""Somebody speaks of himself: the three Chinese words for it, and the English ones."""
_LONGEST = 2_000
"""Characters of a message that are read: a person in need does not write a report."""


class _Head(NamedTuple):
    weights: "NDArray[np.float32]"
    offsets: "NDArray[np.float32]"


def rules(text: str | Folded) -> tuple[Hit, ...]:
    """Find what nobody should overlook, by the rules alone, in time linear in the text."""
    folded = fold(text)
    return _signs().scan(folded) if folded.role == "user" else ()


def opinion(text: str | Folded) -> tuple[Hit, ...]:
    """Ask the head: for each kind that is likely enough one hit over the whole message. For a thread."""
    folded = fold(text)
    if folded.role != "user" or len(folded.folded) > _LONGEST or not _FIRST_PERSON.search(folded.folded):
        return ()
    end = len(folded.original)
    return tuple(
        Hit(0, end, Category.EMOTION, f"emotion.{kind}", round(chance, 4), _SEVERITY[kind])
        for kind, chance in weigh(folded).items()
        if chance >= REPORTED
    )


def weigh(folded: Folded) -> Mapping[str, float]:
    """Return how likely each kind is; they and ordinary text share one."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    head = _head()
    read = embedding.read(folded)
    scores = np.vstack([read.whole, read.parts]) @ head.weights + head.offsets
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    return dict(zip(KINDS, map(float, chances.max(axis=0)), strict=False))


@lru_cache(maxsize=1)
def _signs() -> SignDetector:
    return SignDetector("emotion", category=Category.EMOTION)


@lru_cache(maxsize=1)
def _head() -> _Head:
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    with files("jingwei.detect").joinpath("emotion.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        return _Head(data["weights"].astype(np.float32), data["offsets"].astype(np.float32))
