"""Tables of purple-team campaigns: what may be attacked, campaigns, tries, finds.

What people typed and models said are personal columns: the ledger answers for their hashes, never for the words.
"""

from datetime import datetime

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from jingwei.core.store.tables.schema import PERSONAL, Governed


class CampaignTargetRow(Governed):
    """Something that campaigns may attack: a System behind its gateway, or a test endpoint of it."""

    __tablename__ = "campaign_target"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    """gateway, endpoint."""
    locator: Mapped[str] = mapped_column(String(500), default="")
    """Base address of the endpoint; empty for the gateway."""
    model: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class CampaignRow(Governed):
    """One campaign: what for, by which rules, when, and how many requests."""

    __tablename__ = "campaign"
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    target_id: Mapped[str] = mapped_column(ForeignKey("campaign_target.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(Text)
    rules: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    requests: Mapped[int] = mapped_column(Integer)
    per_minute: Mapped[int] = mapped_column(Integer)
    """Tries of one person."""
    leaderboard: Mapped[bool] = mapped_column(Boolean, default=True)
    named: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether participants go by their names; else by a number."""
    state: Mapped[str] = mapped_column(String(12), default="draft")
    """draft, open, closed."""
    started_by: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class CampaignTryRow(Governed):
    """One prompt of a participant, counted before it is sent, and how it was answered."""

    __tablename__ = "campaign_try"
    __table_args__ = (Index("uq_campaign_try_number", "campaign_id", "number", unique=True),)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    """1, 2, 3 …, up to the campaign's budget: two tries never share one."""
    account_id: Mapped[str] = mapped_column(String(64), index=True)
    prompt_digest: Mapped[str] = mapped_column(String(64))
    prompt_length: Mapped[int] = mapped_column(Integer)
    prompt: Mapped[str] = mapped_column(Text, info=PERSONAL)
    """Redacted."""
    state: Mapped[str] = mapped_column(String(12), default="sent")
    """sent, answered, failed."""
    verdict: Mapped[str] = mapped_column(String(20), default="")
    score: Mapped[float | None] = mapped_column(Float)
    reasons: Mapped[list[str]]
    answer_digest: Mapped[str] = mapped_column(String(64), default="")
    answer_length: Mapped[int] = mapped_column(Integer, default=0)
    answer: Mapped[str] = mapped_column(Text, default="", info=PERSONAL)
    """Redacted, the head of it."""
    answered_at: Mapped[datetime | None]


class CampaignFindRow(Governed):
    """A try that its participant submitted, and what others made of it."""

    __tablename__ = "campaign_find"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), index=True)
    system_id: Mapped[str] = mapped_column(ForeignKey("system.id"), index=True)
    try_id: Mapped[str] = mapped_column(ForeignKey("campaign_try.id"), unique=True)
    submitted_by: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(60))
    """Class of risk, such as `tc260:a1-a`."""
    reason: Mapped[str] = mapped_column(Text, info=PERSONAL)
    like_id: Mapped[str] = mapped_column(String(64), default="")
    """The earlier find it is most like; empty where there is none."""
    likeness: Mapped[float] = mapped_column(Float, default=0.0)
    state: Mapped[str] = mapped_column(String(12), default="submitted", index=True)
    """submitted, accepted, duplicate, rejected, mended."""
    severity: Mapped[str] = mapped_column(String(10), default="")
    duplicate_of: Mapped[str] = mapped_column(String(64), default="")
    score: Mapped[int] = mapped_column(Integer, default=0)
    note: Mapped[str] = mapped_column(Text, default="")
    triaged_by: Mapped[str] = mapped_column(String(64), default="")
    triaged_at: Mapped[datetime | None]
    mend: Mapped[str] = mapped_column(Text, default="")
    mended_by: Mapped[str] = mapped_column(String(64), default="")
    mended_at: Mapped[datetime | None]
