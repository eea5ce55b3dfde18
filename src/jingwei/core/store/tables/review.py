"""The table of reviews: what people decided about attempts of an evaluation."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from jingwei.core.store.tables.schema import PERSONAL, Governed


class ReviewRow(Governed):
    """One person's word on one attempt of one piece of evidence: final, since the judge's word is told after it."""

    __tablename__ = "review"
    __table_args__ = (Index("uq_review_person", "evidence_id", "attempt_id", "account_id", unique=True),)
    evidence_id: Mapped[str] = mapped_column(ForeignKey("evidence.id"), index=True)
    attempt_id: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(String(64))
    decision: Mapped[str] = mapped_column(String(12))
    """safe, unsafe, unsure."""
    note: Mapped[str] = mapped_column(Text, default="", info=PERSONAL)
    decided_at: Mapped[datetime]
