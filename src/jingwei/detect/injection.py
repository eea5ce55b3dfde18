"""Prompt injection, direct and indirect: signs in the text, in what it hides, and planted markers coming back."""

from collections.abc import Iterable
from functools import lru_cache

from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.detect.hit import Hit
from jingwei.detect.lexicon import folded_word
from jingwei.detect.matcher import matcher
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.signs import SignDetector

CANARY_RULE = "injection.canary-leak"


@lru_cache(maxsize=1)
def signs() -> SignDetector:
    """Return the rules of injection, compiled on first use."""
    return SignDetector("injection", category=Category.INJECTION)


class InjectionDetector:
    """The shared rules, and the canaries of one System."""

    def __init__(self, canaries: Iterable[str] = ()) -> None:
        self.canaries = tuple(sorted({folded_word(canary, field="canaries") for canary in canaries}))
        self._canaries = matcher(self.canaries)

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find signs of injection, and canaries."""
        folded = fold(text)
        hits = signs().scan(folded)
        leaks = (folded.span(start, end) for start, end, _ in self._canaries.find(folded.folded))
        return hits + tuple(
            Hit(start, end, Category.INJECTION, CANARY_RULE, 1.0, Severity.CRITICAL) for start, end in leaks
        )
