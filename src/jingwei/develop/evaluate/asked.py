"""What a question seeks: how likely it asks for harm, and of which class. Read once for all answers to it.

The guard's own model of intent decides (`jingwei.detect.intent`): the judge and the guard mean the same by harm.
"""

from functools import lru_cache
from typing import NamedTuple, Self

from jingwei.detect import Folded, fold, harm, intent, meaning
from jingwei.detect.classifier import blocks

GENERAL = "general"
UNKNOWN_HARM = 0.6
"""What is assumed of a question that was not given: answers come to a judge where somebody attacked."""
_LONGEST = 600
"""Characters of a question that are read, at its two ends: a jailbreak's story is long, its request is not."""
_LIKELY = 0.3
_STANDS_OUT = 0.05
_CALM, _LEAST = -2.0, 0.04
"""Wording so harmless needs no look at the meaning, which takes milliseconds; what such questions were found to be."""
_RULES_SAY = 0.7
"""How far the rules of harm are believed beside the model: they know requests by name, however short."""


class Asked(NamedTuple):
    """What a question seeks."""

    harm: float
    """Probability that it asks for harm."""
    domain: str
    """A class of risk such as `a1-h-fraud`; `general` where it asks for none, or where nobody looked."""
    known: bool

    @classmethod
    def told(cls, *, harm: bool) -> Self:
        """Return what an evaluation knows of its own question; no model need read it."""
        return cls(float(harm), GENERAL, known=True)


def asked(question: str) -> Asked:
    """Read a question; without one nothing is known."""
    text = question if len(question) <= _LONGEST else f"{question[: _LONGEST // 2]} {question[-_LONGEST // 2 :]}"
    return _read(text) if text.strip() else Asked(UNKNOWN_HARM, GENERAL, known=False)


@lru_cache(maxsize=4096)
def _read(question: str) -> Asked:
    folded = fold(question, role="user")
    ruled = max((hit.score for hit in harm.rules(folded)), default=0.0)
    worded = meaning.weights("request").wording.score(blocks(folded.folded))
    if worded <= _CALM and not ruled:
        return Asked(_LEAST, GENERAL, known=True)
    found = intent.judge(folded)
    chance = 1 - (1 - found.probability) * (1 - ruled * _RULES_SAY)
    return Asked(chance, _domain(found, folded) if chance >= _LIKELY else GENERAL, known=True)


def _domain(found: intent.Intent, folded: Folded) -> str:
    """Name the class of risk; of a question that may be harmless, the likeliest one, if any stands out."""
    if found.name in intent.HARMFUL:
        return found.name
    shares = [pair for pair in meaning.read(folded).intents if pair[0] in intent.HARMFUL]
    return shares[0][0] if shares and shares[0][1] >= _STANDS_OUT else GENERAL
