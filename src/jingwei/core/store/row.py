"""What the ledger answers for in a row: its columns without personal data, as canonical JSON, hashed.

The same digest is computed when a row is written and when it is verified, so a value is first brought to the form
the database gives back: a tuple inside JSON is a list, an enum is its text, a time has microseconds in UTC.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, Table

from jingwei.core.canonical import digest
from jingwei.core.clock import stamp
from jingwei.core.store.tables import Base, Governed, Moment


@lru_cache
def governed_tables() -> dict[str, Table]:
    """Return every governed table by name."""
    found = {}
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Governed) and isinstance(mapper.local_table, Table):
            found[mapper.local_table.name] = mapper.local_table
    return dict(sorted(found.items()))


@lru_cache(maxsize=256)
def answered_columns(table: Table) -> tuple[Column[Any], ...]:
    """Return the columns of a table that its row digest covers: all but the personal ones."""
    return tuple(column for column in table.columns if not column.info.get("personal"))


def row_digest(table: Table, values: Mapping[Any, Any]) -> str:
    """Return the digest of one row, given its values by column name."""
    return digest({column.name: _plain(column, values[column.name]) for column in answered_columns(table)})


def _plain(column: Column[Any], value: Any) -> Any:  # Any: whatever a column holds
    if value is None:
        return None
    for kind, plain in _PLAIN:
        if isinstance(column.type, kind):
            return plain(value)
    return str(value)


_PLAIN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Moment, stamp),
    (JSON, lambda value: json.loads(json.dumps(value))),
    (Boolean, bool),
    (Integer, int),
    (Float, float),
)
