"""Prompt injection: signs in the text and in what it hides, planted markers coming back, and the model's opinion."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.detect import classifier
from jingwei.detect.hidden import reveal
from jingwei.detect.hit import Hit
from jingwei.detect.lexicon import folded_word
from jingwei.detect.matcher import matcher
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.signs import SignDetector

CANARY_RULE = "injection.canary-leak"
HIDDEN_RULE = "injection.hidden-text"
ENCODED_RULE = "injection.encoded-payload"
MODEL_RULE = "injection.model"
_HIDDEN_SCORE = 0.6


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
        """Find signs of injection, and canaries, and ask the model."""
        folded = fold(text)
        return tuple(sorted([*self.rules(folded), *opinion(folded)]))

    def rules(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find signs and canaries without the model, in time linear in the text: safe to run in an event loop."""
        folded = fold(text)
        hits = list(signs().scan(folded))
        hits += self._hidden(folded.original)
        hits += [_leak(*folded.span(start, end)) for start, end, _ in self._canaries.find(folded.folded)]
        return tuple(sorted(hits))

    def _hidden(self, original: str) -> Iterator[Hit]:
        """Judge what the text hides by the same rules; text hidden from the eye is a sign by itself."""
        for start, end, plain, invisible in reveal(original):
            folded = fold(plain)
            if any(True for _ in self._canaries.find(folded.folded)):
                yield _leak(start, end)
            score = max((hit.score for hit in signs().scan(folded)), default=0.0)
            if invisible:
                score = max(score, _HIDDEN_SCORE)
            if score:
                rule = HIDDEN_RULE if invisible else ENCODED_RULE
                yield Hit(start, end, Category.INJECTION, rule, score, Severity.HIGH)


def opinion(text: str | Folded) -> tuple[Hit, ...]:
    """Ask the model alone: one hit over the whole text, or none. For a thread."""
    return classifier.judge(text, head="injection", category=Category.INJECTION)


def _leak(start: int, end: int) -> Hit:
    return Hit(start, end, Category.INJECTION, CANARY_RULE, 1.0, Severity.CRITICAL)
