"""Policy: what the guard enforces for one System, compiled from its grade and controls.

A policy travels to gateways inside the relay's signed snapshot. Its digest is part of the configuration that
behavioural evidence is bound to, so a weakened policy lapses that evidence.
"""

from enum import StrEnum
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import digest
from jingwei.core.text import Both
from jingwei.core.value import Value


class Category(StrEnum):
    """What a detector can find; the unit of policy."""

    KEYWORD = "keyword"
    PII = "pii"
    SECRET = "secret"  # noqa: S105 - not a password
    INJECTION = "injection"
    HARM = "harm"


class Decision(StrEnum):
    """The guard's answer, mildest first; several findings compose to the strictest."""

    ALLOW = "allow"
    LABEL = "label"
    REDACT = "redact"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """Return 0 for allow up to 4 for block."""
        return list(Decision).index(self)


class FailMode(StrEnum):
    """What happens when a detector crashes or times out."""

    CLOSED = "closed"
    OPEN = "open"


class CategoryRule(BaseModel):
    """What to do about one category, in each direction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category
    inbound: Decision = Decision.BLOCK
    outbound: Decision = Decision.BLOCK
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Findings scored below this are only counted."""
    on_failure: FailMode = FailMode.CLOSED
    timeout_milliseconds: int = Field(default=500, gt=0)


class ToolRule(BaseModel):
    """One tool the System may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    effect: str = "read_only"
    """`read_only`, `reversible_write` or `irreversible`."""
    needs_person: bool = False
    """Hold each call until a person confirms it."""


class Policy(Value):
    """The whole policy of one System."""

    system_id: str
    grade: int = Field(ge=1, le=5)
    rules: tuple[CategoryRule, ...]
    words: tuple[str, ...] = ()
    """Keywords this organisation adds to the built-in lexicon."""
    allowed_words: tuple[str, ...] = ()
    """Whitelist: phrases never flagged as keywords."""
    canaries: tuple[str, ...] = ()
    """Markers planted in the System's prompt; seen on the way out, the prompt is leaking."""
    tools: tuple[ToolRule, ...] = ()
    """Tools the model may call; any other call is blocked."""
    explicit_label: Both | None = None
    """Text put at the end of every generated answer (GB 45438-2025), or none."""
    max_input_characters: int = Field(default=100_000, gt=0)
    safe_answer: Both
    """What the user reads instead of a blocked message."""

    @cached_property
    def digest(self) -> str:
        """Return the digest of the whole policy."""
        return digest(self.model_dump(mode="json"))
