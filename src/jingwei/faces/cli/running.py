"""A running Jingwei: console, API, gateway, relay, sealer and the job process, started together and ended together."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from jingwei.core.errors import Conflict, Unavailable
from jingwei.core.settings import Settings

if TYPE_CHECKING:
    import uvicorn

    from jingwei.platform import Platform

LOCK = "serve.lock"
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
    any_port: bool = False
    """Take a free port for the gateway: it serves this process alone."""
    _servers: list["uvicorn.Server"] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _ending: ExitStack = field(default_factory=ExitStack)
    _gateway_port: int = 0

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
        return f"http://{self.settings.host}:{self._gateway_port or self.settings.gateway_port}/v1"

    def __enter__(self) -> Self:
        with ExitStack() as begun:
            self._begin(begun)
            self._ending = begun.pop_all()  # everything started: it ends with this object, not now
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    def _begin(self, begun: ExitStack) -> None:
        """Start every part; what was started ends in the opposite order, also where a later part does not start."""
        lock = begun.enter_context(_hold(self.settings.home / LOCK))
        console_socket = bound(self.settings.host, self.settings.port) if self.with_console else None
        if console_socket:
            begun.callback(console_socket.close)
        port = 0 if self.any_port else self.settings.gateway_port
        gateway_socket = begun.enter_context(bound(self.settings.host, port))
        self._gateway_port = gateway_socket.getsockname()[1]
        begun.callback(self.platform.close)
        self.platform.prepare()
        begun.enter_context(self.platform.sealer)
        self.platform.relay.start()
        begun.callback(self.platform.relay.stop)
        begun.callback(self._end_servers)
        self._serve(_gateway_app(self.settings), gateway_socket, name="gateway")
        if console_socket:
            self._serve(_console_app(self.platform), console_socket, name="console")
        if self.with_jobs:
            begun.callback(JobProcess(self.settings).close)
        self._wait()
        if self.with_console:
            self._tell_address(lock)

    def _tell_address(self, lock: IO[bytes]) -> None:
        """Write where the gateway is into the lock file, for commands that need one."""
        lock.truncate(0)
        lock.write(self.gateway_url.removesuffix("/v1").encode())
        lock.flush()

    def _end_servers(self) -> None:
        for server in self._servers:
            server.should_exit = True
        for thread in self._threads:
            thread.join(timeout=10)

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
        self._turn = threading.Lock()
        self._process = self._start()
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Return the present child's process id."""
        return self._process.pid

    def close(self) -> None:
        """End the child and do not start it again."""
        with self._turn:  # no child is being started that would be left behind
            self._ending.set()
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()

    def _start(self) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **environment_of(self._settings)}
        command = [sys.executable, "-m", "jingwei.platform.worker"]
        return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)

    def _watch(self) -> None:
        while True:
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
            if self._ending.wait(_RESTART_SECONDS):
                return
            with self._turn:
                if self._ending.is_set():
                    return
                self._process = self._start()


def environment_of(settings: Settings) -> dict[str, str]:
    """Write settings as environment variables, for a child process."""
    return {
        "JINGWEI_HOME": str(settings.home.resolve()),
        "JINGWEI_DATABASE": settings.database,
        "JINGWEI_PACKS": json.dumps([str(path) for path in settings.packs]),
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
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("ab")
    except OSError as error:
        why = error.strerror or str(error)
        raise Unavailable("faces.cli:serve-home-unwritable", field="home", path=str(path.parent), why=why) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Conflict("faces.cli:serve-home-taken", field="home", path=str(path.parent)) from error
    return file


def serving_gateway(settings: Settings) -> str | None:
    """Return the root address of the gateway that another process serves for this home, or none."""
    path = settings.home / LOCK
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return path.read_bytes()[:200].decode(errors="replace") or None
    return None


@contextmanager
def gateway_for(platform: "Platform", url: str | None) -> Iterator[str]:
    """Give the root address of a gateway: the one named, the one that serves this home, or one for this command."""
    served = url or serving_gateway(platform.settings)
    if served:
        yield served.rstrip("/").removesuffix("/v1")
        return
    with Running(platform, with_jobs=False, with_console=False, any_port=True) as running:
        yield running.gateway_url.removesuffix("/v1")


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
