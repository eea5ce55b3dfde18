"""The knowledge base: paragraphs, their meaning and their lists, in one SQLite file.

A question is compared only with the paragraphs that its asker may see: the filter lies inside the search, so nothing
hidden is ranked, counted or cut off by it, and nobody gets fewer answers because others' paragraphs came first (a
search that filters afterwards finds 1 % of what a person with narrow rights may see). The lists are read in the same
transaction as the texts: a right that was taken away is gone with the next question.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Self

from pydantic import BaseModel, ConfigDict

from jingwei.core.errors import InputError, NotFound, Unavailable
from jingwei.core.folder import keep_private
from jingwei.core.ids import new_id
from jingwei.detect import fold
from jingwei.detect.embedding import embed
from jingwei.operate.access.acl import Acl, Asker
from jingwei.operate.access.index import Index, read_index
from jingwei.operate.access.paragraphs import Section, paragraphs
from jingwei.operate.access.screen import shingles

MOST_PASSAGES = 50
LONGEST_QUESTION = 4_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS base (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS acl (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS document (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, source TEXT NOT NULL UNIQUE, acl INTEGER NOT NULL REFERENCES acl(id));
CREATE TABLE IF NOT EXISTS paragraph (
    id INTEGER PRIMARY KEY, document TEXT NOT NULL REFERENCES document(id), number INTEGER NOT NULL,
    heading TEXT NOT NULL, text TEXT NOT NULL, acl INTEGER REFERENCES acl(id), vector BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS paragraph_document ON paragraph (document);
CREATE TABLE IF NOT EXISTS shingle (
    hash INTEGER NOT NULL, paragraph INTEGER NOT NULL, PRIMARY KEY (hash, paragraph)) WITHOUT ROWID;
"""


class Passage(BaseModel):
    """A paragraph that the asker may see."""

    model_config = ConfigDict(frozen=True)

    id: int
    document_id: str
    title: str
    heading: str
    text: str
    nearness: float
    """Cosine to the question."""


class Document(BaseModel):
    """One document and whom it is for."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    source: str
    acl: Acl
    paragraphs: int
    narrowed: int
    """Paragraphs with a list of their own."""


class KnowledgeBase:
    """One base; safe to share between threads, and its file between processes.

    Args:
        path: the SQLite file; made, for its owner alone, where there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._index: Index | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            keep_private(path)
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
            self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)
            if self._database.execute("SELECT 1 FROM base").fetchone() is None:
                self._database.execute("INSERT INTO base VALUES (0)")
        except (sqlite3.Error, OSError) as error:
            raise Unavailable("operate.access:base-unreadable", field="base", path=path.name) from error

    def __enter__(self) -> Self:
        """Use the base and close it after."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._database.close()

    @property
    def path(self) -> Path:
        """Return the base's file."""
        return self._path

    def add(self, title: str, text: str, acl: Acl, *, source: str, sections: Sequence[Section] = ()) -> str:
        """Take a document in, or in the place of the one from the same source; return its id.

        Args:
            title: what to call it.
            text: plain text or Markdown; blank lines part paragraphs.
            acl: whom it is for.
            source: where it comes from; one document a source.
            sections: headings whose paragraphs are for fewer people.

        Raises:
            InputError: it has no text, or a section's heading does not stand in it.
        """
        parts = paragraphs(text, sections)
        if not parts:
            raise InputError("operate.access:document-empty", field="text", source=source)
        vectors = embed([fold(part.text).folded for part in parts])
        with self._writing() as database:
            known = database.execute("SELECT id FROM document WHERE source = ?", (source,)).fetchone()
            if known:
                self._forget(database, known[0])
            document_id: str = known[0] if known else new_id("doc")
            listed = _list(database, acl)
            database.execute("INSERT INTO document VALUES (?, ?, ?, ?)", (document_id, title, source, listed))
            for number, (part, vector) in enumerate(zip(parts, vectors, strict=True)):
                own = _list(database, part.acl) if part.acl else None
                row = database.execute(
                    "INSERT INTO paragraph (document, number, heading, text, acl, vector) VALUES (?, ?, ?, ?, ?, ?)",
                    (document_id, number, part.heading, part.text, own, vector.astype("<f2").tobytes()),
                ).lastrowid
                database.executemany("INSERT OR IGNORE INTO shingle VALUES (?, ?)",
                                     ((each, row) for each in shingles(part.text)))  # fmt: skip
        return document_id

    def permit(self, document_id: str, acl: Acl) -> None:
        """Change whom a document is for, from the next question on; its narrower paragraphs stay narrower.

        Raises:
            NotFound: there is no such document.
        """
        with self._writing() as database:
            changed = database.execute("UPDATE document SET acl = ? WHERE id = ?", (_list(database, acl), document_id))
            if not changed.rowcount:
                raise NotFound("operate.access:no-document", field="document", id=document_id)

    def remove(self, document_id: str) -> None:
        """Forget a document and all its paragraphs.

        Raises:
            NotFound: there is no such document.
        """
        with self._writing() as database:
            if database.execute("SELECT 1 FROM document WHERE id = ?", (document_id,)).fetchone() is None:
                raise NotFound("operate.access:no-document", field="document", id=document_id)
            self._forget(database, document_id)

    def search(self, question: str, asker: Asker, *, most: int = 8) -> tuple[Passage, ...]:
        """Return the paragraphs nearest to a question among those that the asker may see, the nearest first."""
        vector = embed([fold(question[:LONGEST_QUESTION]).folded])[0]
        with self._reading() as database:
            index = self._current(database)
            rows = index.rows(asker)
            if not len(rows):
                return ()
            near = index.vectors[rows] @ vector if len(rows) * 12 < len(index.ids) else (index.vectors @ vector)[rows]
            best = near.argsort()[::-1][: min(most, MOST_PASSAGES)]
            return tuple(_passage(database, int(index.ids[rows[place]]), float(near[place])) for place in best)

    def visible(self, asker: Asker) -> frozenset[int]:
        """Return the ids of all paragraphs that the asker may see."""
        with self._reading() as database:
            index = self._current(database)
            return frozenset(map(int, index.ids[index.rows(asker)]))

    def holding(self, hashes: Sequence[int]) -> dict[int, frozenset[int]]:
        """Return which paragraphs hold which of these shingles; for `screen.leaks`."""
        found: dict[int, set[int]] = {}
        with self._reading() as database:
            for start in range(0, len(hashes), 500):
                some = hashes[start : start + 500]
                marks = ",".join("?" * len(some))
                query = f"SELECT hash, paragraph FROM shingle WHERE hash IN ({marks})"  # noqa: S608 - question marks alone
                for number, paragraph in database.execute(query, some):
                    found.setdefault(number, set()).add(paragraph)
        return {number: frozenset(held) for number, held in found.items()}

    def documents(self) -> tuple[Document, ...]:
        """List the documents, by title; for whoever keeps the base, not for askers."""
        query = (
            "SELECT d.id, d.title, d.source, a.body, count(p.id), count(p.acl) FROM document d "
            "JOIN acl a ON a.id = d.acl LEFT JOIN paragraph p ON p.document = d.id GROUP BY d.id ORDER BY d.title"
        )
        with self._reading() as database:
            rows = database.execute(query).fetchall()
        names = ("id", "title", "source", "acl", "paragraphs", "narrowed")
        return tuple(
            Document.model_validate(dict(zip(names, row, strict=True)) | {"acl": Acl.model_validate_json(row[3])})
            for row in rows
        )

    def every_paragraph(self) -> tuple[Passage, ...]:
        """Return all paragraphs; for probes, which must know what is hidden."""
        query = "SELECT p.id, d.id, d.title, p.heading, p.text FROM paragraph p JOIN document d ON d.id = p.document"
        with self._reading() as database:
            return tuple(_read_passage(row, 0.0) for row in database.execute(query))

    def lists(self) -> dict[int, tuple[Acl, Acl]]:
        """Return the two lists of every paragraph, its document's and its own, read anew from the file."""
        query = (
            "SELECT p.id, a.body, o.body FROM paragraph p JOIN document d ON d.id = p.document "
            "JOIN acl a ON a.id = d.acl JOIN acl o ON o.id = coalesce(p.acl, d.acl)"
        )
        with self._reading() as database:
            rows = database.execute(query).fetchall()
        known = {body: Acl.model_validate_json(body) for row in rows for body in row[1:]}
        return {number: (known[whole], known[own]) for number, whole, own in rows}

    def _current(self, database: sqlite3.Connection) -> Index:
        (version,) = database.execute("SELECT version FROM base").fetchone()
        if self._index is None or self._index.version != version:
            self._index = read_index(database, version)
        return self._index

    @staticmethod
    def _forget(database: sqlite3.Connection, document_id: str) -> None:
        held = "SELECT id FROM paragraph WHERE document = ?"
        database.execute(f"DELETE FROM shingle WHERE paragraph IN ({held})", (document_id,))  # noqa: S608 - a constant
        database.execute("DELETE FROM paragraph WHERE document = ?", (document_id,))
        database.execute("DELETE FROM document WHERE id = ?", (document_id,))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("UPDATE base SET version = version + 1")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Hold one unchanging view: lists and texts of the same moment."""
        with self._lock:
            self._database.execute("BEGIN")
            try:
                yield self._database
            finally:
                self._database.execute("COMMIT")


def _list(database: sqlite3.Connection, acl: Acl) -> int:
    """Return the number of a list, entered where it is new."""
    parts = {name: sorted(each) for name, each in acl.model_dump(exclude={"level"}).items()}
    body = Acl.model_validate(parts | {"level": acl.level}).model_dump_json()
    known = database.execute("SELECT id FROM acl WHERE body = ?", (body,)).fetchone()
    return (
        int(known[0]) if known else int(database.execute("INSERT INTO acl (body) VALUES (?)", (body,)).lastrowid or 0)
    )


def _passage(database: sqlite3.Connection, number: int, nearness: float) -> Passage:
    query = (
        "SELECT p.id, d.id, d.title, p.heading, p.text FROM paragraph p JOIN document d ON d.id = p.document "
        "WHERE p.id = ?"
    )
    row = database.execute(query, (number,)).fetchone()
    return _read_passage(row, nearness)


def _read_passage(row: tuple[int, str, str, str, str], nearness: float) -> Passage:
    number, document_id, title, heading, text = row
    return Passage(id=number, document_id=document_id, title=title, heading=heading, text=text,
                   nearness=round(nearness, 4))  # fmt: skip
