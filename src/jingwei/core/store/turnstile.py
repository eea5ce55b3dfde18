"""The turnstile: one writer at a time in front of an SQLite file.

SQLite lets waiting writers poll, so under load one of them can wait for seconds while others pass it again and again.
A blocking `flock` on a file beside the database queues them in the kernel instead.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jingwei.core.errors import Unavailable


class Turnstile:
    """A lock file shared by all processes and threads that write one database.

    Args:
        path: the lock file; made when missing.
        wait_seconds: the longest wait before the database counts as locked.
    """

    def __init__(self, path: Path, *, wait_seconds: float = 30.0) -> None:
        self._path = path
        self._wait_seconds = wait_seconds

    @contextmanager
    def pass_through(self) -> Iterator[None]:
        """Hold the turnstile for the length of the block.

        Raises:
            Unavailable: another writer held it for longer than the wait.
            OSError: the lock file cannot be opened.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        try:
            yield
        finally:
            os.close(descriptor)  # closing gives the lock back

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._queue(descriptor)

    def _queue(self, descriptor: int) -> None:
        """Wait in the kernel's queue, on a thread of its own, since `flock` knows no time limit."""
        waiting = os.dup(descriptor)  # the same open file: a lock taken through either holds for both
        taken = threading.Event()

        def wait() -> None:
            try:
                fcntl.flock(waiting, fcntl.LOCK_EX)
                taken.set()
            finally:
                os.close(waiting)  # after a time-out this was the last descriptor, so the lock goes too

        threading.Thread(target=wait, daemon=True, name="turnstile").start()
        if not taken.wait(self._wait_seconds):
            raise Unavailable("core:store-locked", place=str(self._path))
