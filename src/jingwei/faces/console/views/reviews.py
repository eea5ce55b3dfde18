"""The people's queue of one evaluation."""

from dataclasses import dataclass

from jingwei.core.text import Both
from jingwei.faces.console.views.parts import FRESH, Form
from jingwei.platform import Agreement, Decided, OpenAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """What waits for this person, and what came of what they decided."""

    evidence_id: str
    title: Both
    system_id: str
    system: str
    waiting: tuple[OpenAttempt, ...]
    """The first few."""
    left: int
    """All that this person has not decided."""
    decided: tuple[Decided, ...]
    agreement: Agreement
    may_decide: bool
    form: Form = FRESH
