"""The sealer: gives each entry its place in the chain, signs checkpoints, and anchors them outside the database.

Writers only add entries (an outbox); one sealer at a time joins them into the chain, so writers never wait for the
chain. Order is commit order: on SQLite writers are one at a time; on PostgreSQL whoever inserts entries numbers and
commits them under a shared advisory lock (a trigger sees to that), so that in the moment the sealer holds it alone,
every number given out is decided.
"""

import logging
import threading
from collections.abc import Sequence
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Row, func, insert, select, text

from jingwei.core.clock import stamp
from jingwei.core.errors import JingweiError, Tampered
from jingwei.core.ledger.anchor import append_anchor, last_anchor
from jingwei.core.ledger.model import Checkpoint, Mark, link
from jingwei.core.merkle import Frontier
from jingwei.core.signing import Signature
from jingwei.core.store import Store
from jingwei.core.store.tables import CheckpointRow, EntryRow, SealRow

WRITER_LOCK = 0x4A57_0002
"""PostgreSQL advisory lock: a trigger takes it, shared, for whoever inserts entries; held alone for a moment here."""

SEALER_LOCK = 0x4A57_0003
"""PostgreSQL advisory lock: one sealer at a time."""

BATCH = 2000
"""Entries sealed in one transaction, under one checkpoint."""

_log = logging.getLogger(__name__)


def seal_pending(store: Store) -> int:
    """Seal every entry that is committed now, and anchor. Two at once do no harm.

    Returns:
        How many entries it sealed.

    Raises:
        Tampered: the ledger is not the one that was last anchored; nothing is sealed on top of it.
        Unavailable: the database or the anchor file cannot be written.
    """
    total = 0
    if _pending(store):
        bound = _decided(store)
        sealed = BATCH
        while sealed == BATCH:
            sealed = _seal(store, bound)
            total += sealed
    _anchor(store)
    return total


class Sealer:
    """Seals in a thread of its own, a few times a second, until it is closed.

    Args:
        store: whose ledger.
        period_seconds: time between rounds; anchors are at most about this much behind.
    """

    def __init__(self, store: Store, *, period_seconds: float = 0.25) -> None:
        self._store = store
        self._period_seconds = period_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self.trouble: JingweiError | None = None
        """Why the last round failed; none when it went well."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop after one last round."""
        self._stop.set()
        self._thread.join()
        self._round()

    def _run(self) -> None:
        while not self._stop.wait(self._period_seconds):
            self._round()

    def _round(self) -> None:
        try:
            seal_pending(self._store)
            self.trouble = None
        except JingweiError as error:
            if self.trouble is None or self.trouble.code != error.code:
                _log.error("sealing failed: %s: %s", error.code, error)
            self.trouble = error


def demand_not_cut_back(store: Store) -> None:
    """Refuse a database that is older than its last anchor: one restored from a copy, or cut back.

    In it, tokens that were revoked since are live again, and roles that were taken back are held. Cheap enough to ask
    before each snapshot: one line of a file and one row.

    Raises:
        Tampered: the ledger is not the one that was last anchored.
        Unavailable: the database or the anchor file cannot be read.
    """
    anchored = last_anchor(store.anchor) if store.anchor else None
    if anchored is None:
        return
    with store.reading() as session:
        there = session.scalar(select(SealRow.chain_digest).where(SealRow.sequence == anchored.size))
        if there != anchored.chain_digest:
            sequence = session.scalar(select(func.max(SealRow.sequence))) or 0
            raise Tampered("core:ledger-behind-anchor", anchored=anchored.size, sequence=sequence)


def _pending(store: Store) -> bool:
    with store.reading() as session:
        newest = session.scalar(select(func.max(EntryRow.number))) or 0
        sealed = session.scalar(select(SealRow.entry_number).order_by(SealRow.sequence.desc()).limit(1)) or 0
        return newest > sealed


def _decided(store: Store) -> int | None:
    """Return a number up to which every entry is committed or never will be; none on SQLite, where all are."""
    if store.on_sqlite:
        return None
    with store.writing() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
        return connection.execute(select(func.coalesce(func.max(EntryRow.number), 0))).scalar_one()


def _seal(store: Store, bound: int | None) -> int:
    with store.writing() as connection:
        if not store.on_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEALER_LOCK})
        mark = _sealed_so_far(store, connection)
        query = select(EntryRow.number, EntryRow.body).where(EntryRow.number > mark.entry_number)
        if bound is not None:
            query = query.where(EntryRow.number <= bound)
        entries = connection.execute(query.order_by(EntryRow.number).limit(BATCH)).all()
        if entries:
            _extend(store, connection, mark, entries)
        return len(entries)


def _sealed_so_far(store: Store, connection: Connection) -> Mark:
    last = connection.execute(select(SealRow.__table__).order_by(SealRow.sequence.desc()).limit(1)).one_or_none()
    checkpoint = connection.execute(
        select(CheckpointRow.__table__).order_by(CheckpointRow.size.desc()).limit(1)
    ).one_or_none()
    sequence = last.sequence if last else 0
    anchored = last_anchor(store.anchor) if store.anchor else None
    if anchored is not None:
        there = connection.execute(select(SealRow.chain_digest).where(SealRow.sequence == anchored.size)).scalar()
        if there != anchored.chain_digest:
            raise Tampered("core:ledger-behind-anchor", anchored=anchored.size, sequence=sequence)
    if last is None and checkpoint is None:
        return Mark()
    if last is None or checkpoint is None or not _fits(checkpoint, last):
        raise Tampered("core:ledger-unsound", sequence=sequence)
    return Mark(sequence=sequence, entry_number=last.entry_number, chain_digest=last.chain_digest,
                peaks=tuple(checkpoint.frontier))  # fmt: skip


def _fits(checkpoint: Row[Any], last: Row[Any]) -> bool:
    """See that the checkpoint is about the last seal, and that its unsigned frontier folds to its signed root."""
    try:
        root = Frontier(checkpoint.size, map(bytes.fromhex, checkpoint.frontier)).root().hex()
    except (ValueError, TypeError):
        return False
    return (checkpoint.size, checkpoint.chain_digest, root) == (last.sequence, last.chain_digest, checkpoint.root)


def _extend(store: Store, connection: Connection, mark: Mark, entries: Sequence[Row[int, str]]) -> None:
    chain = bytes.fromhex(mark.chain_digest)
    frontier = mark.frontier()
    seals = []
    for sequence, entry in enumerate(entries, start=mark.sequence + 1):
        digest = sha256(entry.body.encode()).digest()
        chain = link(chain, digest)
        frontier.append(digest)
        seals.append({"sequence": sequence, "entry_number": entry.number, "entry_digest": digest.hex(),
                      "chain_digest": chain.hex()})  # fmt: skip
    connection.execute(insert(SealRow), seals)
    checkpoint = Checkpoint.signed(size=frontier.size, root=frontier.root().hex(), chain_digest=chain.hex(),
                                   at=stamp(store.clock()), signer=store.signer)  # fmt: skip
    connection.execute(insert(CheckpointRow).values(
        size=checkpoint.size, root=checkpoint.root, chain_digest=checkpoint.chain_digest, at=checkpoint.at,
        key_id=checkpoint.signature.key_id, signature=checkpoint.signature.value,
        frontier=[peak.hex() for peak in frontier.peaks],
    ))  # fmt: skip


def _anchor(store: Store) -> None:
    if store.anchor is None:
        return
    with store.reading() as session:
        row = session.scalar(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1))
        if row is None:
            return
        checkpoint = from_row(row)
    anchored = last_anchor(store.anchor)
    if anchored is None or anchored.size < checkpoint.size:
        append_anchor(store.anchor, checkpoint)


def from_row(row: CheckpointRow | Row[Any]) -> Checkpoint:
    """Return the checkpoint that a row holds.

    Raises:
        pydantic.ValidationError: the row was changed into something that is no checkpoint.
    """
    return Checkpoint(size=row.size, root=row.root, chain_digest=row.chain_digest, at=row.at,
                      signature=Signature(key_id=row.key_id, value=row.signature))  # fmt: skip
