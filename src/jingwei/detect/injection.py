"""Prompt injection: signs in the text and in what it hides, planted markers coming back, and the model's opinion."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.detect import injection_model
from jingwei.detect.hidden import reveal
from jingwei.detect.hit import Hit
from jingwei.detect.injection_cues import is_quoted, is_told_of
from jingwei.detect.lexicon import folded_word
from jingwei.detect.matcher import matcher
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.signs import SignDetector

CANARY_RULE = "injection.canary-leak"
HIDDEN_RULE = "injection.hidden-text"
ENCODED_RULE = "injection.encoded-payload"
MODEL_RULE = "injection.model"
_HIDDEN_SCORE = 0.6
_REPORTED = 0.05
"""A lower probability is no hit. Most thresholds lie far above; what lies between is reported, and decides nothing."""
_LIFT = 1.6
"""How much more often a sign means an attack where nobody asked the text to speak: doubt to this power."""
_QUOTED = 0.4
"""How much less often a sign means an attack where a person only quotes it: doubt to this power."""
_TOLD_OF = 0.6
"""The same for a document that tells of an attack."""
_MOST_DECODED = 4
"""Hidden readings that the model is asked about."""
_LONGEST_DECODED = 1_200
"""Characters of a hidden reading that the model is asked about: each costs as much as a message of that length."""
_SURE = 0.9
"""What the model must say of a hidden reading: many of them are only noise read aloud."""


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
        hits = [_weighed(hit, folded) for hit in signs().scan(folded)]
        hits += self._hidden(folded)
        hits += [_leak(*folded.span(start, end)) for start, end, _ in self._canaries.find(folded.folded)]
        return tuple(sorted(hits))

    def _hidden(self, outer: Folded) -> Iterator[Hit]:
        """Judge what the text hides by the same rules; text hidden from the eye is a sign by itself."""
        for start, end, plain, invisible in reveal(outer):
            folded = fold(plain, role=outer.role)
            if any(True for _ in self._canaries.find(folded.folded)):
                yield _leak(start, end)
            score = max((_weighed(hit, folded).score for hit in signs().scan(folded)), default=0.0)
            if invisible:
                score = max(score, _HIDDEN_SCORE)
            if score:
                rule = HIDDEN_RULE if invisible else ENCODED_RULE
                yield Hit(start, end, Category.INJECTION, rule, score, Severity.HIGH)


def opinion(text: str | Folded) -> tuple[Hit, ...]:
    """Ask the model alone, about the text and what it hides. For a thread.

    A hit covers the whole text, or of a document the sentence that speaks to the model.
    """
    folded = fold(text)
    hits = list(_opinion(folded))
    for start, end, plain, _ in islice((each for each in reveal(folded) if each.text), _MOST_DECODED):
        inner = _opinion(fold(plain[:_LONGEST_DECODED], role=folded.role))
        hits += [hit._replace(start=start, end=end) for hit in inner if hit.score >= _SURE]
    return tuple(sorted(hits))


def _opinion(folded: Folded) -> Iterator[Hit]:
    probability, start, end = injection_model.opinion(folded)
    if probability >= _REPORTED:
        span = folded.span(start, end) if folded.role in injection_model.UNTRUSTED else (0, len(folded.original))
        yield Hit(*span, Category.INJECTION, MODEL_RULE, round(probability, 4), Severity.HIGH)


def _weighed(hit: Hit, folded: Folded) -> Hit:
    """Let a sign weigh more in a document or a tool's result, and less where a person talks about it."""
    if folded.role in injection_model.UNTRUSTED:
        power = _TOLD_OF if is_told_of(folded.original, hit.start, hit.end) else _LIFT
    elif folded.role == "user" and is_quoted(folded.original, hit.start, hit.end):
        power = _QUOTED
    else:
        return hit
    return hit._replace(score=round(1 - (1 - hit.score) ** power, 4))


def _leak(start: int, end: int) -> Hit:
    return Hit(start, end, Category.INJECTION, CANARY_RULE, 1.0, Severity.CRITICAL)
