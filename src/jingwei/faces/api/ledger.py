"""The ledger: its entries, its verification, its export."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from jingwei.core.ledger import Checkpoint, Report
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.paging import PAGE, Limit
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import line, said
from jingwei.platform import Entry

router = APIRouter(prefix="/ledger", tags=["ledger"], route_class=KeyedRoute, responses=refusals())

_PIECE = 256 * 1024
_LINES = "application/jsonl"


class EntryShown(BaseModel):
    """One entry: ids only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    @classmethod
    def of(cls, entry: Entry) -> "EntryShown":
        """Show an entry."""
        return cls(**entry._asdict())


class Entries(BaseModel):
    """Some entries, newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[EntryShown, ...]
    total: int
    next_before: int | None
    """What to give as `before` for the next page; none on the last."""


class LedgerReport(BaseModel):
    """What a verification found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holds: bool
    report: Report


Before = Annotated[int | None, Query(ge=1, le=2**53, description=line("faces.api:before"))]
Subject = Annotated[str | None, Query(max_length=120, description=line("faces.api:subject"))]


@router.get("/entries", **said("faces.api:list-entries"))
def list_entries(caller: Asking, before: Before = None, subject: Subject = None, limit: Limit = PAGE) -> Entries:
    """List entries, newest first."""
    book = caller.platform.ledger
    found = book.page(before=before, subject=subject, limit=limit)
    return Entries(items=tuple(EntryShown.of(each) for each in found), total=book.count(),
                   next_before=found[-1].number if len(found) == limit else None)  # fmt: skip


@router.get("/verification", **said("faces.api:verify-ledger"))
def verify_ledger(caller: Asking) -> LedgerReport:
    """Verify order, signatures, anchors and completeness."""
    report = caller.platform.ledger.verify()
    return LedgerReport(holds=report.holds, report=report)


@router.get("/anchor", **said("faces.api:show-anchor"))
def show_anchor(caller: Asking) -> Checkpoint | None:
    """Show the last checkpoint written outside the database; null before the first."""
    return caller.platform.ledger.anchor()


@router.get(
    "/export",
    response_class=StreamingResponse,
    **said("faces.api:export-ledger") | {"responses": {200: {"content": {_LINES: {"schema": {"type": "string"}}}}}},
)
def export_ledger(caller: Asking) -> StreamingResponse:
    """Export the ledger as JSON lines that anyone can verify offline.

    It is written to a nameless file first: a slow reader then holds a file open, not a view of the database.
    """
    file = tempfile.TemporaryFile(dir=caller.platform.settings.home)  # noqa: SIM115 - closed when it has been sent
    try:
        caller.platform.ledger.export(file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    headers = {"Content-Disposition": 'attachment; filename="jingwei-ledger.jsonl"'}
    return StreamingResponse(_pieces(file), media_type=_LINES, headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
