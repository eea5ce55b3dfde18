"""Counterfactuals: which single change of a fact would give another grade, or lift or raise a hard stop."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.catalog import Fact, GradingRules
from jingwei.core.text import Both, text
from jingwei.manage.decision import outlined, readable, stops_at


class Counterfactual(BaseModel):
    """One fact changed, everything else as it is, and what the decision would then be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact: str
    present: str
    changed: str
    grade: int
    direction: Literal["lower", "higher"]
    stops_lifted: tuple[str, ...] = ()
    stops_added: tuple[str, ...] = ()
    says: Both


def counterfactuals(rules: GradingRules, facts: Mapping[str, str]) -> tuple[Counterfactual, ...]:
    """Try every other value of every fact; keep those that change the grade or the hard stops, mildest first."""
    grade, stops = _outcome(rules, facts)
    found = []
    for name, fact in rules.facts.items():
        for value in fact.value_ids:
            if value == facts[name]:
                continue
            other_grade, other_stops = _outcome(rules, {**facts, name: value})
            if other_grade == grade and other_stops == stops:
                continue
            lifted, added = sorted(stops - other_stops), sorted(other_stops - stops)
            lower = other_grade < grade or (other_grade == grade and bool(lifted))
            found.append(Counterfactual(
                fact=name, present=facts[name], changed=value, grade=other_grade,
                direction="lower" if lower else "higher", stops_lifted=tuple(lifted), stops_added=tuple(added),
                says=_said(fact, facts[name], value, other_grade, lifted=lifted, added=added),
            ))  # fmt: skip
    return tuple(sorted(found, key=lambda each: (each.direction == "higher", each.grade, each.fact)))


def _outcome(rules: GradingRules, facts: Mapping[str, str]) -> tuple[int, frozenset[str]]:
    values = readable(rules, facts)
    grade = outlined(rules, values).grade
    return grade, frozenset(stop.id for stop in stops_at(rules, values, grade))


def _said(fact: Fact, present: str, changed: str, grade: int, *, lifted: list[str], added: list[str]) -> Both:
    labels = {value.id: value.label for value in fact.values}
    values = {"fact": fact.label, "present": labels[present], "changed": labels[changed], "grade": grade}
    if lifted:
        return text("manage:counterfactual-lifts", **values, stops=", ".join(lifted))
    if added:
        return text("manage:counterfactual-stops", **values, stops=", ".join(added))
    return text("manage:counterfactual", **values)
