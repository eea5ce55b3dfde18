"""A running Jingwei: console, API, gateway, relay, sealer and the job process, started together and ended together."""

import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from jingwei.core.errors import Conflict, Unavailable
from jingwei.core.settings import Settings

if TYPE_CHECKING:
    import uvicorn

    from jingwei.platform import Platform

_START_SECONDS = 20.0
_RESTART_SECONDS = 1.0


@dataclass
class Running:
    """Everything `jingwei serve` and `jingwei demo` start. Use it as a context manager.

    Raises:
        Conflict: another Jingwei serves this home already.
        Unavailable: a port is taken, or a part does not start.
    """

    platform: "Platform"
    with_jobs: bool = True
    with_console: bool = True
    _servers: list["uvicorn.Server"] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _jobs: "JobProcess | None" = None
    _lock: IO[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """Return the platform's settings."""
        return self.platform.settings

    @property
    def console_url(self) -> str:
        """Return the console's address."""
        return f"http://{self.settings.host}:{self.settings.port}/"

    @property
    def gateway_url(self) -> str:
        """Return the gateway's OpenAI-compatible base URL."""
        return f"http://{self.settings.host}:{self.settings.gateway_port}/v1"

    def __enter__(self) -> Self:
        self._lock = _hold(self.settings.home / "serve.lock")
        console_socket = bound(self.settings.host, self.settings.port) if self.with_console else None
        gateway_socket = bound(self.settings.host, self.settings.gateway_port)
        self.platform.prepare()
        self.platform.relay.start()
        self.platform.sealer.__enter__()
        self._serve(_gateway_app(self.settings), gateway_socket, name="gateway")
        if console_socket:
            self._serve(_console_app(self.platform), console_socket, name="console")
        if self.with_jobs:
            self._jobs = JobProcess(self.settings)
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._jobs:
            self._jobs.close()
        for server in self._servers:
            server.should_exit = True
        for thread in self._threads:
            thread.join(timeout=10)
        self.platform.relay.stop()
        self.platform.sealer.close()
        self.platform.close()
        if self._lock:
            self._lock.close()

    def _serve(self, app: Any, listening: socket.socket, *, name: str) -> None:  # Any: an ASGI application
        import uvicorn

        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, server_header=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name=name, daemon=True)
        thread.start()
        self._servers.append(server)
        self._threads.append(thread)

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not all(server.started for server in self._servers):
            if time.monotonic() > deadline or not all(thread.is_alive() for thread in self._threads):
                raise Unavailable("faces.cli:serve-not-starting")
            time.sleep(0.02)


class JobProcess:
    """The one process that works off durable jobs; started again when it dies, for its jobs go on where they were."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ending = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Return the present child's process id."""
        return self._process.pid

    def close(self) -> None:
        """End the child and do not start it again."""
        self._ending.set()
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **environment_of(self._settings)}
        return subprocess.Popen([sys.executable, "-m", "jingwei.platform.worker"], env=environment, stdin=subprocess.PIPE)

    def _watch(self) -> None:
        while not self._ending.is_set():
            self._process.wait()
            if self._ending.wait(_RESTART_SECONDS):
                return
            self._process = self._start()


def environment_of(settings: Settings) -> dict[str, str]:
    """Write settings as environment variables, for a child process."""
    return {
        "JINGWEI_HOME": str(settings.home.resolve()),
        "JINGWEI_DATABASE": settings.database,
        "JINGWEI_PACKS": "[" + ",".join(f'"{path}"' for path in settings.packs) + "]",
        "JINGWEI_HOST": settings.host,
        "JINGWEI_PORT": str(settings.port),
        "JINGWEI_GATEWAY_PORT": str(settings.gateway_port),
    }


def bound(host: str, port: int) -> socket.socket:
    """Bind a port before anything else starts, so that a taken one is said at once.

    Raises:
        Unavailable: somebody else listens there, or the address is not this machine's.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise Unavailable("faces.cli:serve-port-taken", field="port", host=host, port=port) from error
    return listening


def _hold(path: Path) -> IO[bytes]:
    """Hold the home's lock for this process.

    Raises:
        Conflict: another process holds it.
        Unavailable: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise Unavailable("faces.cli:serve-home-unwritable", field="home", path=str(path.parent), why=str(error.strerror)) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Conflict("faces.cli:serve-home-taken", field="home", path=str(path.parent)) from error
    return file


def _gateway_app(settings: Settings) -> Any:  # Any: an ASGI application
    from jingwei.faces.gateway import GatewaySettings, gateway

    return gateway(
        GatewaySettings(
            snapshot_path=settings.snapshot_path,
            spool_path=settings.spool_path,
            snapshot_limit_seconds=settings.snapshot_limit_seconds,
        )
    )


def _console_app(platform: "Platform") -> Any:  # Any: an ASGI application
    from jingwei.faces.api import api
    from jingwei.faces.console import console

    app = console(platform)
    app.mount("/api", api(platform))
    return app
