"""The ledger: its entries, its state, and what a verification found."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.faces.console.views.parts import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """One entry."""

    number: int
    sealed: bool
    at: datetime
    actor: str
    action: str
    """Text key under `action.`."""
    table: str
    """Text key under `table.`."""
    row_id: str
    reason: str
    changed: str
    """Names of the columns that changed."""
    url: str = ""
    """Page of the row it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """The ledger's page."""

    rows: tuple[EntryLine, ...]
    subject: str
    entries: int
    anchored: int
    root: str
    key_id: str
    anchored_at: datetime | None
    older: int | None = None
    """Number to go on from, where there are older entries."""
    proof: Proof | None = None
