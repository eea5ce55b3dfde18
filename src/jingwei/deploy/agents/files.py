"""The files of a target: found, bounded and read once; what cannot be read is told, never skipped in silence."""

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

LARGEST = 8 * 1024 * 1024
"""Bytes of one file that are read; what is longer is listed as incomplete."""
_SKIPPED = frozenset(
    {".git", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache", ".ruff_cache", "dist-info"}
)


class Source(NamedTuple):
    """One file: where it is in the target, and its content or the reason that there is none."""

    path: str
    content: bytes
    size: int
    gap: str = ""

    @property
    def sha256(self) -> str:
        """Return the digest of what was read."""
        return "" if self.gap == "gap-unreadable" else sha256(self.content).hexdigest()

    @property
    def text(self) -> str:
        """Return the content as text."""
        return self.content.decode("utf-8-sig", "replace")


def sources(root: Path, *, most: int) -> Iterator[Source]:
    """Give every file of a target, in a fixed order."""
    if not root.is_dir():
        yield _read(root, root.name)
        return
    real = root.resolve()
    count = 0
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not (here / name).is_symlink())
        for name in sorted(names):
            count += 1
            path = here / name
            shown = path.relative_to(root).as_posix()
            if count > most:
                yield Source(".", b"", 0, "gap-many")
                return
            if path.is_symlink() and not path.resolve().is_relative_to(real):
                yield Source(shown, b"", 0, "gap-link")
                continue
            yield _read(path, shown)


def _read(path: Path, shown: str) -> Source:
    try:
        with open(path, "rb", opener=_opened) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                return Source(shown, b"", 0, "gap-special")
            content = file.read(LARGEST)
            return Source(shown, content, about.st_size, "gap-large" if about.st_size > LARGEST else "")
    except (OSError, ValueError):
        return Source(shown, b"", 0, "gap-unreadable")


def _opened(name: str, flags: int) -> int:
    """Open without waiting: a pipe without a writer would hold the scan for ever."""
    return os.open(name, flags | os.O_NONBLOCK | getattr(os, "O_NOCTTY", 0))
