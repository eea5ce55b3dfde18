"""Findings: one problem each, with where it is and how to mend it."""

from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from jingwei.core.text import Both


class Severity(StrEnum):
    """How bad a finding is; the order of definition is the order of badness."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for info up to 4 for critical."""
        return list(Severity).index(self)


class Location(BaseModel):
    """Where in the target a finding lies; only what applies is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = ""
    """File path relative to the target, or the name of the part (`messages[0]`, `data.pkl`)."""
    line: int | None = None
    start: int | None = None
    """Offset of the first unit (byte in a binary file, character in a text)."""
    end: int | None = None


class Finding(BaseModel):
    """One problem found in a target. Never holds the offending personal data or secret itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule_id: str
    """Stable id of the rule that fired, such as `pickle.dangerous-global`."""
    severity: Severity
    title: Both
    detail: Both
    remedy: Both
    location: Location = Location()
    control_ids: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Return 16 hex digits that stay the same while the same problem lies in the same place."""
        where = self.location
        return sha256(f"{self.rule_id}|{where.path}|{where.line}|{where.start}".encode()).hexdigest()[:16]
