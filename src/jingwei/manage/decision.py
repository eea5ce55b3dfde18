"""The grading decision: a pure function of a rule pack and a System's facts.

    facts → scenario level S1–S4 → matrix (autonomy by scenario) → uplifts → floors → grade 1–5
                                                                        └→ hard stops, lane, evidence demanded

Blue Book 五(一) for the two axes; the rules themselves are data (`jingwei.catalog.GradingRules`). A hard stop looks at
the higher of the computed grade and the grade in force, so that no override lifts one.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.catalog import GateEffect, GradingRules, Lane
from jingwei.catalog.grading import MATRIX_FACT
from jingwei.core.text import Both
from jingwei.manage.facts import facts_digest

HIGHEST = 5


class FiredRule(BaseModel):
    """One rule that held, and what it did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Literal["scenario", "uplift", "floor", "evidence"]
    value: int = 0
    """The scenario level, the step added, or the least grade."""
    why: Both


class Stop(BaseModel):
    """A hard stop that holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    effect: GateEffect
    why: Both


class GradeDecision(BaseModel):
    """A grade with everything that follows from it and everything that led to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grade: int
    """The grade in force: the override's where there is one."""
    computed_grade: int
    scenario: int
    base_grade: int
    """What the matrix alone gives."""
    fired: tuple[FiredRule, ...]
    stops: tuple[Stop, ...]
    lane: Lane
    evidence: tuple[str, ...]
    """Evidence types demanded, each once."""
    rules_id: str
    rules_digest: str
    facts_digest: str

    @property
    def approver_roles(self) -> tuple[str, ...]:
        """Return the roles whose signatures the lane asks for."""
        return self.lane.approvers.roles

    def stopped(self, *effects: GateEffect) -> Stop | None:
        """Return the first hard stop with one of these effects."""
        return next((stop for stop in self.stops if stop.effect in effects), None)


class Outline(NamedTuple):
    """The bare numbers of a decision, for comparing many."""

    scenario: int
    base_grade: int
    grade: int


def decide(rules: GradingRules, facts: Mapping[str, str], *, override: int | None = None) -> GradeDecision:
    """Grade a System.

    Args:
        rules: the compiled rule pack.
        facts: a value for every fact of the pack.
        override: the grade that people put in force instead, or None.

    Raises:
        InputError: a fact that a rule reads is missing.
    """
    values = readable(rules, facts)
    outline = outlined(rules, values)
    grade = outline.grade if override is None else override
    stops = stops_at(rules, values, max(grade, outline.grade))
    return GradeDecision.model_construct(
        grade=grade,
        computed_grade=outline.grade,
        scenario=outline.scenario,
        base_grade=outline.base_grade,
        fired=_fired(rules, values, outline.scenario),
        stops=stops,
        lane=rules.lane(grade),
        evidence=demanded(rules, values, grade),
        rules_id=rules.id,
        rules_digest=rules.digest,
        facts_digest=facts_digest(facts),
    )


def readable(rules: GradingRules, facts: Mapping[str, str]) -> dict[str, object]:
    """Return what rules read: the facts, and the capability levels gathered as `caps`."""
    values: dict[str, object] = dict(facts)
    values["caps"] = tuple(facts[name] for name in rules.capabilities if name in facts)
    return values


def outlined(rules: GradingRules, values: dict[str, object]) -> Outline:
    """Compute scenario and grade; leaves `S` and `grade` among the values for later rules."""
    compiled, file = rules.compiled, rules.file
    scenario = max((line.level for line in file.scenario if compiled[line.id].holds(values)), default=1)
    values["S"] = scenario
    base = file.matrix[str(values[MATRIX_FACT])][scenario - 1]
    grade = min(HIGHEST, base + sum(each.add for each in file.uplifts if compiled[each.id].holds(values)))
    grade = max(grade, *(floor.grade for floor in file.floors if compiled[floor.id].holds(values)), 0)
    values["grade"] = grade
    return Outline(scenario, base, grade)


def stops_at(rules: GradingRules, values: Mapping[str, object], grade: int) -> tuple[Stop, ...]:
    """Return the hard stops that hold at a grade."""
    at_grade = {**values, "grade": grade}
    return tuple(
        Stop(id=gate.id, effect=gate.effect, why=gate.why)
        for gate in rules.file.gates
        if rules.compiled[gate.id].holds(at_grade)
    )


def demanded(rules: GradingRules, values: Mapping[str, object], grade: int) -> tuple[str, ...]:
    """Return the evidence types of a grade's lanes and of the facts, each once."""
    wanted = dict.fromkeys(rules.evidence(grade))
    for extra in rules.file.add_by_fact:
        if rules.compiled[extra.id].holds(values):
            wanted.update(dict.fromkeys(extra.evidence))
    return tuple(wanted)


def _fired(rules: GradingRules, values: Mapping[str, object], scenario: int) -> tuple[FiredRule, ...]:
    compiled, file = rules.compiled, rules.file
    lines = [FiredRule(id=line.id, kind="scenario", value=line.level, why=line.why)
             for line in file.scenario if line.level == scenario and compiled[line.id].holds(values)]  # fmt: skip
    lines += [FiredRule(id=each.id, kind="uplift", value=each.add, why=each.why)
              for each in file.uplifts if compiled[each.id].holds(values)]  # fmt: skip
    lines += [FiredRule(id=floor.id, kind="floor", value=floor.grade, why=floor.why)
              for floor in file.floors if compiled[floor.id].holds(values)]  # fmt: skip
    lines += [FiredRule(id=each.id, kind="evidence", why=each.why)
              for each in file.add_by_fact if compiled[each.id].holds(values)]  # fmt: skip
    return tuple(lines)
