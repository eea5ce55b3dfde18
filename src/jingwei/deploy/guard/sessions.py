"""Sessions of agents, shared by all gateway processes of a host: a folder each, and in it an empty file a label.

A label is only ever added, so two processes need no lock, and one that remembers a label need not look again. Looking
costs one listing of a folder, however many steps the session has had. What is not there is not known: a session that
was never opened here, or was opened by another caller, does not exist.
"""

import contextlib
import os
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from jingwei.core.errors import Unavailable
from jingwei.core.folder import sync_folder

CARRIED_SECONDS = 3600
"""How long what an agent saw in one session counts in its others."""
KEPT_SECONDS = 24 * 3600
"""A session that nothing happened in for so long is forgotten, and must be opened anew."""
_UPSTREAM = "upstream"
_SWEEP_SECONDS = 300
_MAX_UPSTREAM = 1024


class Caller(NamedTuple):
    """Whose session it is; another caller cannot find it."""

    system_id: str
    principal: str
    server: str = ""

    @property
    def agent(self) -> "Caller":
        """Return the same agent, whichever server it talks to."""
        return Caller(self.system_id, self.principal)


class Sessions:
    """The sessions of one host.

    Args:
        folder: beside the spool.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = 0.0

    def open(self, caller: Caller, session: str, *, upstream: str = "") -> None:
        """Begin a session; `upstream` is the id that the server behind knows it by.

        Raises:
            Unavailable: the folder cannot be written.
        """
        try:
            self._sweep()
            folder = self._of(caller, session)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(folder / _UPSTREAM, upstream[:_MAX_UPSTREAM])
            sync_folder(folder)
        except OSError as error:
            raise Unavailable("deploy.guard:sessions-unwritable", cause=error.strerror or str(error)) from error

    def upstream(self, caller: Caller, session: str) -> str | None:
        """Return the id that the server behind knows a session by; None where this caller has no such session."""
        try:
            folder = self._of(caller, session)
            found = (folder / _UPSTREAM).read_text(encoding="utf-8")
            os.utime(folder)
        except (OSError, UnicodeDecodeError):
            return None
        return found

    def close(self, caller: Caller, session: str) -> None:
        """End a session: its id is worth nothing any more. What the agent saw in it still counts for a while."""
        (self._of(caller, session) / _UPSTREAM).unlink(missing_ok=True)

    def add(self, caller: Caller, session: str, labels: Iterable[str], *, carried: bool = True) -> None:
        """Put labels on a session; on disk when this returns.

        Args:
            caller: whose session it is.
            session: the session.
            labels: what it has seen now.
            carried: whether that counts, for a while, in the agent's other sessions too. It does not where one key
                serves the conversations of many people.

        Raises:
            Unavailable: they cannot be kept, and so nothing that depends on them may go on.
        """
        wanted = frozenset(labels)
        if not wanted:
            return
        try:
            own, agent = self._folders(caller, session)
            for folder in (own, agent) if carried else (own,):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                new = wanted - set(os.listdir(folder))  # noqa: PTH208 - half the time of iterdir, on every step
                for label in wanted:
                    os.close(os.open(folder / label, os.O_WRONLY | os.O_CREAT, 0o600))
                    os.utime(folder / label)
                os.utime(folder)
                if new:
                    sync_folder(folder)
        except OSError as error:
            raise Unavailable("deploy.guard:sessions-unwritable", cause=error.strerror or str(error)) from error

    def labels(self, caller: Caller, session: str) -> frozenset[str]:
        """Return the labels of a session, and those its agent brought from others not long ago."""
        own, carried = self._folders(caller, session)
        found = set(_listed(own)) if session else set()
        ending = time.time() - CARRIED_SECONDS
        for label in _listed(carried):
            if label not in found and _touched(carried / label) > ending:
                found.add(label)
        found.discard(_UPSTREAM)
        return frozenset(found)

    def _folders(self, caller: Caller, session: str) -> tuple[Path, Path]:
        carried = self._folder / ("agent-" + _name(*caller.agent))
        return (self._of(caller, session) if session else carried), carried

    def _of(self, caller: Caller, session: str) -> Path:
        return self._folder / _name(*caller, session)

    def _sweep(self) -> None:
        """Forget what nothing happened in for long."""
        now = time.time()
        if now - self._swept < _SWEEP_SECONDS or not self._folder.is_dir():
            return
        self._swept = now
        for folder in self._folder.iterdir():
            if now - _touched(folder) > KEPT_SECONDS:
                with contextlib.suppress(OSError):  # somebody else sweeps too, or uses it just now
                    for path in folder.iterdir():
                        path.unlink(missing_ok=True)
                    folder.rmdir()


def _name(*parts: str) -> str:
    """Return a folder's name; the parts' lengths are in it, so that no two callers share one."""
    return sha256("".join(f"{len(part)}:{part}" for part in parts).encode(errors="surrogatepass")).hexdigest()


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - half the time of iterdir, on every step
    except FileNotFoundError:
        return []


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _write(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
