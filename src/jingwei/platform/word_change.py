"""Working out a change of a lexicon: what is wanted against what is there, written as a blob, a row at a time.

Only what really changes is written: a word that is there already with the same topic is none. The wanted words lie in a
database of their own on disk meanwhile, so a list of a million words takes no more memory than one of ten.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from jingwei.core.blobs import Blobs
from jingwei.core.canonical import canonical
from jingwei.core.errors import InputError
from jingwei.detect.lexicon import LONGEST_WORD, folded_word
from jingwei.detect.normalize import fold
from jingwei.platform.word_file import Row, clean_topic, clean_word
from jingwei.platform.word_index import ADDED, FORMAT, REMOVED, held_at

_CLOSED_FULL = 10
"""Problems after which a file is read no further."""
_BATCH = 5_000

_ADDS = """
FROM wanted LEFT JOIN held.word AS word ON word.folded = wanted.folded AND {held}
WHERE wanted.sign = '+' AND (word.folded IS NULL OR word.topic <> wanted.topic)
"""
_REMOVES = """
FROM held.word AS word JOIN wanted ON word.folded = wanted.folded
WHERE {held} AND wanted.sign = '-'
"""
_REPLACED = """
FROM held.word AS word LEFT JOIN wanted ON word.folded = wanted.folded
WHERE {held} AND (wanted.folded IS NULL OR wanted.sign = '-')
"""


class Worked(NamedTuple):
    """A change that was worked out."""

    digest: str
    added: int
    removed: int
    same: int
    """Words that were wanted and are there already."""
    since: int


class WantedWords:
    """The words of one change while it is worked out; on disk, and gone at the end."""

    def __init__(self, index: Path) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA cache_size=-32768")
        self._connection.execute("PRAGMA journal_mode=OFF")
        self._connection.execute(
            "CREATE TABLE wanted (folded TEXT PRIMARY KEY, word TEXT NOT NULL, topic TEXT NOT NULL, sign TEXT NOT NULL)"
            " WITHOUT ROWID"
        )
        self._connection.execute("ATTACH DATABASE ? AS held", (str(index),))
        self._connection.execute("BEGIN")  # one transaction: a million small ones take minutes

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()

    def take(self, rows: Iterable[Row], *, sign: str, topic: str = "", where: str = "row") -> int:
        """Take words in; return how many rows there were.

        Args:
            rows: the words.
            sign: whether they are to be added or removed.
            topic: of those that name none.
            where: what a problem calls its place.

        Raises:
            InputError: rows are wrong; the first is named, and how many there are.
        """
        problems: list[InputError] = []
        count = 0
        for batch in self._checked(rows, sign, topic, problems, where=where):
            self._connection.executemany("INSERT OR REPLACE INTO wanted VALUES (?, ?, ?, ?)", batch)
            count += len(batch)
        if problems:
            raise _together(problems)
        return count

    def worked(self, blobs: Blobs, *, lexicon: str, since: int, previous: str, replace: bool = False) -> Worked:
        """Compare with what is there and write the change as a blob.

        Args:
            blobs: where to.
            lexicon: whose change it is.
            since: the version it is worked out against.
            previous: the blob of that version.
            replace: whether every word that is not wanted is removed.
        """
        held = held_at(since)
        adds, removes = _ADDS.format(held=held), (_REPLACED if replace else _REMOVES).format(held=held)
        added, removed = self._count(adds), self._count(removes)
        wanted: int = self._connection.execute("SELECT count(*) FROM wanted").fetchone()[0]
        head = {"format": FORMAT, "lexicon": lexicon, "since": since, "previous": previous, "added": added,
                "removed": removed}  # fmt: skip
        with closing(self._connection.cursor()) as cursor:
            blob = blobs.put(cast("BinaryIO", _Pieces(self._lines(cursor, head, adds, removes))))  # put only reads
        return Worked(blob.sha256, added, removed, wanted - added - (0 if replace else removed), since)

    def _count(self, query: str) -> int:
        found: int = self._connection.execute(f"SELECT count(*) {query}").fetchone()[0]
        return found

    @staticmethod
    def _lines(cursor: sqlite3.Cursor, head: dict[str, object], adds: str, removes: str) -> Iterator[bytes]:
        yield b"#\t" + canonical(head) + b"\n"
        for sign, columns, query in ((REMOVED, "word.word, ''", removes), (ADDED, "wanted.word, wanted.topic", adds)):
            for word, topic in cursor.execute(f"SELECT {columns} {query} ORDER BY 1"):
                yield f"{sign}\t{word}\t{topic}\n".encode()

    @staticmethod
    def _checked(rows: Iterable[Row], sign: str, topic: str, problems: list[InputError], *,
                 where: str) -> Iterator[list[tuple[str, str, str, str]]]:  # fmt: skip
        """Give batches of rows that are right; note those that are not."""
        usual = clean_topic(topic)
        known = {"": usual}
        for batch in _batched(rows):
            right: list[tuple[str, str, str, str]] = []
            for row, folded in zip(batch, _folded(batch), strict=True):
                try:
                    if row.topic not in known:
                        known[row.topic] = clean_topic(row.topic) or usual
                    word = clean_word(row.word)
                    right.append((folded or folded_word(word, field="word"), word, known[row.topic], sign))
                except InputError as error:
                    problems.append(_at(error, row.number, where))
                    if len(problems) >= _CLOSED_FULL:
                        return
            yield right


def _folded(batch: list[Row]) -> list[str]:
    """Fold many words in one pass; empty for each that must be looked at by itself."""
    lines = fold("\n".join(row.word for row in batch)).folded.split("\n")
    if len(lines) != len(batch):
        return [""] * len(batch)
    folded = (" ".join(line.split()) for line in lines)
    return [each if len(each) <= LONGEST_WORD else "" for each in folded]


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _at(error: InputError, number: int, where: str) -> InputError:
    if where != "row":
        return error
    return InputError("platform:words-row", field=f"row {number}, {error.field}", row=number, column=error.field,
                      why=error.message)  # fmt: skip


def _together(problems: list[InputError]) -> InputError:
    first, *others = problems
    if not others:
        return first
    return InputError("platform:words-rows", field=first.field, why=first.message, count=len(others))


class _Pieces:
    """Lines as a file that is read to its end."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def read(self, size: int = -1) -> bytes:
        """Return some whole lines; empty at the end."""
        pieces, held = [], 0
        for line in self._lines:
            pieces.append(line)
            held += len(line)
            if 0 < size <= held:
                break
        return b"".join(pieces)
