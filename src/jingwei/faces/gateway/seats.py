"""Seats: the gateway processes of one host, numbered, so that each can keep its own column in what they share.

A seat is a locked file. The lock goes with its process, however that ends, so nobody counts for the dead.
"""

import fcntl
import os
from pathlib import Path

from jingwei.core.errors import Unavailable

SEATS = 64
"""Gateway processes of one host."""


class Seat:
    """The number of this gateway among those of its host.

    Raises:
        Unavailable: the folder cannot be written, or every seat is taken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.number, self._descriptor = self._taken()
        except OSError as error:
            raise Unavailable("faces.gateway:no-seat", why=error.strerror or str(error)) from error

    def is_empty(self, number: int) -> bool:
        """Tell whether nobody sits at another number."""
        if number == self.number:
            return False
        try:
            descriptor = _locked(self._path(number))
        except OSError:
            return False
        os.close(descriptor)
        return True

    def leave(self) -> None:
        """Give the seat back."""
        os.close(self._descriptor)

    def _taken(self) -> tuple[int, int]:
        for number in range(SEATS):
            try:
                return number, _locked(self._path(number))
            except BlockingIOError:
                continue
        raise OSError(0, f"{SEATS}/{SEATS}")

    def _path(self, number: int) -> Path:
        return self._folder / f"seat-{number}"


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
