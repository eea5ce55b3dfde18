"""What the guard did at run time."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.text import Both
from jingwei.faces.console.views.parts import Choice, Label, Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """One event."""

    id: str
    at: datetime
    kind: str
    system_id: str
    system: str
    decision: str
    direction: str
    categories: tuple[str, ...]
    rules: tuple[str, ...]
    reason: Label
    latency_milliseconds: float
    trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsView:
    """The newest events, and how many of each kind in the last day."""

    rows: tuple[EventLine, ...]
    stats: tuple[Stat, ...]
    systems: tuple[Choice, ...]
    system_id: str = ""
    decision: str = ""
    older: str = ""
    """Id to go on from, where there are older ones."""
    problem: Both | None = None
