"""Requests for harm: what the rules know by name, and what the model takes the text to seek.

A text is read as it stands, as what it has encoded, and as its quoted pieces put together. The model names the intent
first (`intent.judge`), looks inside wrappers, and its hit says which class of risk: `harm.a1-h-weapons`. A person's
text is read as a request, any other as content: an answer that refuses is no request.
"""

from collections.abc import Callable

from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.detect import intent, signs
from jingwei.detect.hidden import joined, reveal
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, fold

MODEL_RULE = "harm.model"
"""Harm of a class that the model does not name."""
MODEL_RULES = frozenset({MODEL_RULE, *(f"harm.{name}" for name in intent.HARMFUL)})
REPORTED = 0.05
"""A lower probability is no hit. What lies below a policy's threshold is only counted and scored."""
_CRITICAL = frozenset({"a1-d", "a1-f-violence", "a1-h-weapons", "a1-h-drugs", "a4-a-self"})


def scan(text: str | Folded) -> tuple[Hit, ...]:
    """Find signs of harm; where the model is sure enough, one more hit covers the whole text."""
    folded = fold(text)
    return tuple(sorted([*rules(folded), *opinion(folded)]))


def rules(text: str | Folded) -> tuple[Hit, ...]:
    """Find signs of harm by the rules alone, in time linear in the text: safe to run in an event loop."""
    return _everywhere(fold(text), signs.harm().scan)


def opinion(text: str | Folded) -> tuple[Hit, ...]:
    """Ask the model alone: one hit over the whole text, or over what was hidden in it. For a thread."""
    return _everywhere(fold(text), _judged)


def _judged(folded: Folded) -> tuple[Hit, ...]:
    found = intent.judge(folded)
    if found.probability < REPORTED:
        return ()
    rule = f"harm.{found.name}" if found.name in intent.HARMFUL else MODEL_RULE
    severity = Severity.CRITICAL if found.name in _CRITICAL else Severity.HIGH
    return (Hit(0, len(folded.original), Category.HARM, rule, round(found.probability, 4), severity),)


def _everywhere(folded: Folded, read: Callable[[Folded], tuple[Hit, ...]]) -> tuple[Hit, ...]:
    hits = list(read(folded))
    together = joined(folded.original)
    for start, end, plain, _ in [*reveal(folded), *([together] if together else [])]:
        hits += [hit._replace(start=start, end=end) for hit in read(fold(plain, role=folded.role))]
    return tuple(sorted(hits))
