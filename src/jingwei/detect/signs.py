"""Signs: weighted rules that together tell how much a text looks like an attack or a request for harm.

One sign rarely convicts. Rules that fire within a window of each other are combined as independent signs, one minus
the product of their doubts; every hit carries what its neighbourhood amounts to.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import NamedTuple

from jingwei.core.policy import Category
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.patterns import PatternSet
from jingwei.detect.rule import Rule, RuleFile, rule_file

NEIGHBOURHOOD = 600
"""Characters between two signs that are still taken together."""

GAP = "[^.!?。\\n]{0,32}"
"""What may stand between the two halves of a pair: part of one sentence. Folded text has ASCII `!` and `?`."""


class Sign(NamedTuple):
    """One rule that fired at one place of the folded text."""

    rule: Rule
    start: int
    end: int


class SignDetector:
    """Scores a text by the rules of one file."""

    def __init__(self, name: str, *, category: Category) -> None:
        self._category = category
        file = rule_file(name)
        self.rules = file.rules
        patterns = [(rule, pattern) for rule in self.rules for pattern in _patterns(rule, file)]
        self._numbered = [rule for rule, _ in patterns]
        self._patterns = PatternSet([pattern for _, pattern in patterns])
        self._harmless = {rule.id: re.compile("|".join(file.spelled(each) for each in rule.unless), re.ASCII)
                          for rule in self.rules if rule.unless}  # fmt: skip

    def signs(self, folded: str) -> list[Sign]:
        """Return every rule that fires, with its place."""
        found = (Sign(self._numbered[number], start, end) for number, start, end in self._patterns.find(folded))
        return [sign for sign in found if not self._is_harmless(sign, folded)]

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find all signs of a text, each scored with its neighbours."""
        folded = fold(text)
        return weighed(self.signs(folded.folded), folded, category=self._category)

    def _is_harmless(self, sign: Sign, folded: str) -> bool:
        harmless = self._harmless.get(sign.rule.id)
        return harmless is not None and bool(harmless.search(folded, max(0, sign.start - 40), sign.end + 40))


def weighed(signs: Iterable[Sign], folded: Folded, *, category: Category) -> tuple[Hit, ...]:
    """Turn signs into hits: near ones strengthen each other, one hit a rule and place."""
    hits: list[Hit] = []
    for group in _neighbourhoods(sorted(signs, key=lambda sign: sign.start)):
        weights = {sign.rule.id: sign.rule.score for sign in group}
        score = round(1 - prod(1 - weight for weight in weights.values()), 4)
        for sign in group:
            start, end = folded.span(sign.start, sign.end)
            hits.append(Hit(start, end, category, sign.rule.id, score, sign.rule.severity))
    return tuple(dict.fromkeys(hits))


def _neighbourhoods(signs: Sequence[Sign]) -> list[list[Sign]]:
    groups: list[list[Sign]] = [[sign] for sign in signs[:1]]
    for before, sign in pairwise(signs):
        if sign.start - before.end > NEIGHBOURHOOD:
            groups.append([])
        groups[-1].append(sign)
    return groups


def _patterns(rule: Rule, file: RuleFile) -> list[str]:
    spelled = [file.spelled(pattern) for pattern in rule.patterns]
    return spelled + [file.spelled(f"{{{first}}}{GAP}{{{second}}}") for first, second in rule.pairs]


@lru_cache(maxsize=1)
def harm() -> SignDetector:
    """Return the detector of requests for harm, compiled on first use."""
    return SignDetector("harm", category=Category.HARM)
