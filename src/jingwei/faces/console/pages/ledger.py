"""The ledger: its entries, its verification, its export."""

import tempfile
from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from jingwei.core.ledger import Report
from jingwei.core.text import Both, text
from jingwei.faces.console.caller import Asked, Asking, Caller, shows
from jingwei.faces.console.views.ledger import EntryLine, LedgerView
from jingwei.faces.console.views.parts import Proof
from jingwei.faces.console.wording import PACKAGE
from jingwei.platform import Entry

router = APIRouter()
_PAGE = 50
_CHUNK = 256 * 1024
_MOST_FAULTS = 20
_ACTIONS = frozenset({"insert", "update", "delete", "segment"})
_TABLES = frozenset({
    "account", "role_grant", "api_key", "system", "component", "responsibility_link", "fact", "grade",
    "grade_override", "evidence", "check_run", "policy", "release_request", "release_signature", "token",
})  # fmt: skip
_PAGES = {"system": "/systems/", "evidence": "/evidence/", "check_run": "/jobs/"}


def ledger_view(request: Request, caller: Asking, asked: Asked) -> LedgerView:
    """Show a page of entries, and what a verification finds where one was asked for."""
    book = caller.platform.ledger
    before = asked.filter("before")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None
    subject = asked.filter("subject")
    rows = book.page(before=number, subject=subject or None, limit=_PAGE + 1)
    anchor = book.anchor()
    return LedgerView(
        rows=tuple(_line(entry) for entry in rows[:_PAGE]), subject=subject, entries=book.count(),
        anchored=anchor.size if anchor else 0, root=anchor.root if anchor else "",
        key_id=anchor.signature.key_id if anchor else "",
        anchored_at=datetime.fromisoformat(anchor.at) if anchor else None,
        older=rows[_PAGE - 1].number if len(rows) > _PAGE else None,
        proof=_proof(book.verify()) if request.query_params.get("verify") else None,
    )  # fmt: skip


def _line(entry: Entry) -> EntryLine:
    page = _PAGES.get(entry.table, "")
    return EntryLine(
        number=entry.number, sealed=entry.sequence is not None, at=entry.at, actor=entry.actor_id,
        action=entry.action if entry.action in _ACTIONS else "other",
        table=_table(entry), row_id=entry.row_id, reason=entry.reason,
        changed=", ".join(entry.changed), url=page + entry.row_id if page else "",
    )  # fmt: skip


def _table(entry: Entry) -> str:
    if entry.action == "segment":
        return "event"
    return entry.table if entry.table in _TABLES else "other"


def _proof(report: Report) -> Proof:
    counts = {
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "anchors": report.anchors,
        "rows": report.rows,
    }
    lines: list[tuple[Both, bool]] = [(text(f"{PACKAGE}:proof.ledger.read", **counts), report.holds)]
    if report.unanchored:
        lines.append((text(f"{PACKAGE}:proof.ledger.unanchored", count=report.unanchored), True))
    if report.fault_count:
        lines.append((text(f"{PACKAGE}:proof.ledger.faults", count=report.fault_count), False))
    lines += [(fault.message, False) for fault in report.faults[:_MOST_FAULTS]]
    return Proof(holds=report.holds, lines=tuple(lines))


router.add_api_route("/ledger", shows("ledger.html", ledger_view))


@router.get("/ledger/export.jsonl")
def export(caller: Asking) -> Response:
    """Give the whole ledger as JSON lines that can be verified offline."""
    return StreamingResponse(_exported(caller), media_type="application/jsonl",
                             headers={"Content-Disposition": 'attachment; filename="ledger.jsonl"'})  # fmt: skip


def _exported(caller: Caller) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        caller.platform.ledger.export(file)
        file.seek(0)
        while piece := file.read(_CHUNK):
            yield piece
