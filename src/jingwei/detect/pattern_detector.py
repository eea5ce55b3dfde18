"""Personal information and secrets: patterns kept as data, confirmed by arithmetic where there is any.

A number that its own sentence calls an order number, a version or a hash is no personal information: what a rule lists
under `unless` is looked for right before each match.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from jingwei.core.policy import Category
from jingwei.detect.hit import Hit, widest
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.patterns import numbered, patterns
from jingwei.detect.rule import Rule, rule_file
from jingwei.detect.validators import VALIDATORS

_BEFORE = 24
"""Characters before a match in which `unless` is looked for."""


class PatternDetector:
    """Finds what the rules of one file describe, in the folded text with its case kept."""

    def __init__(self, name: str, *, category: Category) -> None:
        self._name = name
        self._category = category
        self.rules = rule_file(name).rules
        self._numbered = [rule for rule, _ in numbered(name)]

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find every place where a pattern matches and its validator agrees."""
        folded = fold(text)
        compiled = patterns("clean")
        hits: list[Hit] = []
        fired: dict[str, set[int]] = {}
        for number, ends in compiled.likely(folded, self._name, reading="clean"):
            rule = self._numbered[number]
            if rule.id in fired and _already(fired[rule.id], ends):
                continue
            for start, end in compiled.spans(folded.clean, self._name, number=number, ends=ends):
                if not self._counts(rule, folded.clean, start, end):
                    continue
                if rule.check and self._category is Category.PII:
                    fired.setdefault(rule.id, set()).add(end)
                first, last = folded.span(start, end)
                hits.append(Hit(first, last, self._category, rule.id, rule.score, rule.severity))
        return tuple(widest(hits)) if len(hits) > 1 else tuple(hits)

    def _counts(self, rule: Rule, text: str, start: int, end: int) -> bool:
        """Tell whether arithmetic confirms a match and nothing right before it excuses it."""
        if rule.check and not VALIDATORS[rule.check](text[start:end]):
            return False
        if not rule.unless:
            return True
        before = text[max(0, start - _BEFORE) : start]
        return all(pattern.search(before) is None for pattern in _excuses(self._name, rule.id))


def _already(places: set[int], ends: Sequence[int]) -> bool:
    """Tell whether a number that arithmetic has confirmed ends wherever another pattern of its rule may end.

    Where a match may end is told with the neighbour that closes it, or without at the end of a text.
    """
    return all(end - 1 in places or end in places for end in ends)


@lru_cache
def _excuses(name: str, rule_id: str) -> tuple[re.Pattern[str], ...]:
    file = rule_file(name)
    rule = next(each for each in file.rules if each.id == rule_id)
    return tuple(re.compile(f"(?:{file.spelled(each)})$", re.ASCII) for each in rule.unless)


@lru_cache(maxsize=1)
def pii() -> PatternDetector:
    """Return the detector of personal information, compiled on first use."""
    return PatternDetector("pii", category=Category.PII)


@lru_cache(maxsize=1)
def secrets() -> PatternDetector:
    """Return the detector of keys, tokens and passwords, compiled on first use."""
    return PatternDetector("secrets", category=Category.SECRET)
