"""What the guard did at run time: the feed, one event explained, sessions, trends."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from jingwei.core.text import Both
from jingwei.faces.console.views.parts import Choice, Label, Link, Stat

DECISIONS = ("block", "hold", "safe_answer", "redact", "label", "allow")
"""Strictest first."""


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
    tool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGroup:
    """One event, or the neighbouring events of one assessment run."""

    run_id: str
    rows: tuple[EventLine, ...]

    @property
    def decisions(self) -> tuple[tuple[str, int], ...]:
        """Return how many events ended in each decision, strictest first."""
        counts = Counter(line.decision for line in self.rows)
        return tuple((name, counts[name]) for name in DECISIONS if counts[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsView:
    """The newest events, and how many of each kind in the last day."""

    groups: tuple[EventGroup, ...]
    stats: tuple[Stat, ...]
    systems: tuple[Choice, ...]
    filters: dict[str, str]
    earlier: bool = False
    """True on a page that is not the newest: it does not grow by itself."""
    older: str = ""
    """Id to go on from, where there are older ones."""
    refreshing: bool = False
    """True where the visitor asked the browser to load the page again by itself."""
    problem: Both | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredLine:
    """One rule that fired."""

    id: str
    title: Label
    controls: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLine:
    """One place in the text, as offsets; the text itself is not kept."""

    path: str
    start: int
    end: int
    rule: str
    score: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event, explained."""

    event: EventLine
    principal: str
    session: str
    request_id: str
    server: str
    fired: tuple[FiredLine, ...]
    spans: tuple[SpanLine, ...]
    unjudged: tuple[tuple[str, str], ...]
    """Category, and why it could not be judged."""
    settings: tuple[tuple[str, str, str], ...]
    """Category, what the policy does about it in this direction, from which score on."""
    policy_digest: str
    policy_at: datetime | None
    """When the policy was attached; none where it is not in the System's history."""
    lexicons: tuple[Link, ...]
    details: tuple[tuple[str, str], ...]
    near: tuple[EventLine, ...]
    """Other events of the same request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """One session."""

    session: str
    system_id: str
    system: str
    principals: str
    first_at: datetime
    last_at: datetime
    events: int
    decisions: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsView:
    """Sessions of the last week."""

    rows: tuple[SessionLine, ...]
    systems: tuple[Choice, ...]
    system_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One session with its timeline, oldest first."""

    session: str
    system_id: str
    system: str
    principals: str
    rows: tuple[EventLine, ...]
    cut: bool
    """True where older events are left out."""
    watchable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendLine:
    """One category over time."""

    category: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return how often it was found."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendsView:
    """What the guard found, over time."""

    systems: tuple[Choice, ...]
    system_id: str
    unit: str
    buckets: tuple[datetime, ...]
    verdicts: tuple[int, ...]
    stopped: tuple[int, ...]
    lines: tuple[TrendLine, ...]
    rules: tuple[tuple[str, Label, int], ...]
