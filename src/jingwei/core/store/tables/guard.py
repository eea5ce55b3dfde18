"""Tables of the running guard: keys' terms, live words, held calls, who watches, candidate policies, events."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from jingwei.core.store.tables.schema import PERSONAL, Base, EventBase, Governed, Moment


class KeyTermsRow(Governed):
    """What a System's API key may use, where that differs from the policy; the newest of a key counts."""

    __tablename__ = "key_terms"
    key_id: Mapped[str] = mapped_column(ForeignKey("api_key.id"), index=True)
    tenant: Mapped[str] = mapped_column(String(80), default="")
    limits: Mapped[dict[str, Any]]
    """`core.policy.Limits`."""


class LexiconChangeRow(Governed):
    """One change of a live lexicon: words added or removed, by whom, from where, and why."""

    __tablename__ = "lexicon_change"
    __table_args__ = (Index("uq_lexicon_change_number", "lexicon", "number", unique=True),)
    lexicon: Mapped[str] = mapped_column(String(64), index=True)
    """`organisation`, or the id of a System."""
    number: Mapped[int] = mapped_column(Integer)
    """1, 2, 3 …: the version that the change made."""
    words_digest: Mapped[str] = mapped_column(String(64))
    """Blob with one line a change: `+` or `-`, word, topic."""
    added: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    source: Mapped[str] = mapped_column(String(200), default="")
    """Where the words came from, such as a file's name."""
    reason: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(String(64))


class ApprovalRow(Governed):
    """A tool call that waits for a person, and what the person said."""

    __tablename__ = "approval"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    host: Mapped[str] = mapped_column(String(64))
    """The host whose gateway asked."""
    principal: Mapped[str] = mapped_column(String(120))
    session: Mapped[str] = mapped_column(String(64), default="")
    server: Mapped[str] = mapped_column(String(120), default="")
    tool: Mapped[str] = mapped_column(String(120))
    effect: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(String(80))
    """Rule that held the call, such as `tool.needs-person`."""
    arguments_digest: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[str] = mapped_column(Text, default="", info=PERSONAL)
    """As far as a person may read them: redacted, and cut at a length."""
    policy_digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), default="waiting", index=True)
    """waiting, approved, refused, used, lapsed."""
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class WatchRow(Base):
    """A person who watches an agent, and the last sign of life. Not governed: it is a signal, not a decision."""

    __tablename__ = "watch"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    system_id: Mapped[str] = mapped_column(String(64), index=True)
    session: Mapped[str] = mapped_column(String(64), default="")
    account_id: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime]


class CandidateRow(Governed):
    """A candidate policy: tried in the shadow and on recorded traffic before two people put it in force."""

    __tablename__ = "policy_candidate"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[dict[str, Any]]
    proposed_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    """draft, shadow, promoted, withdrawn."""
    false_positive_budget: Mapped[float] = mapped_column(Float)
    """Share of traffic allowed now that it may stop at most."""
    trial: Mapped[dict[str, Any]]
    """Result of the newest replay: counts and the differences by category; empty before the first."""
    decided_at: Mapped[datetime | None]


class CandidateSignatureRow(Governed):
    """One person's yes to a candidate policy, over its digest and the trial's."""

    __tablename__ = "candidate_signature"
    __table_args__ = (Index("uq_candidate_signature_person", "candidate_id", "account_id", unique=True),)
    candidate_id: Mapped[str] = mapped_column(ForeignKey("policy_candidate.id"), index=True)
    account_id: Mapped[str] = mapped_column(String(64))
    covered_digest: Mapped[str] = mapped_column(String(64))


class EventRow(EventBase):
    """One run-time event, drained from a gateway's spool."""

    __tablename__ = "event"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    system_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    decision: Mapped[str] = mapped_column(String(12))
    trial: Mapped[bool] = mapped_column(Boolean, default=False)
    latency_milliseconds: Mapped[float] = mapped_column(Float, default=0.0)
    segment: Mapped[str] = mapped_column(String(120), index=True)
    """Spool segment it came in; the segment's Merkle root is a ledger entry."""
    body: Mapped[dict[str, Any]]
