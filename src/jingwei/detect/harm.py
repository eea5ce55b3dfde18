"""Requests for harm: what the rules know by name, and what the model knows by likeness.

A text is read as it stands, as what it has encoded, and as its quoted pieces put together.
"""

from collections.abc import Callable
from dataclasses import replace

from jingwei.core.policy import Category
from jingwei.detect import classifier, signs
from jingwei.detect.hidden import joined, reveal
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, fold

MODEL_RULE = "harm.model"


def scan(text: str | Folded) -> tuple[Hit, ...]:
    """Find signs of harm; where the model is sure enough, one more hit covers the whole text."""
    folded = fold(text)
    return tuple(sorted([*rules(folded), *opinion(folded)]))


def rules(text: str | Folded) -> tuple[Hit, ...]:
    """Find signs of harm by the rules alone, in time linear in the text: safe to run in an event loop."""
    return _everywhere(fold(text), signs.harm().scan)


def opinion(text: str | Folded) -> tuple[Hit, ...]:
    """Ask the model alone: one hit over the whole text, or over what was hidden in it. For a thread."""
    return _everywhere(fold(text), lambda read: classifier.judge(read, head="harm", category=Category.HARM))


def _everywhere(folded: Folded, read: Callable[[Folded], tuple[Hit, ...]]) -> tuple[Hit, ...]:
    hits = list(read(folded))
    together = joined(folded.original)
    for start, end, plain, _ in [*reveal(folded.original), *([together] if together else [])]:
        hits += [replace(hit, start=start, end=end) for hit in read(fold(plain))]
    return tuple(sorted(hits))
