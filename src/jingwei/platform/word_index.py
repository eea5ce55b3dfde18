"""The index of a lexicon: which word has been in it from which version to which, in a file beside the blobs.

It is a cache of this host: made from the changes' blobs, caught up when there are newer ones, thrown away and made anew
where it says something else than they do. A million words are read and compared in it without being held in memory.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.errors import Tampered
from jingwei.core.store.failure import failures_said
from jingwei.detect.lexicon import folded_word
from jingwei.detect.normalize import fold
from jingwei.manage import LexiconVersion

Opening = Callable[[str], AbstractContextManager[BinaryIO]]
ADDED, REMOVED = "+", "-"
FORMAT = "jingwei-words-1"
_LONGEST_LINE = 4096
_SCHEMA = """
CREATE TABLE IF NOT EXISTS applied (number INTEGER PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS word (
  folded TEXT NOT NULL, number INTEGER NOT NULL, removed INTEGER, word TEXT NOT NULL, topic TEXT NOT NULL,
  PRIMARY KEY (folded, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS word_removed ON word (removed) WHERE removed IS NOT NULL;
CREATE TABLE IF NOT EXISTS base (
  one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, digest TEXT NOT NULL);
"""


def held_at(number: int, table: str = "word") -> str:
    """Return the condition of a word being in the list at a version.

    An index may know later versions, even one whose unit of work was rolled back: every query says which it means.
    """
    return f"({table}.number <= {number:d} AND ({table}.removed IS NULL OR {table}.removed > {number:d}))"


class WordEntry(BaseModel):
    """One word of a lexicon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    word: str
    topic: str
    number: int
    """Version that added it."""


class Spell(BaseModel):
    """A time that a word was in a lexicon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    word: str
    topic: str
    number: int
    removed: int | None
    """Version that removed it, or gave it another topic."""


class Line(NamedTuple):
    """One line of a change."""

    sign: str
    word: str
    topic: str


class WordIndex:
    """The words of one lexicon, at every version.

    Args:
        path: its file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0
        """The version that its reader means."""

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file, made where there is none."""
        with failures_said(str(self.path)):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=OFF")  # a cache: what a power cut spoils is made anew
                connection.execute("PRAGMA cache_size=-32768")
                connection.executescript(_SCHEMA)
                yield connection

    def catch_up(self, versions: Sequence[LexiconVersion], opening: Opening, *, exactly: bool = False) -> None:
        """Take in the versions that are missing.

        Args:
            versions: all versions, oldest first.
            opening: opens a blob by its digest.
            exactly: whether the index may know no more than these.

        Raises:
            Tampered: a change's blob is not a change of this lexicon.
        """
        self.now = len(versions)
        with self.opened() as connection:
            if _fits(connection, versions, exactly=exactly) and _newest(connection) >= len(versions):
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not _fits(connection, versions, exactly=exactly):
                    connection.execute("DELETE FROM word")
                    connection.execute("DELETE FROM applied")
                    connection.execute("DELETE FROM base")
                for version in versions[_newest(connection) :]:
                    with opening(version.words_digest) as blob:
                        _apply(connection, version.number, read_change(blob))
                    connection.execute("INSERT INTO applied VALUES (?, ?)", (version.number, version.words_digest))
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def number(self) -> int:
        """Return the newest version it knows."""
        with self.opened() as connection:
            return _newest(connection)


def read_change(blob: BinaryIO) -> Iterator[Line]:
    """Give the lines of a change's blob.

    Raises:
        Tampered: it is no such blob.
    """
    read_head(blob)
    while raw := blob.readline(_LONGEST_LINE):
        parts = raw.decode("utf-8", errors="replace").rstrip("\n").split("\t")
        if len(parts) != 3 or parts[0] not in {ADDED, REMOVED} or not parts[1]:
            raise Tampered("platform:lexicon-blob")
        yield Line(*parts)


def read_head(blob: BinaryIO) -> dict[str, object]:
    """Read the first line of a change's blob: which lexicon, since which version, after which change.

    Raises:
        Tampered: it is no such blob.
    """
    sign, _, rest = blob.readline(_LONGEST_LINE).partition(b"\t")
    try:
        head = json.loads(rest)
    except ValueError as error:
        raise Tampered("platform:lexicon-blob") from error
    if sign != b"#" or not isinstance(head, dict) or head.get("format") != FORMAT:
        raise Tampered("platform:lexicon-blob")
    return head


def _fits(connection: sqlite3.Connection, versions: Sequence[LexiconVersion], *, exactly: bool) -> bool:
    """Tell whether what was taken in is the beginning of these versions, or they the beginning of it."""
    known = _newest(connection)
    common = min(known, len(versions))
    if exactly and known > len(versions):
        return False
    if common == 0:
        return known == 0 or not exactly
    row = connection.execute("SELECT digest FROM applied WHERE number = ?", (common,)).fetchone()
    return row is not None and row[0] == versions[common - 1].words_digest


def _newest(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("SELECT coalesce(max(number), 0) FROM applied").fetchone()[0]
    return number


def _apply(connection: sqlite3.Connection, number: int, lines: Iterable[Line]) -> None:
    """Write one version's changes, a batch at a time."""
    rest = iter(lines)
    while batch := list(islice(rest, 5_000)):
        folded = fold("\n".join(line.word for line in batch)).folded.split("\n")
        if len(folded) != len(batch):
            folded = [folded_word(line.word, field="word") for line in batch]
        _write(connection, [(number, " ".join(one.split()), *line) for one, line in zip(folded, batch, strict=True)])


def _write(connection: sqlite3.Connection, batch: Sequence[tuple[int, str, str, str, str]]) -> None:
    """Write rows of number, folded word, sign, word and topic."""
    connection.executemany(
        "UPDATE word SET removed = ?1 WHERE folded = ?2 AND removed IS NULL AND number < ?1",
        [(number, folded) for number, folded, _, _, _ in batch],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO word (folded, number, removed, word, topic) VALUES (?, ?, NULL, ?, ?)",
        [(folded, number, word, topic) for number, folded, sign, word, topic in batch if sign == ADDED],
    )
