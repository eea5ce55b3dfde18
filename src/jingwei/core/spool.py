"""The spool: how events get from a gateway, which has no database, to the relay, which has.

A gateway appends events, one canonical JSON line each, to a segment `<pid>-<start>-<n>.open.jsonl` that it holds a
lock on, and syncs it to disk before it lets an answer's last byte go. A full or old segment is closed by renaming it to
`….jsonl`. The relay drains closed segments, and open ones whose writer died (the lock is free): it takes each segment
into the store in one transaction, and only then removes the file. A relay that dies between the two takes the segment
again, so what it does must be safe to repeat: segments are known by name.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, NamedTuple

from jingwei.core.canonical import canonical
from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Conflict, Tampered, Unavailable
from jingwei.core.event import Event
from jingwei.core.folder import sync_folder, write_all

OPEN = ".open.jsonl"
CLOSED = ".jsonl"
REFUSED = ".refused"
LARGEST_SEGMENT = 64 * 1024 * 1024
"""No writer of ours lets a segment grow so large; a larger file is not read."""


class Segment(NamedTuple):
    """A finished segment."""

    name: str
    """Its name without suffix; unique on this host, so taking it twice can be noticed."""
    lines: tuple[bytes, ...]
    """The canonical lines, without line ends: the leaves of the segment's Merkle root."""
    events: tuple[Event, ...]
    torn: bool
    """True when the writer died in the middle of the last line; that line was never answered for and is left out."""


class Drained(NamedTuple):
    """What one round of draining did."""

    segments: int
    events: int
    refused: tuple[str, ...]
    """Segments that hold something else than events; each was set aside as `….refused`."""


class SpoolWriter:
    """Appends events to the one open segment of this process. Not for several threads at once."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = utc_now,
        max_bytes: int = 4 * 1024 * 1024,
        max_age: timedelta = timedelta(seconds=2),
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._file: BinaryIO | None = None
        self._path = folder
        self._size = 0
        self._born: datetime = clock()
        self._count = 0

    def write(self, events: Sequence[Event]) -> None:
        """Append events and sync them to disk: when this returns, they survive a power cut.

        Raises:
            Unavailable: the disk is full or the folder cannot be written; none of these events count as written.
        """
        self.append([canonical(event) for event in events])

    def append(self, lines: Sequence[bytes]) -> None:
        """Do the same with events that are lines already, as `event_line` writes them.

        Raises:
            Unavailable: as for `write`.
        """
        if not lines:
            return
        content = b"\n".join(lines) + b"\n"
        try:
            file = self._file or self._open()
            write_all(file.fileno(), content)  # a disk that is nearly full takes a part, and says so by a count alone
            os.fdatasync(file.fileno())
        except OSError as error:
            self._abandon()
            raise Unavailable("core:spool-unwritable", cause=error.strerror or str(error)) from error
        self._size += len(content)
        self.rotate()

    def rotate(self) -> None:
        """Close the segment if it is large or old enough; called now and then while nothing is written."""
        if self._file is None:
            return
        if self._size >= self._max_bytes or self._clock() - self._born >= self._max_age:
            self.close()

    def close(self) -> None:
        """Close the segment now, so that the relay can take it."""
        if self._file is None:
            return
        self._path.rename(self._path.with_name(self._path.name.removesuffix(OPEN) + CLOSED))
        self._file.close()
        self._file = None

    def _open(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._born = self._clock()
        self._count += 1
        name = f"{os.getpid()}-{self._born.timestamp():.6f}-{self._count}"
        self._path = self._folder / (name + OPEN)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._file = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - its mode was given at birth; kept open
        self._size = 0
        sync_folder(self._folder)
        return self._file

    def _abandon(self) -> None:
        """Cut a half-written line off and close: what was synced stays, the next write starts a fresh segment."""
        if self._file is None:
            return
        try:
            os.ftruncate(self._file.fileno(), self._size)
            self.close()
        except OSError:  # the relay finds the lock free and leaves the torn line out
            self._file.close()
            self._file = None


def read_segments(folder: Path) -> Iterator[Segment]:
    """Give every finished segment, oldest first, and remove none.

    Raises:
        Tampered: a segment holds something else than events.
    """
    for path in _finished(folder):
        yield _segment(path)


def drain(folder: Path, take: Callable[[Segment], None]) -> Drained:
    """Hand over every finished segment, oldest first, and remove each once `take` returned.

    Args:
        folder: the spool.
        take: stores one segment, in one transaction, known by its name; when it raises, the segment stays, but for a
            Conflict, which sets it aside.
    """
    segments = events = 0
    refused: list[str] = []
    for path in _finished(folder):
        try:
            segment = _segment(path)
        except Tampered:
            path.rename(path.with_name(path.name + REFUSED))
            refused.append(path.name)
            continue
        if segment.events:
            try:
                take(segment)
            except Conflict:  # it gives an event an id that another segment gave: not one of our writers
                path.rename(path.with_name(path.name + REFUSED))
                refused.append(path.name)
                continue
            segments += 1
            events += len(segment.events)
        path.unlink()
    return Drained(segments, events, tuple(refused))


def _finished(folder: Path) -> list[Path]:
    """List closed segments and those whose writer died, oldest first."""
    if not folder.is_dir():
        return []
    # Only plain files: a pipe or a device put here would hold the relay, and with it every gateway, for ever.
    found = [path for path in folder.iterdir() if path.name.endswith(CLOSED) and S_ISREG(path.lstat().st_mode)]
    finished = [path for path in found if not path.name.endswith(OPEN) or _is_orphan(path)]
    return sorted(finished, key=lambda path: _born(path.name))


def _born(name: str) -> tuple[float, int, str]:
    _, _, rest = name.partition("-")
    moment, _, count = rest.partition("-")
    try:
        return float(moment), int(count.partition(".")[0]), name
    except ValueError:
        return 0.0, 0, name


def _is_orphan(path: Path) -> bool:
    """Tell whether the writer of an open segment is gone: its lock went with it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Closed by its writer between the listing and the lock? Then the next round finds it under its new name.
            return path.exists()
    except (BlockingIOError, FileNotFoundError):
        return False


def _segment(path: Path) -> Segment:
    with path.open("rb") as file:
        raw = file.read(LARGEST_SEGMENT + 1)
    if len(raw) > LARGEST_SEGMENT:
        raise Tampered("core:spool-damaged", name=path.name)
    whole, _, tail = raw.rpartition(b"\n")
    lines = tuple(whole.split(b"\n")) if whole else ()
    try:
        events = tuple(Event.model_validate_json(line) for line in lines)
        sound = all(canonical(event) == line for event, line in zip(events, lines, strict=True))
    except ValueError as error:  # no event, or one that cannot be written in canonical form
        raise Tampered("core:spool-damaged", name=path.name) from error
    if not sound or len({event.id for event in events}) != len(events):
        raise Tampered("core:spool-damaged", name=path.name)
    name = path.name.removesuffix(CLOSED).removesuffix(".open")
    return Segment(name, lines, events, torn=bool(tail))
