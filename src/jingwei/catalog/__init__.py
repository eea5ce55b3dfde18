"""Floor 1, knowledge: risks, measures, controls, evidence types, grading rules, clocks, filing and crosswalks as data.

`load_catalog` reads the packs under `packs/` and an organisation's own; `read_yaml` and `validated` read any other
YAML that comes from outside with the same bounds and the same errors.
"""

from jingwei.catalog.catalog import DEFAULT_GRADING, Catalog, Coverage
from jingwei.catalog.clocks import Clock
from jingwei.catalog.controls import Axis, Control, Room, Stage
from jingwei.catalog.crosswalk import CrosswalkLine
from jingwei.catalog.document import Document, read_yaml, validated
from jingwei.catalog.entry import Entry, Requirement
from jingwei.catalog.evidence_types import EvidenceType
from jingwei.catalog.filing import FilingCheck, FilingScheme
from jingwei.catalog.grading import (
    MATRIX_FACT,
    Approvers,
    Fact,
    FactEvidence,
    FactValue,
    Floor,
    GateEffect,
    GradingCase,
    GradingFile,
    GradingRules,
    HardStop,
    Lane,
    ScenarioLine,
    Uplift,
)
from jingwei.catalog.guidelines import Guideline
from jingwei.catalog.loader import load_catalog
from jingwei.catalog.pack import Framework, Pack
from jingwei.catalog.practices import FocusArea, Practice
from jingwei.catalog.problem import explained
from jingwei.catalog.risks import Measure, Risk

__all__ = [
    "DEFAULT_GRADING",
    "MATRIX_FACT",
    "Approvers",
    "Axis",
    "Catalog",
    "Clock",
    "Control",
    "Coverage",
    "CrosswalkLine",
    "Document",
    "Entry",
    "EvidenceType",
    "Fact",
    "FactEvidence",
    "FactValue",
    "FilingCheck",
    "FilingScheme",
    "Floor",
    "FocusArea",
    "Framework",
    "GateEffect",
    "GradingCase",
    "GradingFile",
    "GradingRules",
    "Guideline",
    "HardStop",
    "Lane",
    "Measure",
    "Pack",
    "Practice",
    "Requirement",
    "Risk",
    "Room",
    "ScenarioLine",
    "Stage",
    "Uplift",
    "explained",
    "load_catalog",
    "read_yaml",
    "validated",
]
