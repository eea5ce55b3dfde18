"""Anchors: checkpoints appended to a file outside the database.

A database that was cut back or rebuilt as a whole is sound in itself; only something kept elsewhere can tell. Each line
of the anchor file is one signed checkpoint. Put the file on another disk, or ship its lines to another machine.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from jingwei.core.canonical import canonical
from jingwei.core.errors import Tampered
from jingwei.core.folder import sync_folder, write_all
from jingwei.core.ledger.model import Checkpoint
from jingwei.core.store.failure import failures_said

LONGEST_LINE = 4096
"""No checkpoint is as long as this."""


def append_anchor(path: Path, checkpoint: Checkpoint) -> bool:
    """Append a checkpoint and sync it to disk, unless the file already has it or a later one.

    A last line without its end is what a power cut leaves of an append that was never completed; it is cut off.

    Returns:
        Whether it was appended.

    Raises:
        Unavailable: the file cannot be written, or its disk is full.
    """
    with failures_said(str(path)):
        fresh = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:  # noqa: PTH123 - its mode was given at birth
            fcntl.flock(file, fcntl.LOCK_EX)
            last = _last(file)
            if last is not None and last.size >= checkpoint.size:
                return False
            end = _whole(file)
            os.ftruncate(descriptor, end)
            line = canonical(checkpoint) + b"\n"
            try:
                write_all(descriptor, line)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        if fresh:
            sync_folder(path.parent)
        return True


def last_anchor(path: Path) -> Checkpoint | None:
    """Return the newest anchor, or none when there is no file yet.

    Raises:
        Tampered: the last line is not a checkpoint.
        Unavailable: the file cannot be read.
    """
    with failures_said(str(path)):
        try:
            with path.open("rb", buffering=0) as file:
                return _last(file)
        except FileNotFoundError:
            return None


def read_anchors(path: Path, *, end: int) -> Iterator[Checkpoint]:
    """Give the anchors in the first `end` bytes of the file, in their order.

    Raises:
        Tampered: a line is not a checkpoint.
    """
    with path.open("rb") as file:
        number = 0
        while file.tell() < end:
            line = file.readline(LONGEST_LINE)
            number += 1
            if not line.endswith(b"\n") and file.tell() >= end:
                return  # a torn last line was never an anchor
            yield _parsed(line, number)


def _tail(file: BinaryIO) -> tuple[int, bytes]:
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - 2 * LONGEST_LINE)
    file.seek(start)
    return start, file.read(size - start)


def _whole(file: BinaryIO) -> int:
    """Return the length of the file up to the end of its last whole line."""
    start, tail = _tail(file)
    return start + tail.rfind(b"\n") + 1


def _last(file: BinaryIO) -> Checkpoint | None:
    _, tail = _tail(file)
    lines = tail[: tail.rfind(b"\n") + 1].splitlines()
    return _parsed(lines[-1], None) if lines else None


def _parsed(line: bytes, number: int | None) -> Checkpoint:
    try:
        return Checkpoint.model_validate_json(line)
    except ValidationError as error:
        raise Tampered("core:ledger-anchor-unreadable", line=number or "-") from error
