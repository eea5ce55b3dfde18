"""Verification: is the ledger whole, in order, and the one that was anchored, and does it account for every row?

    order           each seal continues the chain, each entry has the digest it was sealed with
    signatures      each checkpoint is the root of what came before it, signed by the platform
    truncation      each anchor outside the database is met on the way
    completeness    each governed row has, as its newest entry, exactly its present content; no row without an entry,
                    no entry without its row

It reads one unchanging view in pages, so memory stays flat, and can stop and go on.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
from pydantic import ValidationError
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from jingwei.core.errors import Tampered
from jingwei.core.ledger.anchor import read_anchors
from jingwei.core.ledger.completeness import reconcile
from jingwei.core.ledger.model import Checkpoint, Mark, Report
from jingwei.core.ledger.sealing import from_row
from jingwei.core.ledger.walk import Faults, Progress, Walk
from jingwei.core.signing import Verifier
from jingwei.core.store import Store
from jingwei.core.store.failure import failures_said
from jingwei.core.store.tables import CheckpointRow, EntryRow, SealRow

PAGE = 10_000
"""Entries read at once."""

_Line = tuple[int, int, str, str, str | None, str | None, str | None]
"""Sequence, entry number, entry digest, chain digest; then the entry's body, table and row id, where it is there."""


def verify(store: Store, *, verifier: Verifier, resume: Mark | None = None, limit: int | None = None,
           rows: bool = True, progress: Progress | None = None) -> Report:  # fmt: skip
    """Verify the ledger of a store against its own chain, its checkpoints, its anchors and its rows.

    Args:
        store: the store; its `anchor` file is read too.
        verifier: the platform's public key, from somewhere else than the database.
        resume: the mark of an earlier report; what came before it is taken as verified.
        limit: check at most about this many entries now.
        rows: whether to reconcile the rows, once the end is reached.
        progress: told how far it is, a page at a time.

    Raises:
        Unavailable: the database or the anchor file cannot be read.
    """
    end = _length(store.anchor)
    with store.reading() as session:
        run = _Run(session, Walk(resume or Mark(), verifier=verifier, faults=(faults := Faults())), faults=faults)
        total = session.scalar(select(func.max(SealRow.sequence))) or 0
        last = total if limit is None else min(total, run.walk.sequence + limit)
        with failures_said(str(store.anchor)):
            run.check_beginning(total)
            run.meet_anchors(store.anchor, end=end, last=last, progress=progress, total=total)
        finished = run.walk.sequence >= total
        counted = 0
        unsealed = run.count_unsealed() if finished else 0
        if finished:
            run.check_end()
            counted = reconcile(session, faults) if rows else 0
        anchored = run.last_anchor.size if run.last_anchor else 0
        return Report(
            entries=run.entries, checkpoints=run.walk.checkpoints - run.anchors, anchors=run.anchors, rows=counted,
            unsealed=unsealed, unanchored=max(0, run.walk.sequence - anchored) + unsealed,
            faults=tuple(faults.told), fault_count=faults.count, finished=finished, mark=run.walk.mark(),
        )  # fmt: skip


def _length(path: Path | None) -> int:
    """Read the anchors' length before the view is opened: what is anchored by now is in the view."""
    if path is None:
        return 0
    with failures_said(str(path)):
        return path.stat().st_size if path.exists() else 0


class _Run:
    def __init__(self, session: Session, walk: Walk, *, faults: Faults) -> None:
        self.walk = walk
        self.entries = 0
        self.anchors = 0
        self.last_anchor: Checkpoint | None = None
        self._session = session
        self._faults = faults
        self._began = walk.sequence

    def check_beginning(self, total: int) -> None:
        """See that the place to go on from is still what it was."""
        if not self._began:
            return
        there = self._session.scalar(select(SealRow.chain_digest).where(SealRow.sequence == self._began))
        if total < self._began:
            self._faults.add("truncated", sequence=total + 1, last=self._began)
        elif there != self.walk.chain.hex():
            self._faults.add("chain-broken", sequence=self._began)

    def meet_anchors(self, path: Path | None, *, end: int, last: int, progress: Progress | None, total: int) -> None:
        """Walk to `last`, stopping at each anchor on the way."""
        for anchor in self._anchors(path, end=end):
            if anchor.size <= self._began:
                self.last_anchor = anchor
                continue
            if anchor.size > total:
                self._faults.add("truncated", sequence=total + 1, last=anchor.size)
                self.walk.check_signature(anchor, subject="anchor")
                continue
            if anchor.size > last:
                break
            self._walk(anchor.size, progress=progress, total=total)
            self.anchors += 1
            self.walk.check(anchor, subject="anchor")
            self.last_anchor = anchor
        self._walk(last, progress=progress, total=total)

    def count_unsealed(self) -> int:
        """Count the entries that wait to be sealed."""
        query = select(func.count()).select_from(EntryRow).where(EntryRow.number > self.walk.entry_number)
        return self._session.scalar(query) or 0

    def check_end(self) -> None:
        """See that every sealed entry is under a checkpoint, and none claims more than there is."""
        newest = self._session.scalar(select(func.max(CheckpointRow.size))) or 0
        if newest < self.walk.sequence:
            self._faults.add("checkpoint-missing", sequence=newest + 1, last=self.walk.sequence)
        if newest > self.walk.sequence:
            self._faults.add("truncated", sequence=self.walk.sequence + 1, last=newest)

    def _anchors(self, path: Path | None, *, end: int) -> Iterator[Checkpoint]:
        if path is None or not end:
            return
        previous = 0
        try:
            for anchor in read_anchors(path, end=end):
                if anchor.size <= previous:
                    self._faults.add("anchor-order", sequence=anchor.size, subject="anchor")
                    continue
                previous = anchor.size
                yield anchor
        except Tampered as error:
            self._faults.add("anchor-unreadable", sequence=previous, subject=str(error.values["line"]))

    def _walk(self, last: int, *, progress: Progress | None, total: int) -> None:
        while self.walk.sequence < last:
            page = self._page(last)
            if not page:
                self.walk.skip_to(last + 1)
                break
            self._pass(page)
            if progress:
                progress(self.walk.sequence, total)

    def _page(self, last: int) -> Sequence[_Line]:
        query = (
            select(SealRow.sequence, SealRow.entry_number, SealRow.entry_digest, SealRow.chain_digest, EntryRow.body,
                   EntryRow.table_name, EntryRow.row_id)
            .join_from(SealRow, EntryRow, EntryRow.number == SealRow.entry_number, isouter=True)
            .where(SealRow.sequence > self.walk.sequence, SealRow.sequence <= last)
            .order_by(SealRow.sequence)
            .limit(PAGE)
        )  # fmt: skip
        rows = self._session.execute(query).all()
        return cast("Sequence[_Line]", rows)  # the outer join makes the entry's columns optional

    def _pass(self, page: Sequence[_Line]) -> None:
        first_number, walk = self.walk.entry_number, self.walk
        checkpoints = self._checkpoints(walk.sequence, page[-1][0])
        present = 0
        for line in page:
            sequence = line[0]
            if sequence != walk.sequence + 1:
                walk.skip_to(sequence)
            self._step(line)
            present += line[4] is not None
            if sequence in checkpoints:
                self._check(checkpoints.pop(sequence))
        for size in checkpoints:
            self._faults.add("checkpoint-unlike", sequence=size, subject="checkpoint")
        self.entries += len(page)
        self._count_between(first_number, walk.entry_number, present=present)

    def _step(self, line: _Line) -> None:
        sequence, number, entry_digest, chain_digest, body, table, row_id = line
        self.walk.step(None if body is None else body.encode(), entry_digest=entry_digest, chain_digest=chain_digest)
        if body is not None:
            self._check_filing(sequence, body, table=table, row_id=row_id)
        if number <= self.walk.entry_number:
            self._faults.add("order-changed", sequence=sequence)
        else:
            self.walk.entry_number = number

    def _check_filing(self, sequence: int, body: str, *, table: str | None, row_id: str | None) -> None:
        try:
            said = orjson.loads(body)
            filed = said["table"] == table and said["row_id"] == row_id
        except (ValueError, KeyError, TypeError):
            filed = False
        if not filed:
            self._faults.add("entry-misfiled", sequence=sequence)

    def _checkpoints(self, after: int, to: int) -> dict[int, Row[Any]]:
        query = select(CheckpointRow.__table__).where(CheckpointRow.size > after, CheckpointRow.size <= to)
        return {row.size: row for row in self._session.execute(query)}

    def _check(self, row: Row[Any]) -> None:
        try:
            checkpoint = from_row(row)
        except ValidationError:
            self._faults.add("checkpoint-unsigned", sequence=row.size, subject="checkpoint")
            return
        self.walk.check(checkpoint, subject="checkpoint")

    def _count_between(self, after: int, to: int, *, present: int) -> None:
        """See that no entry lies among the sealed ones without a seal of its own."""
        among = (EntryRow.number > after, EntryRow.number <= to)
        count = self._session.scalar(select(func.count()).select_from(EntryRow).where(*among)) or 0
        if count <= present:
            return
        sealed = select(SealRow).where(SealRow.entry_number == EntryRow.number).exists()
        query = select(EntryRow.number).where(*among, ~sealed).order_by(EntryRow.number).limit(100)
        for number in self._session.scalars(query):
            self._faults.add("entry-unsealed", subject=str(number))
