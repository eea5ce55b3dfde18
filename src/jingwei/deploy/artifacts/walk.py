"""The files of a folder, one at a time and in a fixed order; what is no plain file inside it is told, not followed."""

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jingwei.deploy.scanned import plain

_BATCH = 50_000
"""Names of one folder that are sorted at once; a folder with more comes in several sorted batches."""
_DEEPEST = 200


class Found(NamedTuple):
    """One file of a folder, or something there that is not looked into."""

    path: Path
    name: str
    """Relative to the folder, fit to print."""
    gap: str = ""
    """Why it is not looked into."""


def walk(root: Path) -> Iterator[Found]:
    """List a folder's files, those of the folder before those of its subfolders."""
    real = os.path.realpath(root)
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        inner: list[str] = []
        try:
            for entry in _entries(folder):
                if entry.is_dir(follow_symlinks=False):
                    inner.append(entry.name)
                    continue
                found = _judged(entry, root, real)
                if found is not None:
                    yield found
        except OSError:
            yield Found(folder, _name(folder, root), "gap-unreadable")
        if depth >= _DEEPEST and inner:
            yield Found(folder, _name(folder, root), "gap-deep-folder")
            continue
        waiting += [(folder / name, depth + 1) for name in sorted(inner, reverse=True)]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as listing:
        while batch := sorted(islice(listing, _BATCH), key=lambda entry: entry.name):
            yield from batch


def _judged(entry: os.DirEntry[str], root: Path, real: str) -> Found | None:
    """Tell what an entry is; a link is followed only to a file inside the folder."""
    path = Path(entry.path)
    name = _name(path, root)
    try:
        kind = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(kind):
            target = os.path.realpath(path)
            kind = os.stat(target).st_mode  # noqa: PTH116 - the path is resolved already
            if target != real and not target.startswith(real.rstrip("/") + "/"):
                return Found(path, name, "gap-link")
            if stat.S_ISDIR(kind):
                return None  # looked into where it lies
    except OSError:
        return Found(path, name, "gap-unreadable")
    return Found(path, name) if stat.S_ISREG(kind) else Found(path, name, "gap-special")


def _name(path: Path, root: Path) -> str:
    return plain(path.relative_to(root).as_posix())
