"""Grading rules as data: facts, scenario lines, matrix, uplifts, floors, gates and lanes.

Only the typed, compiled rule pack lives here; the decision itself is `jingwei.manage.grading`. The five grades
follow TC260's practice guide draft of January 2026 (低、一般、较大、重大、特别重大); the two axes follow Blue Book
五(一). The wording of L1 to L4, the matrix and the floors are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from jingwei.catalog.entry import Condition, Entry, FactId, Id, Value
from jingwei.core.rules import Rule
from jingwei.core.text import Both

Grade = Annotated[int, Field(ge=1, le=5)]
ScenarioLevel = Annotated[int, Field(ge=1, le=4)]

MATRIX_FACT = "autonomy"
"""The fact that chooses the matrix row."""
CAPABILITY_PREFIX = "cap_"
"""Facts of this prefix are gathered as `caps`."""


class FactValue(Value):
    """One answer a fact can have."""

    id: Id
    label: Both


class Fact(Value):
    """One typed answer of an intake. Later values mean more risk."""

    id: FactId
    label: Both
    question: Both
    values: tuple[FactValue, ...] = Field(min_length=2)

    @property
    def value_ids(self) -> tuple[str, ...]:
        """Return the answers from least to most risk."""
        return tuple(value.id for value in self.values)


class RuleLine(Value):
    """One rule: when it holds, and why it is there."""

    id: Id
    when: Condition
    why: Both


class ScenarioLine(RuleLine):
    """Puts a scenario at a level; the highest line that holds counts."""

    level: ScenarioLevel


class Uplift(RuleLine):
    """Adds to the grade."""

    add: int = Field(ge=1, le=4)


class Floor(RuleLine):
    """The least grade that is possible."""

    grade: Grade


class GateEffect(StrEnum):
    """What a hard stop stops."""

    PROHIBITED = "prohibited"
    BLOCK_DEVELOP = "block_develop"
    BLOCK_DEPLOY = "block_deploy"
    HOLD = "hold"


class HardStop(RuleLine):
    """Stops whatever the grade; no approver lifts it, only new evidence."""

    effect: GateEffect


class Approvers(Value):
    """Who must sign."""

    roles: tuple[Id, ...] = Field(min_length=1)
    minimum: int = Field(ge=1)
    four_eyes: bool
    auto_if_checks_pass: bool = False
    """True: no signature is needed once every check has passed."""


class Lane(Value):
    """The way to release for one grade."""

    grade: Grade
    grade_name: Both
    id: Id
    name: Both
    sla_days: int = Field(ge=1)
    approvers: Approvers
    valid_days: int = Field(ge=1)
    """How long a release lasts."""
    adds: tuple[Id, ...]
    """Evidence types on top of the lane below."""
    conditions: tuple[Id, ...] = ()


class FactEvidence(RuleLine):
    """Evidence that some facts demand whatever the grade."""

    evidence: tuple[Id, ...] = Field(min_length=1)


class GradingFile(Value):
    """A rule pack as it is written."""

    id: Id
    version: int = Field(ge=1)
    facts: tuple[Fact, ...]
    scenario: tuple[ScenarioLine, ...] = Field(min_length=1)
    matrix: dict[str, tuple[Grade, Grade, Grade, Grade]]
    """Autonomy → the grade at scenario level 1 to 4."""
    uplifts: tuple[Uplift, ...] = ()
    floors: tuple[Floor, ...] = ()
    gates: tuple[HardStop, ...] = ()
    roles: tuple[Entry, ...]
    conditions: tuple[Entry, ...] = ()
    lanes: tuple[Lane, ...]
    add_by_fact: tuple[FactEvidence, ...] = ()
    reassess_on: tuple[Entry, ...] = ()


class GradingCase(Entry):
    """A worked case: facts that are not named have their least value."""

    rules: Id = "JW-GRADING"
    description: Both
    facts: dict[FactId, Id]
    grade: Grade
    stops: tuple[Id, ...] = ()
    """Ids of the hard stops that hold."""
    note: Both | None = None
    """Why, where the grade can be argued about."""


@dataclass(frozen=True, slots=True)
class GradingRules:
    """A rule pack, checked and compiled."""

    file: GradingFile
    digest: str
    """SHA-256 of the file it was read from; a decision cites it."""
    compiled: Mapping[str, Rule]
    """Every rule by its id: scenario lines, uplifts, floors, gates and evidence by fact."""
    facts: Mapping[str, Fact]

    @property
    def id(self) -> str:
        """Return the pack's id."""
        return self.file.id

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Return the facts whose values a decision gathers as `caps`."""
        return tuple(name for name in self.facts if name.startswith(CAPABILITY_PREFIX))

    def lane(self, grade: int) -> Lane:
        """Return the lane of a grade from 1 to 5."""
        return self.file.lanes[grade - 1]

    def evidence(self, grade: int) -> tuple[str, ...]:
        """Return the evidence types that a grade demands, those of the lanes below included, each once."""
        return tuple(dict.fromkeys(each for lane in self.file.lanes[:grade] for each in lane.adds))

    def defaults(self) -> dict[str, str]:
        """Return the least value of every fact."""
        return {name: fact.value_ids[0] for name, fact in self.facts.items()}
