"""The store of advisories: one SQLite file, opened read-only, replaced whole.

A row holds everything known of one package, compressed, so that looking a package up is one read. The file says where
it is from and of what day; who reads it says so too, in every result.
"""

import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import orjson

from jingwei.core.errors import InputError
from jingwei.deploy.advisories.advisory import Advisory, packed, unpacked

_FORMAT = "1"
_LARGEST_ROW = 64 * 1024 * 1024
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (name TEXT NOT NULL, ecosystem TEXT NOT NULL, day TEXT NOT NULL, advisories INTEGER NOT NULL,
                     licence TEXT NOT NULL, PRIMARY KEY (name, ecosystem)) WITHOUT ROWID;
CREATE TABLE package (ecosystem TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
                      PRIMARY KEY (ecosystem, name)) WITHOUT ROWID;
CREATE TABLE signal (id TEXT PRIMARY KEY, exploited INTEGER NOT NULL, likelihood REAL) WITHOUT ROWID;
"""


class SourceOf(NamedTuple):
    """Where advisories of one ecosystem come from, and of what day they are."""

    name: str
    ecosystem: str
    day: str
    """Of the newest advisory, or of the collection; ISO."""
    advisories: int
    licence: str


class Store:
    """One compiled file of advisories."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True,
                                               check_same_thread=False)  # fmt: skip
            about = dict(self._connection.execute("SELECT name, value FROM about"))
            sources = self._connection.execute("SELECT name, ecosystem, day, advisories, licence FROM source")
            self.sources = tuple(SourceOf(*row) for row in sources)
            self._names = frozenset(self._connection.execute("SELECT ecosystem, name FROM package"))
        except sqlite3.Error as error:
            raise InputError("deploy.advisories:bad-store", field="store", path=str(path)) from error
        if about.get("format") != _FORMAT:
            raise InputError("deploy.advisories:bad-store", field="store", path=str(path))
        self.about = about
        self.packages = lru_cache(maxsize=50_000)(self._packages)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def of(self, ecosystem: str, name: str) -> tuple[Advisory, ...]:
        """Return every advisory about a package, withdrawn ones too."""
        return self.packages(ecosystem, name) if (ecosystem, name) in self._names else ()

    def has(self, ecosystem: str, name: str) -> bool:
        """Tell whether there is any advisory about a package."""
        return (ecosystem, name) in self._names

    def _packages(self, ecosystem: str, name: str) -> tuple[Advisory, ...]:
        try:
            row = self._connection.execute(
                "SELECT body FROM package WHERE ecosystem = ? AND name = ?", (ecosystem, name)
            ).fetchone()
        except sqlite3.Error as error:
            raise InputError("deploy.advisories:bad-store", field="store", path=str(self.path)) from error
        return tuple(self._signalled(each) for each in _read(row[0], ecosystem, name)) if row else ()

    def _signalled(self, advisory: Advisory) -> Advisory:
        for each in sorted(advisory.ids):
            row = self._connection.execute("SELECT exploited, likelihood FROM signal WHERE id = ?", (each,)).fetchone()
            if row:
                return replace(advisory, exploited=advisory.exploited or bool(row[0]),
                               likelihood=row[1] if row[1] is not None else advisory.likelihood)  # fmt: skip
        return advisory

    def everything(self) -> Iterator[Advisory]:
        """Give every advisory, package after package."""
        for ecosystem, name, body in self._connection.execute("SELECT ecosystem, name, body FROM package"):
            yield from _read(body, ecosystem, name)


def _read(body: bytes, ecosystem: str, name: str) -> Iterator[Advisory]:
    inflate = zlib.decompressobj()
    for plain in orjson.loads(inflate.decompress(body, _LARGEST_ROW)):
        yield unpacked(plain, ecosystem, name)


@lru_cache(maxsize=1)
def shipped_store() -> Store:
    """Return the advisories that come with Jingwei."""
    with as_file(files("jingwei.deploy.advisories").joinpath("advisories.sqlite")) as path:
        return Store(path)


def write_store(path: Path, advisories: Iterable[Advisory], *, sources: Sequence[SourceOf], made: str,
                signals: Iterable[tuple[str, bool, float | None]] = (),
                about: dict[str, str] | None = None) -> None:  # fmt: skip
    """Write a store beside the old one and put it in its place in one step: whoever reads sees the old or the new.

    Args:
        path: of the file.
        advisories: in any order, no more than memory holds.
        sources: where they come from.
        made: when, ISO.
        signals: ids of flaws with whether they are exploited and how likely that is.
        about: more to keep with it.

    Raises:
        OSError: the folder cannot be written.
    """
    grouped: dict[tuple[str, str], dict[str, tuple[str, bytes]]] = {}
    for advisory in advisories:
        known = grouped.setdefault((advisory.ecosystem, advisory.package), {})
        before = known.get(advisory.id)
        if before is None or advisory.modified >= before[0]:
            known[advisory.id] = (advisory.modified, orjson.dumps(packed(advisory)))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(beside)) as connection, connection:
            connection.executescript(_SCHEMA)
            told = {"format": _FORMAT, "made": made, **(about or {})}
            connection.executemany("INSERT INTO about VALUES (?, ?)", sorted(told.items()))
            connection.executemany("INSERT INTO source VALUES (?, ?, ?, ?, ?)", sorted(sources))
            rows = ((*place, _body(known)) for place, known in sorted(grouped.items()))
            connection.executemany("INSERT INTO package VALUES (?, ?, ?)", rows)
            connection.executemany("INSERT OR REPLACE INTO signal VALUES (?, ?, ?)", signals)
            connection.commit()
            connection.execute("VACUUM")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _body(known: dict[str, tuple[str, bytes]]) -> bytes:
    return zlib.compress(b"[" + b",".join(known[each][1] for each in sorted(known)) + b"]", 9)
