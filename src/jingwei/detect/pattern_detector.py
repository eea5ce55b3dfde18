"""Personal information and secrets: patterns kept as data, confirmed by arithmetic where there is any."""

from functools import lru_cache

from jingwei.core.policy import Category
from jingwei.detect.hit import Hit, widest
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.patterns import PatternSet
from jingwei.detect.rule import rule_file
from jingwei.detect.validators import VALIDATORS


class PatternDetector:
    """Finds what the rules of one file describe, in the folded text with its case kept."""

    def __init__(self, name: str, *, category: Category) -> None:
        self._category = category
        file = rule_file(name)
        self.rules = file.rules
        self._numbered = [rule for rule in self.rules for _ in rule.patterns]
        self._patterns = PatternSet([file.spelled(pattern) for rule in self.rules for pattern in rule.patterns])

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find every place where a pattern matches and its validator agrees."""
        folded = fold(text)
        hits: list[Hit] = []
        for number, start, end in self._patterns.find(folded.clean):
            rule = self._numbered[number]
            if rule.check and not VALIDATORS[rule.check](folded.clean[start:end]):
                continue
            first, last = folded.span(start, end)
            hits.append(Hit(first, last, self._category, rule.id, rule.score, rule.severity))
        return tuple(widest(hits))


@lru_cache(maxsize=1)
def pii() -> PatternDetector:
    """Return the detector of personal information, compiled on first use."""
    return PatternDetector("pii", category=Category.PII)


@lru_cache(maxsize=1)
def secrets() -> PatternDetector:
    """Return the detector of keys, tokens and passwords, compiled on first use."""
    return PatternDetector("secrets", category=Category.SECRET)
