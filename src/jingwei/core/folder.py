"""Folders and files: writing whole, making a new name survive a power cut, keeping what lies in them to its owner."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jingwei.core.errors import Unavailable


def file_trouble(error: OSError, place: str) -> Unavailable:
    """Say why a file cannot be used: the disk is full, or the place may not be read or written."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return Unavailable("core:disk-full" if full else "core:file-unusable", place=place)


@contextmanager
def file_trouble_said(place: str) -> Iterator[None]:
    """Turn what goes wrong with a file inside into our own error.

    Raises:
        Unavailable: the disk is full, or the place cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        raise file_trouble(error, place) from error


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let something be written beside its place, and put it there once it is whole.

    Raises:
        Unavailable: the disk is full, or the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with file_trouble_said(str(path)):
        try:
            write(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Sync a folder to disk: the names given in it so far survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write the whole of it, however little the system takes at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def keep_private(path: Path) -> None:
    """Make a file that only its owner may read, or take what others may do with it from one that is there.

    SQLite makes its files readable for everyone that the umask allows, and the files beside one get its mode.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for each in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
        try:
            found = each.stat()
            if found.st_mode & 0o077 and found.st_uid == os.geteuid():
                each.chmod(found.st_mode & 0o700)
        except FileNotFoundError:
            continue
