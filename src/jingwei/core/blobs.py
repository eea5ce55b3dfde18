"""Blobs: content-addressed files, written once and whole.

A blob's name is the SHA-256 of its content. It is written to a draft beside its place, synced, given its name by a hard
link, and the folder is synced: a writer that is killed, or a power cut, leaves nothing under a blob's name that is not
the whole blob. What is read is hashed on the way, so a blob that was changed on disk is noticed.
"""

import hashlib
import io
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from jingwei.core.errors import InputError, NotFound, Tampered
from jingwei.core.folder import sync_folder
from jingwei.core.store.failure import failures_said

PIECE = 1024 * 1024

ABANDONED_SECONDS = 3600.0
"""A draft that nobody has written to for this long was left by a killed writer."""

_NAME = re.compile(r"[0-9a-f]{64}")


class Writable(Protocol):
    """Something bytes are written to, unbuffered."""

    def write(self, content: bytes, /) -> int:
        """Write what fits and say how much that was."""
        ...


class Blob(NamedTuple):
    """What was stored."""

    sha256: str
    size: int


class Blobs:
    """A folder of blobs; any number of processes may use it at once.

    Args:
        folder: where they lie; made when missing.
        max_bytes: the largest blob that is taken.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 4 * 1024**3) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def put(self, content: bytes | BinaryIO) -> Blob:
        """Store content and return its name and size; storing it again changes nothing.

        Raises:
            InputError: it is larger than a blob may be; nothing is stored.
            Unavailable: the disk is full or cannot be written; nothing is stored.
        """
        source = io.BytesIO(content) if isinstance(content, bytes | bytearray) else content
        with failures_said(str(self._folder)):
            drafts = self._folder / "drafts"
            drafts.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sweep(drafts)
            with tempfile.NamedTemporaryFile(dir=drafts, buffering=0) as draft:
                blob = self._copy(source, draft)
                os.fsync(draft.fileno())
                self._name(Path(draft.name), self._path(blob.sha256))
        return blob

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """Open a blob for reading; once its end is reached, its hash has been checked.

        Raises:
            NotFound: there is no such blob.
            Tampered: its content is no longer what its name says; raised where the end is reached.
            Unavailable: it cannot be read.
        """
        with failures_said(str(self._folder)):
            try:
                raw = self._path(sha256).open("rb", buffering=0)
            except FileNotFoundError as error:
                raise NotFound("core:blob-unknown", field="sha256", sha256=sha256) from error
        with raw, io.BufferedReader(_Checked(raw, sha256)) as file:
            yield file

    def read(self, sha256: str) -> bytes:
        """Return a small blob's whole content, checked.

        Raises:
            NotFound: there is no such blob.
            Tampered: its content is no longer what its name says.
        """
        with self.open(sha256) as file:
            return file.read()

    def size(self, sha256: str) -> int | None:
        """Return the size of a blob, or none when it is not there."""
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def _path(self, sha256: str) -> Path:
        if not _NAME.fullmatch(sha256):
            raise NotFound("core:blob-unknown", field="sha256", sha256=sha256[:80])
        return self._folder / sha256[:2] / sha256

    def _copy(self, source: BinaryIO, file: Writable) -> Blob:
        hashed, size = hashlib.sha256(), 0
        while piece := source.read(PIECE):
            size += len(piece)
            if size > self._max_bytes:
                raise InputError("core:blob-too-large", field="content", limit=self._max_bytes)
            hashed.update(piece)
            while piece:
                piece = piece[file.write(piece) :]
        return Blob(hashed.hexdigest(), size)

    def _name(self, draft: Path, path: Path) -> None:
        """Give a synced draft its name, and make the name survive a power cut."""
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(path.parent.parent)
        draft.chmod(0o400)
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # the same content is already there, whole
        sync_folder(path.parent)


class _Checked(io.RawIOBase):
    """A file that is hashed while it is read; a wrong hash at its end is an error."""

    def __init__(self, raw: io.RawIOBase, sha256: str) -> None:
        self._raw = raw
        self._sha256 = sha256
        self._hashed = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:  # Any: any writable buffer
        count = self._raw.readinto(buffer) or 0
        if count:
            self._hashed.update(memoryview(buffer)[:count])
        elif self._hashed.hexdigest() != self._sha256:
            raise Tampered("core:blob-changed", sha256=self._sha256)
        return count


def _sweep(drafts: Path) -> None:
    now = time.time()
    for draft in drafts.iterdir():
        try:
            if now - draft.stat().st_mtime > ABANDONED_SECONDS:
                draft.unlink()
        except FileNotFoundError:
            continue  # its writer finished it meanwhile
