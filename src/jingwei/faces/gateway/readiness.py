"""Readiness: whether an event could be written now. A gateway that cannot record must get no requests.

A look is a real one: a block goes to the disk beside the segments and is synced, so a full disk, a folder that may not
be written and one that is gone are all seen. Anybody may ask whether a gateway is ready, so one look serves for a
second.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

KEPT_SECONDS = 1.0
_BLOCK = b"\0" * 4096
"""More than the events of one answer."""


class Room:
    """Tells whether the spool has room.

    Args:
        folder: the spool.
        now: a clock that never goes back.
    """

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._now = now
        self._looked_at = float("-inf")
        self._writable = False

    def writable(self) -> bool:
        """Tell whether events can be written; it may wait for the disk."""
        if self._now() - self._looked_at >= KEPT_SECONDS:
            self._writable = _takes_a_block(self._folder)
            self._looked_at = self._now()
        return self._writable


def _takes_a_block(folder: Path) -> bool:
    path = folder / f".room-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            taken = os.write(descriptor, _BLOCK)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
    except OSError:
        return False
    return taken == len(_BLOCK)
