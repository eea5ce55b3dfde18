"""Compiled pattern databases: made once a machine and kept in the user's cache, like Python's own compiled files.

Compiling takes about a second, loading a millisecond. The cache is only ever a copy: a file that is missing, damaged,
of another version or that somebody else could have written is left alone, and the database is compiled anew.
"""

import hashlib
import os
import platform
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import hyperscan

from jingwei.detect.loosen import Loosened

_DIGEST = 32
_LARGEST = 64 * 1024 * 1024
_KEPT = 8
"""Databases of former versions go when there are more."""


def compiled(expressions: Sequence[Loosened]) -> hyperscan.Database:
    """Return a database of these expressions, numbered as they are given."""
    folder = _folder()
    place = folder / f"{_key(expressions)}.hyperscan" if folder else None
    kept = _kept(place) if place else None
    if kept is not None:
        return kept
    database = hyperscan.Database()
    database.compile(
        expressions=[each.pattern.encode() for each in expressions],
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[_flags(each) for each in expressions],
    )
    if place:
        _keep(place, hyperscan.dumpb(database))
    return database


def _folder() -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME", "") or os.path.expanduser("~/.cache")  # noqa: PTH111 - Path's own raises where there is no home
    folder = Path(base) / "jingwei" / "patterns"
    return folder if folder.is_absolute() else None


def _flags(expression: Loosened) -> int:
    """Prefilter: may name a pattern too often, never too seldom. Single match: one that is not closed is named once."""
    once = 0 if expression.closed else hyperscan.HS_FLAG_SINGLEMATCH
    return hyperscan.HS_FLAG_PREFILTER | once


def _key(expressions: Sequence[Loosened]) -> str:
    parts = [version("hyperscan"), platform.machine()]
    parts += [f"{_flags(each)} {each.pattern}" for each in expressions]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _kept(place: Path) -> hyperscan.Database | None:
    """Read a database that this user, and nobody else, can have written."""
    try:
        with place.open("rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or not _ours(about) or not _ours(place.parent.stat()):
                return None
            content = file.read(_LARGEST)
    except OSError:
        return None
    digest, body = content[:_DIGEST], content[_DIGEST:]
    if not body or hashlib.sha256(body).digest() != digest:
        return None
    try:
        database = hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except hyperscan.error:  # made on another kind of machine
        return None
    return database


def _ours(about: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True
    return about.st_uid == os.getuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _keep(place: Path, body: bytes) -> None:
    """Write a copy where that is possible; a machine without a writable home compiles each time."""
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent)  # readable and writable by this user only
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
            Path(name).replace(place)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        others = sorted(place.parent.glob("*.hyperscan"), key=lambda each: each.stat().st_mtime)
        for old in others[:-_KEPT]:
            old.unlink(missing_ok=True)
