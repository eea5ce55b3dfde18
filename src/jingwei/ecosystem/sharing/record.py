"""The record of one weakness: what is affected, how bad, who may know, and what has been done about it."""

from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator

MOST = 200
"""Entries that any list of a record may hold."""
Words = Annotated[str, StringConstraints(max_length=20_000)]
Line = Annotated[str, StringConstraints(max_length=500)]


class Tlp(StrEnum):
    """Who may be told (FIRST Traffic Light Protocol 2.0); the order of definition is the order of secrecy."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"

    @property
    def rank(self) -> int:
        """Return 0 for clear up to 4 for red."""
        return list(Tlp).index(self)


class State(StrEnum):
    """How far a report has come."""

    RECEIVED = "received"
    CONFIRMED = "confirmed"
    VENDOR_TOLD = "vendor-told"
    FIXED = "fixed"
    DISCLOSED = "disclosed"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Part):
    """Versions that are affected: from one, until before another."""

    introduced: Line = "0"
    fixed: Line = ""
    last_affected: Line = ""
    """Last one that is affected, where no fix is known."""


class Affected(_Part):
    """One thing that has the weakness."""

    name: Line = Field(min_length=1)
    kind: Literal["package", "model", "dataset", "system", "tool", "hardware"] = "system"
    vendor: Line = ""
    ecosystem: Line = ""
    """Of a package: `PyPI`, `npm`, `Go` …"""
    purl: Line = ""
    versions: tuple[Line, ...] = Field(default=(), max_length=10 * MOST)
    ranges: tuple[Range, ...] = Field(default=(), max_length=MOST)


class Reference(_Part):
    """Where more is said."""

    url: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://[^\s]+$")]
    kind: Literal["advisory", "fix", "report", "article", "web"] = "web"
    label: Line = ""


class Move(_Part):
    """One step of triage: who took it, when, and why."""

    to: State
    at: AwareDatetime
    by: Line = Field(min_length=1)
    note: Words = ""


class Report(_Part):
    """One weakness. Texts are in the language they were written in: `language` names it."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
    title: Line = Field(min_length=1)
    kind: Literal["vulnerability", "model-weakness", "dangerous-capability"] = "vulnerability"
    language: Literal["zh", "en"] = "en"
    summary: Words = ""
    """What is wrong and what it leads to."""
    steps: Words = ""
    """How to show it; leaves the house only at the level of secrecy that the record names."""
    remedy: Words = ""
    affected: tuple[Affected, ...] = Field(default=(), max_length=MOST)
    aliases: tuple[Line, ...] = Field(default=(), max_length=MOST)
    """Ids elsewhere: CVE, GHSA, PYSEC, AVID, NVDB."""
    weaknesses: tuple[Annotated[str, StringConstraints(pattern=r"^CWE-\d{1,5}$")], ...] = Field(
        default=(), max_length=MOST
    )
    cvss: tuple[Line, ...] = Field(default=(), max_length=8)
    """CVSS vectors, such as `CVSS:4.0/AV:N/…`."""
    effects: tuple[Line, ...] = Field(default=(), max_length=MOST)
    """AVID's SEP ids, such as `S0403`."""
    stages: tuple[Line, ...] = Field(default=(), max_length=MOST)
    """AVID's lifecycle ids, such as `L06`."""
    references: tuple[Reference, ...] = Field(default=(), max_length=MOST)
    credits: tuple[Line, ...] = Field(default=(), max_length=MOST)
    tlp: Tlp = Tlp.AMBER
    exploited: bool = False
    """It is being used in attacks."""
    found_at: AwareDatetime | None = None
    received_at: AwareDatetime
    modified_at: AwareDatetime | None = None
    withdrawn_at: AwareDatetime | None = None
    moves: tuple[Move, ...] = Field(default=(), max_length=MOST)

    @field_validator("moves")
    @classmethod
    def _in_order(cls, moves: tuple[Move, ...]) -> tuple[Move, ...]:
        if any(later.at < earlier.at for earlier, later in pairwise(moves)):
            raise ValueError("moves must be in the order of their times")
        return moves

    @property
    def state(self) -> State:
        """Return how far the report has come."""
        return self.moves[-1].to if self.moves else State.RECEIVED

    def reached(self, state: State) -> datetime | None:
        """Return when it first came to a state, or none."""
        if state is State.RECEIVED:
            return self.received_at
        return next((move.at for move in self.moves if move.to is state), None)
