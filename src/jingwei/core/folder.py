"""Folders and files: writing whole, making a new name survive a power cut, keeping what lies in them to its owner."""

import os
from pathlib import Path


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
