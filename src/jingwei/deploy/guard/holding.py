"""Held calls of this host: what waits for a person, and which approvals were spent. Shared by all gateway processes.

waiting/<digest of the binding>   id and end of the request; the same call asked again is the same request
readable/<id>                     what a person may read of the arguments; the relay takes it, and removes it
spent/<digest of the id>          an approval that was used; whoever makes the file has spent it, nobody else can
"""

import contextlib
import json
import os
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from jingwei.core.clock import Clock, stamp
from jingwei.core.ids import new_id
from jingwei.core.snapshot import Approval
from jingwei.deploy.guard.watch import Binding

MOST_WAITING = 1000
"""Requests that may wait on one host; beyond it calls are held without asking anybody."""
LONGEST_READABLE = 2000
_SWEEP = timedelta(minutes=1)
_KEPT = timedelta(days=1)


class Asked(NamedTuple):
    """A request for a person."""

    id: str
    expires_at: datetime
    fresh: bool
    """False where the same call was asked about before."""


class Holding:
    """Remembers held calls and spent approvals as files.

    Args:
        folder: beside the spool.
        clock: the time.
    """

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._swept: datetime | None = None

    def ask(self, binding: Binding, readable: str, *, seconds: int) -> Asked | None:
        """Return the request for a call, a new one where none waits; None where it cannot be kept.

        Args:
            binding: the call.
            readable: its arguments as far as a person may read them.
            seconds: how long the request, and an approval of it, is good for.
        """
        try:
            self._sweep()
            place = self._path("waiting", binding.digest)
            waiting = self._waiting(place)
            if waiting is not None:
                return waiting
            if sum(1 for _ in place.parent.iterdir()) >= MOST_WAITING:
                return None
            made = Asked(new_id("apr"), self._clock() + timedelta(seconds=seconds), fresh=True)
            _write(self._path("readable", made.id), readable[:LONGEST_READABLE])
            _replace(place, json.dumps({"id": made.id, "expires_at": stamp(made.expires_at)}))
        except OSError:
            return None
        return made

    def spend(self, approval: Approval) -> bool:
        """Use an approval; false when anybody used it before, or that cannot be told."""
        try:
            path = self._path("spent", _hash(approval.id))
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            ends = approval.expires_at.timestamp()
            os.utime(path, (ends, ends))
            _sync(path.parent)
        except OSError:
            return False
        return True

    def _waiting(self, place: Path) -> Asked | None:
        try:
            found = json.loads(place.read_bytes())
            asked = Asked(str(found["id"]), datetime.fromisoformat(found["expires_at"]), fresh=False)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        over = asked.expires_at <= self._clock() or self._path("spent", _hash(asked.id)).exists()
        return None if over else asked

    def _path(self, kind: str, name: str) -> Path:
        folder = self._folder / kind
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / name

    def _sweep(self) -> None:
        """Forget what has ended, a good while after nobody can use it."""
        now = self._clock()
        if self._swept is not None and timedelta() <= now - self._swept < _SWEEP:
            return
        self._swept = now
        oldest = (now - _KEPT).timestamp()
        for kind in ("waiting", "readable", "spent"):
            for path in self._path(kind, ".").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()


def take_readable(folder: Path, approval_id: str) -> str:
    """Return what a person may read of a held call's arguments, and remove it; empty where there is nothing."""
    path = folder / "readable" / approval_id
    if path.parent != folder / "readable" or "/" in approval_id or approval_id.startswith("."):
        return ""
    try:
        found = path.read_text(encoding="utf-8", errors="replace")[:LONGEST_READABLE]
        path.unlink()
    except OSError:
        return ""
    return found


def _hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def _write(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content.encode(errors="replace"))


def _replace(path: Path, content: str) -> None:
    draft = path.with_name(f".{os.getpid()}.{secrets.token_hex(4)}")
    _write(draft, content)
    draft.replace(path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
