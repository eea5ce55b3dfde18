"""The ledger as people read it: pages of entries, one subject's history, verification, export."""

import json
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple

from sqlalchemy import func, select

from jingwei.core.ledger import Checkpoint, Report, export, last_anchor, verify
from jingwei.core.store import Store
from jingwei.core.store.tables import EntryRow, SealRow

PAGE = 50


class Entry(NamedTuple):
    """One entry as a page shows it: ids only."""

    number: int
    sequence: int | None
    """Place in the chain; none until it is sealed."""
    at: datetime
    actor_id: str
    action: str
    table: str
    row_id: str
    reason: str
    changed: tuple[str, ...]


class LedgerBook:
    """Reads, verifies and exports the ledger of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, *, before: int | None = None, subject: str | None = None, limit: int = PAGE) -> list[Entry]:
        """Return entries, newest first.

        Args:
            before: only entries with a smaller number; the last number of the page before.
            subject: only entries about this row or segment id.
            limit: how many at most.
        """
        query = (
            select(EntryRow, SealRow.sequence)
            .outerjoin(SealRow, SealRow.entry_number == EntryRow.number)
            .order_by(EntryRow.number.desc())
            .limit(min(limit, 1000))
        )
        if before is not None:
            query = query.where(EntryRow.number < before)
        if subject is not None:
            query = query.where(EntryRow.row_id == subject)
        with self._store.reading() as session:
            return [_entry(row, sequence) for row, sequence in session.execute(query)]

    def count(self) -> int:
        """Return how many entries there are."""
        with self._store.reading() as session:
            return session.scalar(select(func.count()).select_from(EntryRow)) or 0

    def verify(self) -> Report:
        """Verify order, signatures, anchors and completeness, to the end."""
        return verify(self._store, verifier=self._store.signer.verifier)

    def anchor(self) -> Checkpoint | None:
        """Return the last checkpoint written outside the database."""
        return last_anchor(self._store.anchor) if self._store.anchor else None

    def export(self, out: BinaryIO) -> int:
        """Write the ledger as JSON lines that `verify_export` checks offline; return how many entries."""
        return export(self._store, out)


def _entry(row: EntryRow, sequence: int | None) -> Entry:
    body: dict[str, Any] = json.loads(row.body)  # Any: JSON of our own
    return Entry(
        number=row.number, sequence=sequence, at=datetime.fromisoformat(body["at"]), actor_id=body["actor_id"],
        action=body["action"], table=row.table_name, row_id=row.row_id, reason=body.get("reason", ""),
        changed=tuple(body.get("changed", ())),
    )  # fmt: skip
