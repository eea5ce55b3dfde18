"""Events: what happened at run time. Never the text itself: categories, counts, offsets and digests."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.policy import Category, Decision


class EventKind(StrEnum):
    """What an event tells."""

    VERDICT = "verdict"
    """The guard judged one message or tool call."""
    REFUSAL = "refusal"
    """The gateway did not serve at all: no token, revoked, stale snapshot, bad proof."""
    DETECTOR_FAILURE = "detector_failure"
    """A detector crashed or timed out; `decision` is what its fail mode made of it."""
    LABEL = "label"
    """An explicit label was put on an answer."""
    UPSTREAM_FAILURE = "upstream_failure"
    """The model's server was down, slow, or stopped mid-stream."""
    APPROVAL = "approval"
    """A tool call waits for a person, or was let through on a person's approval; `reason` says which."""
    TOOL_CHANGED = "tool_changed"
    """A tool's definition is not the one that was accepted."""
    WATCH = "watch"
    """An agent was paused because nobody watches, or went on."""
    SHADOW = "shadow"
    """What a candidate policy would have decided; `decision` is the candidate's."""


class Event(BaseModel):
    """One run-time event of one System."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """ULID-like: sorts by time."""
    at: datetime
    kind: EventKind
    system_id: str
    request_id: str
    direction: Literal["inbound", "outbound", "tool"] | None = None
    decision: Decision = Decision.ALLOW
    categories: tuple[Category, ...] = ()
    rule_ids: tuple[str, ...] = ()
    """Detector rules that fired, such as `pii.cn-id-card`."""
    reason: str = ""
    """Stable reason key, such as `token-expired`; its texts lie in the catalogue."""
    policy_digest: str = ""
    latency_milliseconds: float = 0.0
    tool: str = ""
    trial: bool = False
    """True inside an assessment run."""
    run_id: str = ""
    session: str = ""
    """Digest of the caller's session id."""
    principal: str = ""
    """Name of the key or agent that asked."""
    server: str = ""
    """MCP server of the tool."""
    lexicon: str = ""
    """Version of the live lexicons that applied."""
    details: dict[str, str] = {}
    """Few and short: `arguments_digest`, `approval_id`, `intent`, `enforced` (a shadow event's decision in force) …"""
