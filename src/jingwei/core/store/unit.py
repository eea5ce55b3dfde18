"""The unit of work: every change of a governed row and its ledger entry, in one transaction.

    before flush   note which governed rows are new, changed or deleted, and which columns changed
    after flush    hash each row as it was written and draft its entry
    before commit  write all drafted entries, and commit

The entries are written last: on PostgreSQL a trigger takes the shared lock that keeps entry numbers in commit order,
and so it is held for the length of a commit and not of a unit. Nothing reaches a governed table past this flow:
statements that do not come from a flush are refused on the connection itself, whatever door they came through.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Delete, Insert, Table, TextClause, Update, event, insert, inspect
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.unitofwork import UOWTransaction

from jingwei.core.canonical import Json, canonical
from jingwei.core.clock import Clock, stamp
from jingwei.core.errors import Refused
from jingwei.core.store.row import governed_tables, row_digest
from jingwei.core.store.tables import EntryRow, Governed

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/*-]{0,119}")

_HARMLESS = re.compile(r"\s*(SELECT|PRAGMA|EXPLAIN|BEGIN)\b", re.IGNORECASE)
"""How a statement given as text may begin; what it changes could not be seen."""


class _Change(NamedTuple):
    row: Governed
    action: str
    changed: list[str]


@dataclass(slots=True)
class Unit:
    """What one unit of work has to enter in the ledger, and who does it why."""

    actor_id: str
    reason: str
    clock: Clock
    entries: list[dict[str, str]] = field(default_factory=list)
    noted: list[_Change] = field(default_factory=list)
    flushing: bool = False
    marks: dict[SessionTransaction, int] = field(default_factory=dict)
    """How many entries there were when each savepoint began."""

    def __post_init__(self) -> None:
        for name in ("actor_id", "reason"):
            if not _KEY.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} is a key of ASCII letters, digits and :._/*- , not a text")

    def enter(self, *, action: str, table: str, row_id: str, details: dict[str, Json]) -> None:
        """Draft one entry; it is written when the unit commits."""
        body = {"at": stamp(self.clock()), "actor_id": self.actor_id, "action": action, "table": table,
                "row_id": row_id, "reason": self.reason, **details}  # fmt: skip
        self.entries.append({"table_name": table, "row_id": row_id, "body": canonical(body).decode()})


def unit_of(session: Session) -> Unit:
    """Return the unit that a session belongs to.

    Raises:
        Refused: the session only reads.
    """
    unit = session.info.get("unit")
    if not isinstance(unit, Unit):
        raise Refused("core:store-reading-only")
    return unit


def append_entry(session: Session, action: str, *, subject: str, body: dict[str, Json]) -> None:
    """Enter something that is not a governed row: the Merkle root of an event segment, a key in use.

    Args:
        session: the unit's session.
        action: what happened, a key such as `segment`.
        subject: what it happened to, an id.
        body: ids, digests and counts; no names and no personal data.
    """
    unit_of(session).enter(action=action, table="", row_id=subject, details={"body": body})


class UnitSession(Session):
    """A session whose governed changes are entered in the ledger."""


def open_session(connection: Connection, unit: Unit) -> UnitSession:
    """Return a session whose governed changes are entered in the ledger by `unit`."""
    connection.execution_options(jingwei_unit=unit)
    return UnitSession(connection, info={"unit": unit}, join_transaction_mode="rollback_only")


def finish(session: Session) -> None:
    """Flush, and write the drafted entries; the caller commits."""
    session.flush()
    unit = unit_of(session)
    if not unit.entries:
        return
    session.connection().execute(_ENTRY, unit.entries)
    unit.entries.clear()


_ENTRY = insert(EntryRow).inline()


def _note(session: Session, _context: UOWTransaction, _objects: object) -> None:
    unit = unit_of(session)
    unit.flushing = True
    unit.noted = [
        *(_Change(row, "insert", []) for row in _governed(session.new)),
        *(_Change(row, "update", changed) for row in _governed(session.dirty) if (changed := _changed(row))),
        *(_Change(row, "delete", []) for row in _governed(session.deleted)),
    ]


def _governed(rows: Iterable[object]) -> list[Governed]:
    return [row for row in rows if isinstance(row, Governed)]


def _changed(row: Governed) -> list[str]:
    state = inspect(row)
    return sorted(
        attribute.key for attribute in state.mapper.column_attrs if state.attrs[attribute.key].history.has_changes()
    )


def _draft(session: Session, _context: UOWTransaction) -> None:
    unit = unit_of(session)
    for change in unit.noted:
        table = change.row.__table__
        assert isinstance(table, Table)  # noqa: S101 - tells mypy what every Governed class has
        values = {column.name: getattr(change.row, column.name) for column in table.columns}
        unit.enter(
            action=change.action,
            table=table.name,
            row_id=change.row.id,
            details={
                "row_version": change.row.version,
                "row_digest": row_digest(table, values),
                "changed": list(change.changed),
            },
        )
    unit.noted = []
    unit.flushing = False


def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        unit = unit_of(session)
        unit.marks[transaction] = len(unit.entries)


def _forget(session: Session, transaction: SessionTransaction) -> None:
    unit = unit_of(session)
    unit.flushing = False
    unit.noted = []
    if transaction in unit.marks:
        del unit.entries[unit.marks.pop(transaction) :]


for _name, _listener in (
    ("before_flush", _note),
    ("after_flush", _draft),
    ("after_transaction_create", _mark),
    ("after_soft_rollback", _forget),
):
    event.listen(UnitSession, _name, _listener)


def refuse_unledgered(connection: Connection, _cursor: object, sql: str, _values: object, context: Any,
                      _many: object) -> None:  # fmt: skip
    """Refuse a statement that would change governed rows past the flow above. A listener of `before_cursor_execute`."""
    held = connection.get_execution_options()
    unit = held.get("jingwei_unit")
    if unit is None and not held.get("jingwei_reading"):
        return
    statement = context.compiled.statement if context.compiled is not None else None
    if statement is None or isinstance(statement, TextClause):
        if not _HARMLESS.match(sql):
            raise Refused("core:store-unledgered", table="SQL")
        return
    if not isinstance(statement, Insert | Update | Delete):
        return
    if unit is None:
        raise Refused("core:store-reading-only")
    name = str(getattr(statement.table, "name", statement.table))
    if name in governed_tables() and not unit.flushing:
        raise Refused("core:store-unledgered", table=name)
