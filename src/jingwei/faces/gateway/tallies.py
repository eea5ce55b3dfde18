"""Tallies: what each API key has used, in one small file that all gateway processes of a host map into memory.

A slot for each key: a bucket of requests, the tokens of the day, and for each process how many requests are under way.
The file is locked for the microseconds of one change. A process that was stopped in the middle of one would hold the
others; they wait a moment and then go on without the lock, since a count that is off by one does less harm.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from jingwei.core.errors import Unavailable
from jingwei.faces.gateway.seats import SEATS, Seat

_HEAD = struct.Struct("<16sddqq")
_ROW = struct.Struct(f"<{SEATS}H")
SLOT_BYTES = _HEAD.size + _ROW.size
SLOTS = 8192
_PROBES = 64
_PATIENCE = 200


@dataclass(slots=True)
class Tally:
    """What one key has used.

    Args:
        place: of its slot in the file.
        key: its name there.
        allowance: requests that it may still make now, as of `at`.
        at: when it asked last, in seconds since 1970; 0: never.
        day: the day that `tokens` are counted on.
        tokens: those used on that day.
    """

    place: int
    key: bytes
    allowance: float
    at: float
    day: int
    tokens: int


class Tallies:
    """The file, as one process sees it. Not for several threads at once.

    Raises:
        Unavailable: it cannot be written.
    """

    def __init__(self, path: Path, seat: Seat) -> None:
        self._seat = seat
        size = SLOTS * SLOT_BYTES
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if os.fstat(self._descriptor).st_size < size:
                os.ftruncate(self._descriptor, size)
            self._memory = mmap.mmap(self._descriptor, size)
        except OSError as error:
            raise Unavailable("faces.gateway:no-seat", why=error.strerror or str(error)) from error
        self._places: dict[str, int] = {}
        with self.changing():
            self._clear(seat.number)

    def close(self) -> None:
        """Close the file."""
        with self.changing():
            self._clear(self._seat.number)
        self._memory.close()
        os.close(self._descriptor)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep the other processes from changing anything meanwhile."""
        locked = self._lock()
        try:
            yield
        finally:
            if locked:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def of(self, key_hash: str) -> Tally | None:
        """Return the tally of a key; None where the file is full of keys that are in use."""
        name = bytes.fromhex(key_hash)[:16]
        place = self._places.get(key_hash)
        if place is None or self._head(place)[0] != name:
            place = self._place(name)
            if place is None:
                return None
            self._places[key_hash] = place
        found, allowance, at, day, tokens = self._head(place)
        if found != name:
            return Tally(place, name, 0.0, 0.0, 0, 0)
        return Tally(place, name, allowance, at, day, tokens)

    def put(self, tally: Tally) -> None:
        """Write a tally back."""
        _HEAD.pack_into(self._memory, tally.place * SLOT_BYTES, tally.key, tally.allowance, tally.at, tally.day,
                        tally.tokens)  # fmt: skip

    def under_way(self, tally: Tally, *, living: bool = False) -> int:
        """Return how many requests of a key are under way in all processes.

        Args:
            tally: the key's.
            living: look whether each process still lives, and forget what the dead had under way.
        """
        counts = _ROW.unpack_from(self._memory, self._row(tally.place))
        if living:
            for number, count in enumerate(counts):
                if count and self._seat.is_empty(number):
                    self._clear(number)
            counts = _ROW.unpack_from(self._memory, self._row(tally.place))
        return sum(counts)

    def change(self, tally: Tally, by: int) -> None:
        """Count one request more or less of this process."""
        at = self._row(tally.place) + 2 * self._seat.number
        (count,) = struct.unpack_from("<H", self._memory, at)
        struct.pack_into("<H", self._memory, at, min(max(count + by, 0), 65535))

    def _lock(self) -> bool:
        for _ in range(_PATIENCE):
            with suppress(BlockingIOError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            os.sched_yield()
        return False

    def _place(self, name: bytes) -> int | None:
        """Find a key's slot, or one for it: a free one, else the one that was used longest ago."""
        first = int.from_bytes(name[:8], "little")
        oldest, moment = None, float("inf")
        for step in range(_PROBES):
            place = (first + step) % SLOTS
            found, _, at, *_ = self._head(place)
            if found == name or at == 0.0:
                return place
            if at < moment and not any(_ROW.unpack_from(self._memory, self._row(place))):
                oldest, moment = place, at
        return oldest

    def _head(self, place: int) -> tuple[bytes, float, float, int, int]:
        key, allowance, at, day, tokens = _HEAD.unpack_from(self._memory, place * SLOT_BYTES)
        return key, allowance, at, day, tokens

    @staticmethod
    def _row(place: int) -> int:
        return place * SLOT_BYTES + _HEAD.size

    def _clear(self, number: int) -> None:
        for place in range(SLOTS):
            at = self._row(place) + 2 * number
            if self._memory[at : at + 2] != b"\0\0":
                self._memory[at : at + 2] = b"\0\0"
