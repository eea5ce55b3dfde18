"""The ledger as one file that anyone can verify offline with the public key.

JSON lines: a head, then entries and checkpoints in the order of the chain. The last line is a checkpoint, so the file
cannot lose its end unnoticed.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jingwei.core.canonical import canonical
from jingwei.core.errors import InputError
from jingwei.core.ledger.model import Checkpoint, Mark, Report, link
from jingwei.core.ledger.sealing import from_row
from jingwei.core.ledger.walk import Faults, Walk
from jingwei.core.signing import Verifier, encode
from jingwei.core.store import Store
from jingwei.core.store.failure import failures_said
from jingwei.core.store.tables import CheckpointRow, EntryRow, SealRow

LONGEST_LINE = 1024 * 1024
"""No entry is as long as this; a longer line is refused before it fills memory."""

PAGE = 5000


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["head"] = "head"
    format: Literal["jingwei-ledger-1"] = "jingwei-ledger-1"
    public_key: str
    """For information; verify with a key you got elsewhere."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["entry"] = "entry"
    sequence: int
    body: str


class _Signed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["checkpoint"] = "checkpoint"
    checkpoint: Checkpoint


_line: TypeAdapter[_Head | _Entry | _Signed] = TypeAdapter(
    Annotated[_Head | _Entry | _Signed, Field(discriminator="kind")]
)


def export(store: Store, out: BinaryIO) -> int:
    """Write the ledger up to its newest checkpoint.

    Returns:
        How many entries were written.

    Raises:
        Unavailable: the database cannot be read, or the file's disk is full.
    """
    with store.reading() as session:
        size = session.scalar(select(func.max(CheckpointRow.size))) or 0
        out.writelines(canonical(line) + b"\n" for line in _lines(store, session, size))
        return size


def verify_export(path: Path, *, verifier: Verifier) -> Report:
    """Verify an exported ledger without any database.

    Raises:
        InputError: the file is not an exported ledger.
        Unavailable: it cannot be read.
    """
    faults = Faults()
    walk = Walk(Mark(), verifier=verifier, faults=faults)
    signed = 0
    with failures_said(str(path)), path.open("rb") as file:
        for line in _parsed(file, path):
            match line:
                case _Entry():
                    _step(walk, line, faults)
                case _Signed():
                    signed = line.checkpoint.size
                    _check(walk, line.checkpoint, faults)
                case _:
                    raise InputError("core:ledger-not-an-export", place=str(path))
    if signed != walk.sequence:
        faults.add("export-cut", sequence=signed + 1, last=walk.sequence)
    return Report(entries=walk.sequence, checkpoints=walk.checkpoints, anchors=0, rows=0, unsealed=0, unanchored=0,
                  faults=tuple(faults.told), fault_count=faults.count, finished=True, mark=walk.mark())  # fmt: skip


def _step(walk: Walk, entry: _Entry, faults: Faults) -> None:
    body = entry.body.encode()
    digest = sha256(body)
    if entry.sequence != walk.sequence + 1:
        faults.add("order-changed", sequence=walk.sequence + 1)
    walk.step(body, entry_digest=digest.hexdigest(), chain_digest=link(walk.chain, digest.digest()).hex())


def _check(walk: Walk, checkpoint: Checkpoint, faults: Faults) -> None:
    if checkpoint.size != walk.sequence:
        faults.add("checkpoint-unlike", sequence=checkpoint.size, subject="checkpoint")
        return
    walk.check(checkpoint, subject="checkpoint")


def _parsed(file: BinaryIO, path: Path) -> Iterator[_Head | _Entry | _Signed]:
    first = True
    while raw := file.readline(LONGEST_LINE):
        try:
            line = _line.validate_json(raw)
        except ValidationError as error:
            raise InputError("core:ledger-not-an-export", place=str(path)) from error
        if first and not isinstance(line, _Head):
            raise InputError("core:ledger-not-an-export", place=str(path))
        if not first:
            yield line
        first = False
    if first:
        raise InputError("core:ledger-not-an-export", place=str(path))


def _lines(store: Store, session: Session, size: int) -> Iterator[BaseModel]:
    yield _Head(public_key=encode(store.signer.verifier.public))
    after = 0
    while after < size:
        query = (
            select(SealRow.sequence, EntryRow.body)
            .join_from(SealRow, EntryRow, EntryRow.number == SealRow.entry_number)
            .where(SealRow.sequence > after, SealRow.sequence <= size)
        )
        entries = session.execute(query.order_by(SealRow.sequence).limit(PAGE)).all()
        if not entries:
            return
        to = entries[-1].sequence
        signed = select(CheckpointRow.__table__).where(CheckpointRow.size > after, CheckpointRow.size <= to)
        checkpoints = {row.size: from_row(row) for row in session.execute(signed)}
        for sequence, body in entries:
            yield _Entry(sequence=sequence, body=body)
            if sequence in checkpoints:
                yield _Signed(checkpoint=checkpoints[sequence])
        after = to
