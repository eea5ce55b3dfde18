"""The catalogue: every pack together, with typed lookups."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeVar

from jingwei.catalog.clocks import Clock
from jingwei.catalog.controls import Control
from jingwei.catalog.entry import Requirement
from jingwei.catalog.evidence_types import EvidenceType
from jingwei.catalog.filing import FilingScheme
from jingwei.catalog.grading import Fact, GradingCase, GradingRules
from jingwei.catalog.guidelines import Guideline
from jingwei.catalog.pack import Framework, Pack
from jingwei.catalog.practices import FocusArea, Practice
from jingwei.catalog.risks import Measure, Risk
from jingwei.core.errors import NotFound
from jingwei.core.rules import Rule
from jingwei.core.text import text

DEFAULT_GRADING = "JW-GRADING"
Found = TypeVar("Found")


class Coverage(NamedTuple):
    """How far a framework's requirements are shown by programs rather than by people."""

    framework: str
    total: int
    automatic: int
    """Requirements with at least one automatic evidence type that an installed check produces."""
    automatable: int
    """Requirements whose evidence could be automatic, but no installed check produces it yet."""
    by_people: int
    """Requirements that only records and documents show."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that the packs know, by id. Built by `load_catalog`, never changed."""

    packs: tuple[Pack, ...]
    frameworks: Mapping[str, Framework]
    evidence_types: Mapping[str, EvidenceType]
    risks: Mapping[str, Risk]
    measures: Mapping[str, Measure]
    guidelines: Mapping[str, Guideline]
    controls: Mapping[str, Control]
    practices: Mapping[str, Practice]
    focus_areas: Mapping[str, FocusArea]
    crosswalk: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Evidence type → framework → ids of its requirements."""
    incident_facts: Mapping[str, Fact]
    clocks: Mapping[str, Clock]
    clock_rules: Mapping[str, Rule]
    """Clock id → the compiled rule that starts it."""
    filing: Mapping[str, FilingScheme]
    grading: Mapping[str, GradingRules]
    grading_cases: Mapping[str, GradingCase]

    def evidence_type(self, wanted: str) -> EvidenceType:
        """Return one evidence type.

        Raises:
            NotFound: there is none of that id; so for every lookup below.
        """
        return _found(self.evidence_types, wanted, "evidence-type")

    def control(self, wanted: str) -> Control:
        """Return one control."""
        return _found(self.controls, wanted, "control")

    def risk(self, wanted: str) -> Risk:
        """Return one risk."""
        return _found(self.risks, wanted, "risk")

    def measure(self, wanted: str) -> Measure:
        """Return one measure."""
        return _found(self.measures, wanted, "measure")

    def grading_rules(self, wanted: str = DEFAULT_GRADING) -> GradingRules:
        """Return one compiled rule pack; ours where none is named."""
        return _found(self.grading, wanted, "grading-rules")

    def requirements(self, framework: str) -> tuple[Requirement, ...]:
        """Return the requirements of a framework whose own entries we hold: controls, measures, guidelines and so on.

        Raises:
            NotFound: there is no such framework.
        """
        _found(self.frameworks, framework, "framework")
        sections = (
            (pack.controls, pack.measures, pack.guidelines, pack.practices, pack.focus_areas)
            for pack in self.packs
            if pack.framework == framework
        )
        return tuple(chain.from_iterable(chain.from_iterable(sections)))

    def shown_by(self, evidence_type: str) -> tuple[Requirement, ...]:
        """Return every requirement that an evidence type helps to show, over all frameworks."""
        every = chain(self.controls.values(), self.measures.values(), self.guidelines.values(),
                      self.practices.values(), self.focus_areas.values())  # fmt: skip
        return tuple(each for each in every if evidence_type in each.evidence)

    def outside_ids(self, requirement: Requirement) -> dict[str, tuple[str, ...]]:
        """Return the ids of other frameworks that a requirement inherits from its evidence, each once."""
        merged: dict[str, dict[str, None]] = {}
        for evidence in requirement.evidence:
            for framework, ids in self.crosswalk.get(evidence, {}).items():
                merged.setdefault(framework, {}).update(dict.fromkeys(ids))
        return {framework: tuple(ids) for framework, ids in merged.items()}

    def coverage(self, framework: str, checks: Collection[str]) -> Coverage:
        """Count how a framework's requirements are shown.

        For a framework that we hold only as outside ids, those ids that the crosswalk reaches are counted.

        Args:
            framework: its id.
            checks: ids of the installed checks, as `jingwei.core.plugins.check_names` lists them.

        Raises:
            NotFound: there is no such framework.
        """
        own = [each.evidence for each in self.requirements(framework)]
        counted = [self._automation(evidence, checks) for evidence in own or self._outside(framework).values()]
        return Coverage(framework=framework, total=len(counted), automatic=counted.count("automatic"),
                        automatable=counted.count("automatable"), by_people=counted.count("by_people"))  # fmt: skip

    def _outside(self, framework: str) -> dict[str, tuple[str, ...]]:
        reached: dict[str, tuple[str, ...]] = {}
        for evidence, frameworks in self.crosswalk.items():
            for outside in frameworks.get(framework, ()):
                reached[outside] = (*reached.get(outside, ()), evidence)
        return reached

    def _automation(self, evidence: tuple[str, ...], checks: Collection[str]) -> str:
        kinds = [self.evidence_types[each] for each in evidence]
        if any(set(kind.checks) & set(checks) for kind in kinds):
            return "automatic"
        return "automatable" if any(kind.kind == "auto" for kind in kinds) else "by_people"


def _found(entries: Mapping[str, Found], wanted: str, kind: str) -> Found:
    try:
        return entries[wanted]
    except KeyError:
        raise NotFound("catalog:unknown-id", field=kind, kind=text(f"catalog:kind-{kind}"), id=wanted) from None
