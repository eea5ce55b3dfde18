"""What the guard did at run time."""

from collections import Counter
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
    run_id: str = ""
    """The assessment run it belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGroup:
    """One event, or the neighbouring events of one assessment run."""

    run_id: str
    rows: tuple[EventLine, ...]

    @property
    def decisions(self) -> tuple[tuple[str, int], ...]:
        """Return how many events ended in each decision, strictest first."""
        counts = Counter(line.decision for line in self.rows)
        return tuple((name, counts[name]) for name in ("block", "hold", "redact", "label", "allow") if counts[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsView:
    """The newest events, and how many of each kind in the last day."""

    groups: tuple[EventGroup, ...]
    stats: tuple[Stat, ...]
    systems: tuple[Choice, ...]
    system_id: str = ""
    decision: str = ""
    served: str = ""
    """`yes` where events of assessment runs are left out."""
    earlier: bool = False
    """True on a page that is not the newest: it does not grow by itself."""
    older: str = ""
    """Id to go on from, where there are older ones."""
    problem: Both | None = None
