"""What opens a System at the gateway: its keys and its tokens."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """One API key of a System, without the key."""

    id: str
    name: str
    created_at: datetime
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """One token."""

    id: str
    kind: str
    issued_at: datetime
    expires_at: datetime
    state: str
    """live, revoked or expired."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKeyView:
    """A key just made: shown once."""

    system_id: str
    system: str
    name: str
    key: str
    gateway: str
