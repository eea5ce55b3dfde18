"""Bytes to look at, wherever they lie: a file, a stretch of one, or what came out of a compressed member.

Everything is read by position in small pieces, never mapped: a file that shrinks while it is being read gives
short reads instead of killing the process, and memory stays flat at any size.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Protocol, Self

PIECE = 256 * 1024
"""How much is read at once."""


class Source(Protocol):
    """Something of known size that can be read at any position."""

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`; fewer at the end, none beyond it."""
        ...


class _State(NamedTuple):
    size: int
    modified: int
    changed: int


class FileSource:
    """A file on disk, open for as long as it is examined."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        self._state = self._now()
        self._size = self._state.size

    @property
    def size(self) -> int:
        """Return the size at the time it was opened."""
        return self._size

    @property
    def changed(self) -> bool:
        """Tell whether the file was written to since it was opened."""
        return self._now() != self._state

    def _now(self) -> _State:
        found = os.fstat(self._descriptor)
        return _State(found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`."""
        if start < 0 or length <= 0 or start >= self._size:
            return b""
        return os.pread(self._descriptor, min(length, self._size - start), start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of another source."""

    of: Source
    start: int
    size: int

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start` of the stretch."""
        if start < 0 or length <= 0 or start >= self.size:
            return b""
        return self.of.read(self.start + start, min(length, self.size - start))


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in memory."""

    content: bytes

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return len(self.content)

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`."""
        return self.content[start : start + length] if start >= 0 and length > 0 else b""


@dataclass(slots=True)
class Unpacked:
    """Decompressed bytes, held in a spooled temporary file."""

    file: IO[bytes]
    size: int
    whole: bool
    """False when decompression stopped early: a limit, an error or a truncated stream."""
    reason: str = ""
    """Gap key that says why it stopped."""
    packed_end: int = 0
    """Position up to which the packed bytes were read."""

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`."""
        if start < 0 or length <= 0:
            return b""
        self.file.seek(start)
        return self.file.read(length)

    def close(self) -> None:
        """Let the temporary file go."""
        self.file.close()


class Window:
    """Small reads of a source through one buffer, for formats that are walked a few bytes at a time."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._at = 0
        self._bytes = b""

    def take(self, at: int, length: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            EOFError: the source ends before.
        """
        here = at - self._at
        if here < 0 or here + length > len(self._bytes):
            self._at, self._bytes, here = at, self.source.read(at, max(length, 65536)), 0
        piece = self._bytes[here : here + length]
        if len(piece) < length:
            raise EOFError
        return piece

    def number(self, at: int, width: int) -> int:
        """Return an unsigned little-endian number."""
        return int.from_bytes(self.take(at, width), "little")
