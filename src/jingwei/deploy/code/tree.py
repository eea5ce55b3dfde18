"""The files of a source tree, in a fixed order; what others installed or generated there is not the program's own."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jingwei.deploy.scanned import plain

NOT_OURS = frozenset({
    ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", "site-packages", ".eggs", "bower_components", ".ipynb_checkpoints", ".idea", ".terraform",
})  # fmt: skip
_DEEPEST = 60


class File(NamedTuple):
    """One file of a tree, or something there that is not looked into."""

    path: Path
    name: str
    """Relative to the tree, fit to print."""
    size: int = 0
    gap: str = ""


def files(root: Path, *, skipped: frozenset[str] = NOT_OURS) -> Iterator[File]:
    """List a tree's files; a link is followed only to a file inside the tree."""
    if not root.is_dir():
        yield _judged(root, root.name, os.path.realpath(root.parent))
        return
    real = os.path.realpath(root)
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            yield File(folder, _name(folder, root), gap="gap-unreadable")
            continue
        inner = [each for each in entries if each.is_dir(follow_symlinks=False)]
        for entry in entries:
            if entry not in inner and not _linked_folder(entry):
                yield _judged(Path(entry.path), _name(Path(entry.path), root), real)
        if depth >= _DEEPEST and inner:
            yield File(folder, _name(folder, root), gap="gap-deep-folder")
            continue
        waiting += [(folder / each.name, depth + 1) for each in reversed(inner) if each.name not in skipped]


def _linked_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry leads to a folder, which is looked into where it lies."""
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _judged(path: Path, name: str, real: str) -> File:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            target = os.path.realpath(path)
            found = Path(target).stat()
            if not target.startswith(real.rstrip("/") + "/"):
                return File(path, name, gap="gap-link")
    except (OSError, ValueError):
        return File(path, name, gap="gap-unreadable")
    if not stat.S_ISREG(found.st_mode):
        return File(path, name, gap="gap-special")
    return File(path, name, found.st_size)


def read(file: File, most: int) -> bytes | None:
    """Return a file's bytes, never more than `most`; none where it cannot be read."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        handle = os.open(file.path, flags)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(most)
    except OSError:
        return None
    finally:
        os.close(handle)


def _name(path: Path, root: Path) -> str:
    return plain(path.relative_to(root).as_posix())
