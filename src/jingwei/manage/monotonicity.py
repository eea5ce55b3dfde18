"""Monotonicity: more risk never gives a lower grade, fewer hard stops or less evidence. Holds for any rule pack.

Checked by sampling: random facts, one of them made worse by one step. It found two real faults in the first draft of
our own rules, so it runs on a customer's pack when it is loaded.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.catalog import GateEffect, GradingRules
from jingwei.core.errors import InputError
from jingwei.manage.decision import demanded, outlined, readable, stops_at

_STRICTNESS = {GateEffect.HOLD: 1, GateEffect.BLOCK_DEPLOY: 2, GateEffect.BLOCK_DEVELOP: 3, GateEffect.PROHIBITED: 4}


class Violation(BaseModel):
    """One step toward more risk that made the decision milder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact: str
    milder: str
    worse: str
    what: Literal["grade", "stops", "evidence"]
    facts: dict[str, str]
    """All facts before the step."""


class _Demands(NamedTuple):
    grade: int
    strictest: int
    evidence: frozenset[str]


def monotonicity_violations(rules: GradingRules, *, samples: int = 20_000, seed: int = 20260101) -> list[Violation]:
    """Sample steps toward more risk and return those that made a demand milder.

    Args:
        rules: any compiled pack.
        samples: how many random steps; all single steps from the least facts are tried besides.
        seed: the same seed gives the same steps.
    """
    found = []
    for facts, name in _steps(rules, samples=samples, seed=seed):
        ids = rules.facts[name].value_ids
        worse = ids[ids.index(facts[name]) + 1]
        before, after = _demands(rules, facts), _demands(rules, {**facts, name: worse})
        what = _milder(before, after)
        if what is not None:
            found.append(Violation(fact=name, milder=facts[name], worse=worse, what=what, facts=facts))
    return found


def demand_monotone(rules: GradingRules, *, samples: int = 2_000, seed: int = 20260101) -> None:
    """Refuse a pack in which more risk can be answered with less.

    Raises:
        InputError: names the pack, the fact and the step.
    """
    violations = monotonicity_violations(rules, samples=samples, seed=seed)
    if violations:
        first = violations[0]
        raise InputError("manage:rules-not-monotone", field="grading", pack=rules.id, fact=first.fact,
                         milder=first.milder, worse=first.worse, what=first.what, count=len(violations))  # fmt: skip


def _steps(rules: GradingRules, *, samples: int, seed: int) -> Iterator[tuple[dict[str, str], str]]:
    least = rules.defaults()
    for name in rules.facts:
        yield least, name
    chance = random.Random(seed)  # noqa: S311 - sampling, not a secret
    for _ in range(samples):
        risk = chance.random() ** 2  # most real Systems are mild, and rare combinations hide in a mild crowd
        facts = {name: _drawn(chance, fact.value_ids, risk) for name, fact in rules.facts.items()}
        movable = [name for name, fact in rules.facts.items() if facts[name] != fact.value_ids[-1]]
        if movable:
            yield facts, chance.choice(movable)


def _drawn(chance: random.Random, values: tuple[str, ...], risk: float) -> str:
    return chance.choice(values[1:]) if chance.random() < risk else values[0]


def _demands(rules: GradingRules, facts: Mapping[str, str]) -> _Demands:
    values = readable(rules, facts)
    grade = outlined(rules, values).grade
    strictest = max((_STRICTNESS[stop.effect] for stop in stops_at(rules, values, grade)), default=0)
    return _Demands(grade, strictest, frozenset(demanded(rules, values, grade)))


def _milder(before: _Demands, after: _Demands) -> Literal["grade", "stops", "evidence"] | None:
    if after.grade < before.grade:
        return "grade"
    if after.strictest < before.strictest:
        return "stops"
    return None if after.evidence >= before.evidence else "evidence"
