"""Live words on their way to gateways: a base file for the bulk, and what changed since in the snapshot itself.

One added word travels in the very next snapshot. A long list would make every snapshot as long, so from a certain
length on its words are compiled once into `lexicons/<SHA-256>.words` beside the snapshot, an image that gateways load
as it is. Compiling takes seconds, in which gateways go on with the version before.
"""

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jingwei.core.blobs import Blobs
from jingwei.core.canonical import file_digest
from jingwei.core.errors import JingweiError
from jingwei.core.settings import Settings
from jingwei.core.snapshot import LEXICONS, LiveLexicon
from jingwei.manage import LexiconChanges, LexiconVersion
from jingwei.platform.lexicons import index_at
from jingwei.platform.word_index import WordIndex, held_at

if TYPE_CHECKING:
    from jingwei.platform.work import Work

LONGEST_DELTA = 2_000
"""Words in a snapshot; beyond that a new base is written."""
_KEPT_SECONDS = 3_600
"""A base that no snapshot names any more stays as long, for a gateway that is slow to read."""
_LONGEST_SECONDS = 600
_log = logging.getLogger(__name__)


class LiveWords:
    """Composes what a snapshot says about live lexicons. Not for several threads at once, but for its own.

    Args:
        folder: of the snapshot.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / LEXICONS
        self._told: dict[str, LiveLexicon] = {}
        self._writing: dict[str, threading.Thread] = {}
        self._written = threading.Event()

    @property
    def waiting(self) -> bool:
        """Tell whether a base was finished since the last look."""
        return self._written.is_set()

    def content(self, work: "Work") -> tuple[LiveLexicon, ...]:
        """Return the newest version of each lexicon that can be told now."""
        self._written.clear()
        changes = LexiconChanges(work.desk)
        for name in changes.names():
            versions = changes.since(name, 0)
            told = self._told.get(name)
            if told is not None and told.version == versions[-1].label:
                continue
            try:
                self._tell(name, versions, work.settings)
            except (JingweiError, sqlite3.Error, OSError):
                _log.exception("lexicon %s cannot be read; gateways go on with the version before", name)
        return tuple(self._told[name] for name in sorted(self._told))

    def settle(self) -> None:
        """Wait until no base is being written."""
        for thread in list(self._writing.values()):
            thread.join()

    def _tell(self, name: str, versions: Sequence[LexiconVersion], settings: Settings) -> None:
        index, opening = index_at(settings, name), Blobs(settings.blobs_path).open

        def write() -> None:
            index.catch_up(versions, opening)
            self._write_base(index)

        if sum(each.added + each.removed for each in versions[index.number() :]) > LONGEST_DELTA:
            self._soon(name, write)  # taking so many words in takes longer than a snapshot may be old
            return
        index.catch_up(versions, opening)
        with index.opened() as connection:
            base = self._base(connection)
            number, digest = base if base is not None else (0, "")
            added = connection.execute(
                f"SELECT word, topic FROM word WHERE {held_at(index.now)} AND number > ? ORDER BY folded LIMIT ?",  # noqa: S608 - whole numbers of our own
                (number, LONGEST_DELTA + 1),
            ).fetchall()
            again = f"SELECT 1 FROM word AS new WHERE new.folded = old.folded AND {held_at(index.now, 'new')}"  # noqa: S608 - whole numbers of our own
            gone = f"{held_at(number, 'old')} AND removed <= {index.now:d} AND NOT EXISTS ({again})"
            removed = connection.execute(
                f"SELECT word FROM word AS old WHERE {gone} ORDER BY folded LIMIT ?",  # noqa: S608 - whole numbers of our own
                (LONGEST_DELTA + 1,),
            ).fetchall()
        if len(added) + len(removed) > LONGEST_DELTA:
            self._soon(name, write)
            return
        self._told[name] = LiveLexicon(name=name, version=versions[-1].label, base=digest,
                                       removed=tuple(word for (word,) in removed),
                                       added=tuple((word, topic) for word, topic in added))  # fmt: skip

    def _base(self, connection: sqlite3.Connection) -> tuple[int, str] | None:
        """Return version and digest of the base that lies in the folder, where one does."""
        row = connection.execute("SELECT number, digest FROM base").fetchone()
        return row if row is not None and self._path(row[1]).is_file() else None

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.words"

    def _soon(self, name: str, write: Callable[[], None]) -> None:
        if name in self._writing and self._writing[name].is_alive():
            return
        self._writing[name] = threading.Thread(target=self._write, args=(write,), name=f"words-{name}", daemon=True)
        self._writing[name].start()

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
            self._sweep()
        except (
            JingweiError,
            sqlite3.Error,
            OSError,
            subprocess.SubprocessError,
        ):  # the outermost edge of the thread; the next change tries again
            _log.exception("base of a lexicon not written; gateways go on with the version before")
        self._written.set()

    def _write_base(self, index: WordIndex) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{index.path.stem}.{os.getpid()}.{threading.get_ident()}"
        try:
            command = [sys.executable, "-m", "jingwei.platform.word_base", str(index.path), str(index.now), str(draft)]
            subprocess.run(command, check=True, capture_output=True, timeout=_LONGEST_SECONDS)
            digest = file_digest(draft)
            draft.replace(self._path(digest))
        finally:
            draft.unlink(missing_ok=True)
        with index.opened() as connection:
            connection.execute("INSERT OR REPLACE INTO base VALUES (1, ?, ?)", (index.now, digest))

    def _sweep(self) -> None:
        named = {each.base for each in list(self._told.values())}
        for path in self._folder.glob("*.words"):
            if path.stem not in named and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink(missing_ok=True)
