"""Conditional rules: a category's rules compiled, so that `when` can look at what a text is and what was found in it.

The facts of a condition: `role`, `direction`, `category`, `rule`, `score`, `categories` (all that was found in the
text, in alphabetical order), `language` (zh or en), `length`, `trusted` (a person's or the model's own text, not a
tool's or a document's) and `session_risk`. A condition that cannot be decided counts as true: the stricter reading.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from jingwei.core.errors import InputError
from jingwei.core.policy import Category, CategoryRule, Decision, FailMode
from jingwei.core.rules import Rule, compile_rule
from jingwei.core.text import Language
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.verdict import Direction
from jingwei.detect import Hit

FACTS = frozenset({"role", "direction", "category", "rule", "score", "categories", "language", "length", "trusted",
                   "session_risk"})  # fmt: skip
_UNTRUSTED = frozenset({"tool", "document"})
_IDEOGRAPHS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LANGUAGE_REACH = 2_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """One rule of a category, its condition compiled."""

    rule: CategoryRule
    when: Rule | None

    def acts(self, hit: Hit, facts: Mapping[str, object] | None, direction: Direction) -> Decision | None:
        """Return what the rule does about a hit; None where it does not apply."""
        if hit.score < self.rule.threshold:
            return None
        if self.when is not None and facts is not None:
            seen = {**facts, "category": str(hit.category), "rule": hit.rule_id, "score": hit.score}
            if not _holds(self.when, seen):
                return None
        return self.rule.inbound if direction == "inbound" else self.rule.outbound


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a policy by category."""

    by_category: Mapping[Category, tuple[Compiled, ...]]
    conditional: bool
    """True when some rule has a condition, so that the facts of a text are worth collecting."""

    @classmethod
    def of(cls, rules: Iterable[CategoryRule]) -> "Rules":
        """Compile the rules of a policy.

        Raises:
            InputError: a condition is not one.
        """
        found: dict[Category, list[Compiled]] = {}
        for place, rule in enumerate(rules):
            when = compile_rule(rule.when, FACTS, where=f"rules[{place}].when") if rule.when.strip() else None
            found.setdefault(rule.category, []).append(Compiled(rule, when))
        conditional = any(each.when for group in found.values() for each in group)
        return cls(MappingProxyType({category: tuple(group) for category, group in found.items()}), conditional)

    def decision(self, hit: Hit, facts: Mapping[str, object] | None, direction: Direction) -> Decision | None:
        """Return the strictest that any rule says about a hit; None when it lies below every threshold."""
        said = [decision for each in self.by_category.get(hit.category, ())
                if (decision := each.acts(hit, facts, direction)) is not None]  # fmt: skip
        return max(said, key=lambda each: each.rank, default=None)

    def strictest(self, category: Category, direction: Direction) -> Decision:
        """Return the strictest that the policy can do about a category."""
        rules = [each.rule for each in self.by_category.get(category, ())]
        said = [rule.inbound if direction == "inbound" else rule.outbound for rule in rules]
        return max(said, key=lambda each: each.rank, default=Decision.ALLOW)

    def scanned(self) -> tuple[CategoryRule, ...]:
        """Return one rule a category for timing and failing: the shortest time, closed where one is closed."""
        return tuple(merged([each.rule for each in group]) for group in self.by_category.values())


def merged(rules: Sequence[CategoryRule]) -> CategoryRule:
    """Put the rules of one category together, point by point the stricter."""
    first, *others = rules
    for rule in others:
        first = first.model_copy(update={
            "inbound": max(first.inbound, rule.inbound, key=lambda each: each.rank),
            "outbound": max(first.outbound, rule.outbound, key=lambda each: each.rank),
            "threshold": min(first.threshold, rule.threshold),
            "on_failure": FailMode.CLOSED if FailMode.CLOSED in {first.on_failure, rule.on_failure} else FailMode.OPEN,
            "timeout_milliseconds": min(first.timeout_milliseconds, rule.timeout_milliseconds),
            "when": "",
        })  # fmt: skip
    return first


def facts_of(passage: Passage, hits: Sequence[Hit], direction: Direction, session_risk: float) -> dict[str, object]:
    """Collect what the conditions of a policy may look at."""
    return {
        "role": passage.role,
        "direction": direction,
        "categories": tuple(sorted({str(hit.category) for hit in hits})),
        "language": language_of(passage.text),
        "length": len(passage.text),
        "trusted": passage.role not in _UNTRUSTED,
        "session_risk": session_risk,
    }


@lru_cache(maxsize=64)
def language_of(content: str) -> Language:
    """Tell which language a text is mostly written in, by a look at its beginning."""
    head = content[:_LANGUAGE_REACH]
    return "zh" if len(_IDEOGRAPHS.findall(head)) * 8 > len(head) else "en"


def _holds(rule: Rule, facts: Mapping[str, object]) -> bool:
    try:
        return rule.holds(facts)
    except InputError:
        return True
