"""Runs of checks: queued, under way, done."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.text import Both
from jingwei.faces.console.views.listing import Listing
from jingwei.faces.console.views.parts import Choice, Form, Label, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """One run."""

    id: str
    check_id: str
    check: Label
    system_id: str
    system: str
    target: str
    status: str
    done: int
    total: int
    through_gateway: bool
    at: datetime
    finished_at: datetime | None = None
    evidence: tuple[Link, ...] = ()
    error: Both | None = None
    requested_by: str = ""
    may_cancel: bool = False

    @property
    def active(self) -> bool:
        """Tell whether it can still change."""
        return self.status in ("queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsView:
    """The list of runs."""

    listing: Listing[JobLine]

    @property
    def active(self) -> bool:
        """Tell whether any shown run can still change."""
        return any(job.active for job in self.listing.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOffer:
    """One check a person can start."""

    id: str
    title: Both
    about: Both
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartView:
    """The form that starts a check."""

    checks: tuple[CheckOffer, ...]
    systems: tuple[Choice, ...]
    form: Form
