"""A child in a cage: started without a network, heard over its pipes within bounds, killed as a whole."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

LONGEST_LINE = 10 * 1024 * 1024
MOST_BYTES = 32 * 1024 * 1024
"""What one child may say in all."""
_MOST_COMPLAINT = 4_096
_LIMITS = {"RLIMIT_CPU": 30, "RLIMIT_FSIZE": 16 * 1024 * 1024, "RLIMIT_NOFILE": 256, "RLIMIT_AS": 4 * 1024**3,
           "RLIMIT_NPROC": 512, "RLIMIT_CORE": 0}  # fmt: skip
_CHUNK = 65_536
_REFUSED = 97
"""What `cage.py` exits with where the kernel does not allow the cage."""


class CageError(Exception):
    """A child that could not be started or heard, with the name of the reason among the package's texts."""

    def __init__(self, reason: str, about: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.about = about


class Caged:
    """A running child: lines go in, lines come out until a deadline."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("a caged child is spoken to over pipes")
        self._in, self._out, self._errors = process.stdin, process.stdout, process.stderr
        self._process = process
        self._deadline = deadline
        self._rest = bytearray()
        self._heard = 0
        self._complaint = bytearray()

    def say(self, message: object) -> None:
        """Send one message as a line.

        Raises:
            CageError: the child is gone.
        """
        try:
            self._in.write(json.dumps(message).encode() + b"\n")
            self._in.flush()
        except OSError as error:
            raise CageError("gap-ended", self.complaint()) from error

    def lines(self) -> Iterator[bytes]:
        """Give each line that the child says.

        Raises:
            CageError: it says too much, nothing in time, or ended.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._errors, selectors.EVENT_READ)
            while True:
                at = self._rest.find(b"\n")
                if at >= 0:
                    line = bytes(self._rest[:at])
                    del self._rest[: at + 1]
                    yield line
                    continue
                self._hear(selector)

    def _hear(self, selector: selectors.BaseSelector) -> None:
        left = self._deadline - time.monotonic()
        ready = selector.select(left) if left > 0 else []
        if not ready:
            raise CageError("gap-silent", self.complaint())
        for key, _ in ready:
            chunk = os.read(key.fd, _CHUNK)
            if key.fileobj is self._errors:
                self._complaint += chunk[: _MOST_COMPLAINT - len(self._complaint)]
                if not chunk:
                    selector.unregister(key.fileobj)
                continue
            if not chunk:
                refused = self._process.wait() == _REFUSED
                raise CageError("gap-no-cage" if refused else "gap-ended", self.complaint())
            self._heard += len(chunk)
            self._rest += chunk
            if self._heard > MOST_BYTES or len(self._rest) > LONGEST_LINE + _CHUNK:
                raise CageError("gap-talks-too-much")

    def complaint(self) -> str:
        """Return the last line of what the child wrote to standard error."""
        said = self._complaint.decode("utf-8", "replace").strip().splitlines()
        return said[-1][:300] if said else ""


@contextmanager
def caged(command: Sequence[str], folder: Path, *, seconds: float) -> Iterator[Caged]:
    """Start a command in a cage and kill it, with all its children, at the end.

    Raises:
        CageError: there is no such command, or the kernel does not allow the cage.
    """
    if sys.platform != "linux":
        raise CageError("gap-no-cage", sys.platform)
    program = shutil.which(command[0], path=os.environ.get("PATH", os.defpath)) if command else None
    if program is None:
        raise CageError("gap-no-program", command[0] if command else "")
    with tempfile.TemporaryDirectory(prefix="jingwei-cage-") as home, _script() as script:
        environment = {"HOME": home, "TMPDIR": home, "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8",
                       "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}  # fmt: skip
        told = {"home": home, "limits": _LIMITS, "folder": str(folder), "program": program,
                "arguments": list(command), "environment": environment}  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script), json.dumps(told)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd="/", env={"PATH": os.defpath}, start_new_session=True,
        )  # fmt: skip
        try:
            yield Caged(process, time.monotonic() + seconds)
        finally:
            _end(process)


@contextmanager
def _script() -> Iterator[Path]:
    with as_file(files("jingwei.deploy.agents").joinpath("cage.py")) as path:
        yield path


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the group; the kernel then ends everything that was started inside the cage."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    process.wait()
