"""The terminal, called as a person calls it: arguments in, exit code and two streams out."""

import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest

from jingwei.faces.cli import main
from jingwei.faces.cli.language import current

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "assistant"


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


PASSWORD = "correct horse battery staple"
PEOPLE = {"lin": "system_owner", "zhao": "security"}
Call = Callable[..., Done]


@contextmanager
def terminal(home: Path) -> Iterator[Call]:
    """Give `jingwei …` in this process, on one home."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JINGWEI_ACCOUNT", "JINGWEI_PASSWORD", "JINGWEI_NEW_PASSWORD", "JINGWEI_CODE", "JINGWEI_DATABASE"):
            patch.delenv(name, raising=False)
        patch.chdir(home.parent)
        yield lambda *arguments, lang="en", **environment: _called(arguments, {
            "JINGWEI_HOME": str(home), "JINGWEI_LANG": lang, "COLUMNS": "160", **environment,
        })  # fmt: skip
    current.cache_clear()


def _called(arguments: tuple[object, ...], environment: dict[str, str]) -> Done:
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["jingwei", *map(str, arguments)])
        patch.setattr(sys, "stdin", StringIO())
        current.cache_clear()
        with pytest.raises(SystemExit) as ended:
            main()
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def example_at(place: Path) -> Path:
    """Copy the example, with a file where its model lies."""
    shutil.copytree(EXAMPLE, place)
    (place / "model.gguf").write_bytes(b"GGUF" + bytes(64))
    return place


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's files, for tests that do not change them."""
    return example_at(tmp_path_factory.mktemp("example") / "assistant")


class Model(BaseHTTPRequestHandler):
    """A model's server that gives the same short answer to everything."""

    protocol_version = "HTTP/1.1"
    says = "The handbook says fifteen days."

    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": self.says}
        body = json.dumps({
            "id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def model() -> Iterator[str]:
    """The address of such a server."""
    with serving(Model) as url:
        yield url


@pytest.fixture
def refusing_model() -> Iterator[str]:
    """The address of one that refuses everything."""
    with serving(type("Refusing", (Model,), {"says": "I am sorry, but I cannot help with that."})) as url:
        yield url


@contextmanager
def serving(kind: type[Model]) -> Iterator[str]:
    """Serve on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example's files."""
    return example_at(tmp_path / "assistant")


@pytest.fixture
def jingwei(tmp_path: Path) -> Iterator[Call]:
    """The terminal, on a home that does not exist yet."""
    with terminal(tmp_path / "home") as call:
        yield call


@pytest.fixture(scope="session")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the example registered and two people beside the local accounts, to copy."""
    place = tmp_path_factory.mktemp("governed")
    with terminal(place / "home") as call:
        assert call("system", "register", example_at(place / "assistant") / "system.yaml").code == 0
        for login, role in PEOPLE.items():
            done = call("account", "create", login, "--role", role, JINGWEI_NEW_PASSWORD=PASSWORD)
            assert done.code == 0, done.err
    return place / "home"


@pytest.fixture
def registered(governed: Path, tmp_path: Path) -> Iterator[Call]:
    """The terminal, on a home with the example registered; lin owns Systems, zhao is security."""
    shutil.copytree(governed, tmp_path / "home")
    with terminal(tmp_path / "home") as call:
        yield call
