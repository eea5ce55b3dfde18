"""Completeness: the rows and the ledger tell the same story.

For every governed table: each row's digest is the one in its newest entry, no row lacks an entry, and no row whose
newest entry says it lives is gone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import RowMapping, Table, func, select
from sqlalchemy.orm import Session

from jingwei.core.ledger.walk import Faults
from jingwei.core.store.row import answered_columns, governed_tables, row_digest
from jingwei.core.store.tables import EntryRow

PAGE = 2000
"""Rows read at once."""


class _Newest(NamedTuple):
    action: object
    digest: object


def reconcile(session: Session, faults: Faults) -> int:
    """Hold every governed row against its newest entry.

    Returns:
        How many rows there are.
    """
    return sum(_reconcile_table(session, table, faults) for table in governed_tables().values())


def _reconcile_table(session: Session, table: Table, faults: Faults) -> int:
    after, count = "", 0
    while True:
        rows = _rows(session, table, after)
        whole = len(rows) < PAGE
        newest = _newest(session, table, after, None if whole else rows[-1]["id"])
        for row in rows:
            _compare(table, row, newest.pop(row["id"], None), faults)
        for row_id, entry in newest.items():
            if entry.action != "delete":
                faults.add("row-missing", subject=f"{table.name}/{row_id}")
        count += len(rows)
        if whole:
            return count
        after = rows[-1]["id"]


def _compare(table: Table, row: RowMapping, entry: _Newest | None, faults: Faults) -> None:
    subject = f"{table.name}/{row['id']}"
    if entry is None:
        faults.add("row-unentered", subject=subject)
        return
    try:
        same = entry.action != "delete" and row_digest(table, row) == entry.digest
    except (ValueError, TypeError, AttributeError):  # the row holds what no unit of work could have written
        same = False
    if not same:
        faults.add("row-edited", subject=subject)


def _rows(session: Session, table: Table, after: str) -> Sequence[RowMapping]:
    query = select(*answered_columns(table)).where(table.c.id > after).order_by(table.c.id).limit(PAGE)
    return session.execute(query).mappings().all()


def _newest(session: Session, table: Table, after: str, to: Any | None) -> dict[str, _Newest]:  # Any: a row's id
    among = [EntryRow.table_name == table.name, EntryRow.row_id > after]
    if to is not None:
        among.append(EntryRow.row_id <= to)
    numbers = select(func.max(EntryRow.number)).where(*among).group_by(EntryRow.row_id)
    query = select(EntryRow.row_id, EntryRow.body).where(EntryRow.number.in_(numbers))
    return {row_id: _read(body) for row_id, body in session.execute(query)}


def _read(body: str) -> _Newest:
    try:
        said = orjson.loads(body)
        return _Newest(said.get("action"), said.get("row_digest"))
    except (ValueError, AttributeError):
        return _Newest("", "")
