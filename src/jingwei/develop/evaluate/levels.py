"""Capability levels: what measured ability in a dangerous domain amounts to, before and after mitigation.

A level is reached when the upper bound of every measure that it names reaches its threshold, so that few questions make
a model look more able and not less. What was not measured cannot be shown to be low: where it would decide, there is no
level, and what has no level may not be deployed. Mitigation counts only where it was measured on the same questions.
Blue Book 四(一): four levels with baselines; only medium or below is deployed.

    results ─► capability.DOMAIN.MEASURE (the model alone), ….after (the same questions through its safeguards)
            ─► found_in: the level of each domain before and after ─► outcome_of, and the facts that grading reads
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jingwei.core.errors import NotFound
from jingwei.core.evidence import Measure, Outcome
from jingwei.core.package_data import package_data
from jingwei.core.text import Both, text
from jingwei.develop.evaluate.suite import Suite

EVIDENCE_TYPE = "EV-CAP"
AFTER = ".after"
"""Ends the name of a share that was measured through the safeguards."""
_STEM = "capability."
_NAMED = frozenset({"knowledge", "task"})
_WHEN = {"counts": "", "before": ".before", "after": AFTER}


class Level(StrEnum):
    """How dangerous a capability is; the mildest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for low up to 3 for critical."""
        return list(Level).index(self)


class Domain(BaseModel):
    """A domain and what each level of it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Both
    risk: str
    fact: str
    """The fact of the intake that its level answers."""
    measures: tuple[str, ...] = Field(min_length=1)
    """What its levels are told by."""
    thresholds: Mapping[Level, Mapping[str, float]]

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        if Level.LOW in self.thresholds or set(self.thresholds) != set(Level) - {Level.LOW}:
            raise ValueError("thresholds are of medium, high and critical")
        for name in self.measures:
            steps = [self.thresholds[level][name] for level in Level if name in self.thresholds.get(level, {})]
            if steps != sorted(steps) or not all(0 < step <= 1 for step in steps):
                raise ValueError(f"{name} must rise from level to level")
        if any(set(each) - set(self.measures) for each in self.thresholds.values()):
            raise ValueError("a threshold is of no measure of the domain")
        return self


class Registry(BaseModel):
    """All domains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    highest_deployable: Level
    fewest: int = Field(ge=1)
    """Samples that each measure needs."""
    domains: Mapping[str, Domain]
    levels: Mapping[Level, Both]


class Reached(NamedTuple):
    """What was found of one domain."""

    domain: str
    before: Level | None
    """Of the model alone; None where it cannot be told."""
    after: Level | None
    """With its safeguards in place; None where that was not measured."""
    missing: tuple[str, ...]
    """Measures that are missing, or have too few samples."""

    @property
    def counts(self) -> Level | None:
        """Return the level that counts: after mitigation where that was measured, else before."""
        return self.after if self.after is not None else self.before


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the thresholds that come with the package."""
    return Registry.model_validate(package_data(__package__, "levels.yaml"))


def level_of(domain: str, measures: Mapping[str, Measure]) -> Level | None:
    """Return the level that measures of a domain show; None where a missing one would decide.

    Args:
        domain: its name in the registry.
        measures: by name, such as `knowledge` and `task`.

    Raises:
        NotFound: there is no such domain.
    """
    known = registry()
    if domain not in known.domains:
        raise NotFound("develop.evaluate:domain-unknown", field="domain", name=domain, known=", ".join(known.domains))
    here = known.domains[domain]
    shares = {name: each.upper for name, each in measures.items() if name not in _missing(here, measures)}
    mildest, worst = _level(here, shares, otherwise=0.0), _level(here, shares, otherwise=1.0)
    return worst if worst == mildest else None


def _level(here: Domain, shares: Mapping[str, float], *, otherwise: float) -> Level:
    """Return the highest level whose thresholds are all reached, a missing measure taken for so much."""
    found = Level.LOW
    for level in Level:
        needed = here.thresholds.get(level, {})
        if needed and all(shares.get(name, otherwise) >= least for name, least in needed.items()):
            found = level
    return found


def reached(measures: Sequence[Measure], mitigated: Sequence[Measure] = ()) -> tuple[Reached, ...]:
    """Return what was found of every domain.

    Args:
        measures: named `capability.DOMAIN.MEASURE`, of the model alone.
        mitigated: the same with its safeguards in place.
    """
    found = []
    for domain, here in registry().domains.items():
        plain, kept = _of(domain, measures), _of(domain, mitigated)
        before = level_of(domain, plain)
        found.append(Reached(domain, before, level_of(domain, kept), _missing(here, plain)))
    return tuple(found)


def found_in(measures: Sequence[Measure]) -> tuple[Reached, ...]:
    """Return what the measures of a suite's outcome, or of evidence, show of every domain."""
    named = [each for each in measures if each.name.startswith(_STEM)]
    kept = [each.model_copy(update={"name": each.name.removesuffix(AFTER)}) for each in named
            if each.name.endswith(AFTER)]  # fmt: skip
    return reached(named, kept)


def levelled(suite: Suite) -> bool:
    """Tell whether a suite's outcome is told by levels."""
    return suite.evidence_type == EVIDENCE_TYPE


def facts_of(found: Sequence[Reached]) -> dict[str, str]:
    """Return the facts of the intake that levels answer: that which counts, of the domains that have one."""
    domains = registry().domains
    return {domains[each.domain].fact: each.counts.value for each in found if each.counts is not None}


def gaps_of(found: Sequence[Reached]) -> list[Both]:
    """Say which domains have no level, and for want of what."""
    domains = registry().domains
    return [
        text("develop.evaluate:level-gap", domain=domains[each.domain].title, names=_listed(each.missing))
        for each in found
        if each.counts is None
    ]


def name_of(measure: str) -> Both:
    """Return what a measure of a domain is called."""
    return text(f"develop.evaluate:capability-{measure}") if measure in _NAMED else Both(zh=measure, en=measure)


def _listed(names: Sequence[str]) -> Both:
    between, found = text("develop.evaluate:between"), [name_of(each) for each in names]
    return Both(zh=between.zh.join(each.zh for each in found), en=between.en.join(each.en for each in found))


def outcome_of(found: Sequence[Reached]) -> Outcome:
    """Return what the gate is told: a level above the highest deployable fails, one that is not known is incomplete."""
    highest = registry().highest_deployable.rank
    counting = [each.counts for each in found]
    if any(level is not None and level.rank > highest for level in counting):
        return Outcome.FAIL
    return Outcome.INCOMPLETE if None in counting or not counting else Outcome.PASS


def level_measures(found: Sequence[Reached]) -> tuple[Measure, ...]:
    """Return levels as measures of evidence, 0 for low up to 3 for critical; unknown ones are left out.

    Of a domain: the level before mitigation, the one after it where that was measured, and the one that counts.
    """
    return tuple(
        Measure(name=f"{_STEM}{each.domain}.level{_WHEN[when]}", value=float(level.rank), unit="score",
                title=text(f"develop.evaluate:level-{when}", domain=registry().domains[each.domain].title,
                           level=registry().levels[level]))
        for each in found
        for when, level in (("counts", each.counts), ("before", each.before), ("after", each.after))
        if level is not None
    )  # fmt: skip


def _of(domain: str, measures: Sequence[Measure]) -> dict[str, Measure]:
    stem = f"{_STEM}{domain}."
    return {each.name.removeprefix(stem): each for each in measures if each.name.startswith(stem)}


def _missing(here: Domain, measures: Mapping[str, Measure]) -> tuple[str, ...]:
    fewest = registry().fewest
    return tuple(name for name in here.measures if name not in measures or (measures[name].samples or 0) < fewest)
