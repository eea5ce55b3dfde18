"""Tool calls that wait for a person, and the watch over an agent."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.faces.console.views.parts import FRESH, Choice, Form, Label


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLine:
    """One held call."""

    id: str
    system_id: str
    system: str
    principal: str
    server: str
    tool: str
    effect: str
    why: Label
    state: str
    at: datetime
    expires_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherLine:
    """A person who watches."""

    name: str
    system_id: str
    system: str
    session: str
    seen_at: datetime
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsView:
    """The queue, what was decided lately, and who watches."""

    waiting: tuple[ApprovalLine, ...]
    decided: tuple[ApprovalLine, ...]
    watchers: tuple[WatcherLine, ...]
    watchable: tuple[Choice, ...]
    """Systems this visitor may watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """One held call with the form that decides it."""

    line: ApprovalLine
    session: str
    arguments: str
    arguments_digest: str
    policy_digest: str
    may_decide: bool
    needs_code: bool = False
    form: Form = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchView:
    """The watch over one System's agent."""

    system_id: str
    system: str
    session: str
    watching: bool
    idle_at: datetime | None
    idle_seconds: int
    watchers: tuple[WatcherLine, ...]
    may_watch: bool
    needs_code: bool = False
    form: Form = FRESH
