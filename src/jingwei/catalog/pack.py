"""A pack: one YAML file of knowledge. Ours and a customer's have the same form and pass the same checks."""

from typing import Annotated

from pydantic import Field, StringConstraints

from jingwei.catalog.clocks import Clock
from jingwei.catalog.controls import Control
from jingwei.catalog.crosswalk import CrosswalkLine
from jingwei.catalog.entry import Entry, Id, Value
from jingwei.catalog.evidence_types import EvidenceType
from jingwei.catalog.filing import FilingScheme
from jingwei.catalog.grading import Fact, GradingCase, GradingFile
from jingwei.catalog.guidelines import Guideline
from jingwei.catalog.practices import FocusArea, Practice
from jingwei.catalog.risks import Measure, Risk
from jingwei.core.text import Both

Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,11}$")]


class Framework(Entry):
    """A framework that the catalogue speaks of, and what we may carry of it."""

    licence: Both
    carried: Both
    """What of it the catalogue holds."""


class Pack(Value):
    """One file. Every id in it starts with one of its prefixes and a dash."""

    pack: Id
    prefixes: tuple[Prefix, ...] = ()
    title: Both
    framework: Id | None = None
    """The framework that its risks, measures, guidelines, controls, practices and focus areas belong to."""
    frameworks: tuple[Framework, ...] = ()
    evidence_types: tuple[EvidenceType, ...] = ()
    risks: tuple[Risk, ...] = ()
    measures: tuple[Measure, ...] = ()
    guidelines: tuple[Guideline, ...] = ()
    controls: tuple[Control, ...] = ()
    practices: tuple[Practice, ...] = ()
    focus_areas: tuple[FocusArea, ...] = ()
    crosswalk: tuple[CrosswalkLine, ...] = ()
    incident_facts: tuple[Fact, ...] = Field(default=())
    """What a clock may ask of an incident."""
    clocks: tuple[Clock, ...] = ()
    filing: tuple[FilingScheme, ...] = ()
    grading: GradingFile | None = None
    grading_cases: tuple[GradingCase, ...] = ()
