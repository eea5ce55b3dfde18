"""Requests for harm: what the rules know by name, and what the model knows by likeness.

A text is read as it stands, as what it has encoded, and as its quoted pieces put together.
"""

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
    hits = list(_read(folded))
    together = joined(folded.original)
    for start, end, plain, _ in [*reveal(folded.original), *([together] if together else [])]:
        hits += [replace(hit, start=start, end=end) for hit in _read(fold(plain))]
    return tuple(sorted(hits))


def _read(folded: Folded) -> list[Hit]:
    return [*signs.harm().scan(folded), *classifier.judge(folded, head="harm", category=Category.HARM)]
