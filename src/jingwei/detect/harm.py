"""Requests for harm: what the rules know by name, and what the model knows by likeness."""

from jingwei.core.policy import Category
from jingwei.detect import classifier, signs
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, fold

MODEL_RULE = "harm.model"


def scan(text: str | Folded) -> tuple[Hit, ...]:
    """Find signs of harm; where the model is sure enough, one more hit covers the whole text."""
    folded = fold(text)
    hits = signs.harm().scan(folded) + classifier.judge(folded, head="harm", category=Category.HARM)
    return tuple(sorted(hits))
