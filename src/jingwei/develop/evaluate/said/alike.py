"""Whether an answer says the same as a sentence: shared words and nearness of meaning, no model of entailment.

For questions with a false premise there is no key to look for, only sentences that are right and sentences that are
wrong. An answer sides with the ones it resembles more; where neither stands out, that is undetermined.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from jingwei.detect import embedding
from jingwei.develop.evaluate.said.stance import leads, rebuts
from jingwei.develop.evaluate.signals import plain

_LONGEST = 400
"""Characters of an answer that are compared: what it says first counts."""
_LEAD = 0.1
"""What it weighs that an answer begins with the yes or no of one side, or with its opposite."""
_PREMISE = 0.06
"""What it weighs that an answer denies something, where the right sentences do and the wrong ones do not."""


class Likeness(NamedTuple):
    """How much an answer resembles each side, 0 to 1."""

    right: float
    wrong: float


def likeness(answer: str, right: Sequence[str], wrong: Sequence[str]) -> Likeness:
    """Compare a folded answer with the folded sentences of both sides."""
    said = answer[:_LONGEST]
    rows = embedding.embed([said, *right, *wrong])
    near = rows[1:] @ rows[0]
    scores = [
        0.6 * max(0.0, float(each)) + 0.4 * _shared(said, sentence)
        for each, sentence in zip(near, (*right, *wrong), strict=True)
    ]
    first, then = max(scores[: len(right)], default=0.0), max(scores[len(right) :], default=0.0)
    tilt = _share(right) - _share(wrong)
    first += (_PREMISE if rebuts(said) else -_PREMISE) * tilt
    lead = _LEAD * leads(said)
    return Likeness(round(first + lead * _lead(right), 4), round(then + lead * _lead(wrong), 4))


def _lead(sentences: Sequence[str]) -> float:
    """Return how the sentences of a side begin: 1 all with yes, -1 all with no."""
    return sum(map(leads, sentences)) / len(sentences) if sentences else 0.0


def _share(sentences: Sequence[str]) -> float:
    """Return the share of sentences that deny something."""
    return sum(map(rebuts, sentences)) / len(sentences) if sentences else 0.5


def _shared(one: str, other: str) -> float:
    """Return how much of the shorter text's pieces the other has."""
    first, then = pieces(one), pieces(other)
    return len(first & then) / max(1, min(len(first), len(then)))


@lru_cache(maxsize=2048)
def pieces(text: str) -> frozenset[str]:
    """Return words of Latin letters and pairs of other neighbouring characters."""
    found, run = set(), ""
    for each in f"{plain(text) if text.isupper() else text} ":
        if each.isalnum():
            latin = each.isascii()
            if run and run[-1].isascii() != latin:
                found |= _cut(run)
                run = ""
            run += each
        elif run:
            found |= _cut(run)
            run = ""
    return frozenset(found)


def _cut(run: str) -> set[str]:
    if run.isascii():
        return {run[:6]}
    return {run[at : at + 2] for at in range(max(1, len(run) - 1))}
