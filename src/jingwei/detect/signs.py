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
from jingwei.detect.patterns import numbered, patterns
from jingwei.detect.rule import Rule, RuleFile, rule_file

NEIGHBOURHOOD = 600
"""Characters between two signs that are still taken together."""


class Sign(NamedTuple):
    """One rule that fired at one place of the folded text."""

    rule: Rule
    start: int
    end: int


class SignDetector:
    """Scores a text by the rules of one file."""

    def __init__(self, name: str, *, category: Category) -> None:
        self._name = name
        self._category = category
        file = rule_file(name)
        self.rules = file.rules
        self._numbered = [rule for rule, _ in numbered(name)]
        self._harmless = lru_cache(maxsize=None)(lambda rule: _harmless(rule, file))

    def signs(self, text: Folded) -> list[Sign]:
        """Return every rule that fires, with its place in the folded reading."""
        matches = patterns("folded").find(text, self._name, reading="folded")
        found = (Sign(self._numbered[number], start, end) for number, start, end in matches)
        return [sign for sign in found if not self._is_harmless(sign, text.folded)]

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find all signs of a text, each scored with its neighbours."""
        folded = fold(text)
        return weighed(self.signs(folded), folded, category=self._category)

    def _is_harmless(self, sign: Sign, folded: str) -> bool:
        harmless = self._harmless(sign.rule)
        return harmless is not None and bool(harmless.search(folded, max(0, sign.start - 40), sign.end + 40))


def _harmless(rule: Rule, file: RuleFile) -> re.Pattern[str] | None:
    return re.compile("|".join(file.spelled(each) for each in rule.unless), re.ASCII) if rule.unless else None


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


@lru_cache(maxsize=1)
def harm() -> SignDetector:
    """Return the detector of requests for harm, compiled on first use."""
    return SignDetector("harm", category=Category.HARM)
