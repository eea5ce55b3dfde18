"""Database failures, said once in our own errors: what happened and what the person can do about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from jingwei.core.errors import Conflict, InputError, JingweiError, Refused, Unavailable
from jingwei.core.folder import file_trouble

_FULL = ("database or disk is full", "no space left")
_LOCKED = ("database is locked", "database table is locked")
_UNREADABLE = ("unable to open database file", "readonly database", "disk i/o error", "permission denied")
_BROKEN = ("file is not a database", "malformed")
_UNREACHABLE = ("connection", "could not translate host name", "server closed", "terminating")
# PostgreSQL's own classes: 53100 disk full, 55P03 lock not available, 40001 / 40P01 serialisation and deadlock.
_BY_STATE = {"53100": "core:store-full", "55P03": "core:store-locked", "53300": "core:store-busy"}
_AGAIN = {"40001", "40P01"}


@contextmanager
def failures_said(place: str) -> Iterator[None]:
    """Turn database and file failures inside into Jingwei's errors.

    Args:
        place: the database, as a person would name it (a path, or host and database; never a password).

    Raises:
        Unavailable: it is full, locked, unreadable, broken or cannot be reached.
        Refused: a ledger row would be changed or deleted.
        Conflict: another writer changed the same row or took the same unique value first.
        InputError: a value does not fit its column.
    """
    try:
        yield
    except StaleDataError as error:
        raise Conflict("core:store-row-changed") from error
    except PoolTimeoutError as error:
        raise Unavailable("core:store-busy", place=place) from error
    except IntegrityError as error:
        if "append-only" in str(error.orig):  # the triggers' own word
            raise Refused("core:ledger-append-only") from error
        raise Conflict("core:store-taken") from error
    except DataError as error:
        raise InputError("core:store-value-unfit") from error
    except DBAPIError as error:
        found = _said(error, place)
        if found is None:
            raise
        raise found from error
    except OSError as error:
        raise file_trouble(error, place) from error


def _said(error: DBAPIError, place: str) -> JingweiError | None:
    state = getattr(error.orig, "sqlstate", None)
    if state in _AGAIN:
        return Conflict("core:store-row-changed")
    if state in _BY_STATE:
        return Unavailable(_BY_STATE[state], place=place)
    written = str(error.orig).lower()
    for marks, code in ((_FULL, "core:store-full"), (_LOCKED, "core:store-locked"),
                        (_UNREADABLE, "core:store-unreadable"), (_BROKEN, "core:store-broken")):  # fmt: skip
        if any(mark in written for mark in marks):
            return Unavailable(code, place=place)
    unreachable = error.connection_invalidated or any(mark in written for mark in _UNREACHABLE)
    if unreachable and not isinstance(error.orig, sqlite3.Error):
        return Unavailable("core:store-unreachable", place=place)
    return None
