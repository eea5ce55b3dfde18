"""Changing a System's grade by people."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.faces.console.views.parts import FRESH, Choice, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideLine:
    """One override."""

    id: str
    grade: int
    reason: str
    asked_by: str
    approvers: tuple[str, ...]
    at: datetime
    expires_at: datetime | None
    state: str
    """awaited, holds, withdrawn or ended."""
    may_approve: bool = False
    may_withdraw: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeView:
    """The page that changes a grade."""

    system_id: str
    system: str
    grade: int
    computed: int
    lines: tuple[OverrideLine, ...]
    may_ask: bool
    choices: tuple[Choice, ...]
    """Grades one can ask for: every one but the present."""
    needs_code: bool
    form: Form = FRESH

    @property
    def to_approve(self) -> OverrideLine | None:
        """Return the override that this visitor may approve now."""
        return next((line for line in self.lines if line.may_approve), None)
