"""Tables of the ledger: entries, seals, checkpoints."""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from jingwei.core.store.tables.schema import Base, Number


class EntryRow(Base):
    """One state change, written in the change's own transaction (the outbox). Triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index("ix_ledger_entry_subject", "table_name", "row_id", "number"),
        {"sqlite_autoincrement": True},  # a number is never used twice, even after a deletion
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    table_name: Mapped[str] = mapped_column(String(40))
    """Copied from the body for look-ups; empty for an entry that is not about a row. Verification compares them."""
    row_id: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    """Canonical JSON: at, actor_id, action, table, row_id, row_version, row_digest, changed columns, reason."""


class SealRow(Base):
    """An entry's place in the chain, inserted by the one sealer. Triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_seal"
    sequence: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    entry_number: Mapped[int] = mapped_column(Number, unique=True)
    entry_digest: Mapped[str] = mapped_column(String(64))
    chain_digest: Mapped[str] = mapped_column(String(64))


class CheckpointRow(Base):
    """A signed Merkle root over the first `size` seals."""

    __tablename__ = "ledger_checkpoint"
    size: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    root: Mapped[str] = mapped_column(String(64))
    frontier: Mapped[list[str]]
    """Roots of the full subtrees: the next checkpoint goes on from here. Not signed; it must fold to the root."""
    chain_digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(32))
    key_id: Mapped[str] = mapped_column(String(16))
    signature: Mapped[str] = mapped_column(String(128))
