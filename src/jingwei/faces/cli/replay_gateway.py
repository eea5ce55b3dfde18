"""`jingwei gateway` on a free loopback port, one System a sector, for the time of a replay.

`python -m jingwei.faces.cli.replay_gateway CONFIG` is the child: the gateway, which ends when its parent does.
"""

import http.client
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import SecretStr

from jingwei.core.errors import Unavailable
from jingwei.develop.evaluate.replay import replay_policy

_START_SECONDS = 60.0
_PAUSE_SECONDS = 0.05
_ENDING_SECONDS = 10.0
_LOG = "gateway.log"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/v1")


class Standing(NamedTuple):
    """A gateway that serves."""

    url: str
    keys: Mapping[str, SecretStr]
    """Of each sector's System."""
    pid: int


@contextmanager
def standing(folder: Path, upstream: str, *, sectors: Sequence[str],
             unheard: Sequence[str] = ("harm",)) -> Iterator[Standing]:  # fmt: skip
    """Start a gateway with the policy of each sector and end it afterwards.

    Args:
        folder: for its configuration, its spool and its log.
        upstream: address of the scripted model.
        sectors: each becomes a System with a key of its own.
        unheard: categories that the policies do not listen to; see `replay_policy`.

    Raises:
        Unavailable: it does not start.
    """
    keys = {name: SecretStr(f"jw-{name}-{secrets.token_hex(16)}") for name in sectors}
    environment = os.environ | {_variable(name): key.get_secret_value() for name, key in keys.items()}
    config, log = _written(folder, upstream, sectors, unheard=unheard), folder / _LOG
    with log.open("wb") as words:
        process = subprocess.Popen([sys.executable, "-P", "-m", __name__, str(config)], env=environment,
                                   stdin=subprocess.PIPE, stdout=words, stderr=words)  # fmt: skip
    try:
        yield Standing(_ready(process, log), keys, process.pid)
    finally:
        _end(process)


def _variable(name: str) -> str:
    return f"REPLAY_{name.upper()}"


def _written(folder: Path, upstream: str, sectors: Sequence[str], *, unheard: Sequence[str]) -> Path:
    """Write the gateway's configuration and the policies that it names."""
    for name in sectors:
        policy = yaml.safe_dump(replay_policy(name, unheard=unheard))
        (folder / f"{name}.yaml").write_text(policy, encoding="utf-8")
    systems = [
        {"name": name, "policy": f"{name}.yaml", "upstream": upstream,
         "keys": [{"name": name, "env": _variable(name)}]}
        for name in sectors
    ]  # fmt: skip
    config = folder / "gateway.yaml"
    told = {"listen": "127.0.0.1:0", "standalone": True, "systems": systems}
    config.write_text(yaml.safe_dump(told), encoding="utf-8")
    return config


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait until the gateway is ready and return its base address."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        said = _ADDRESS.search(log.read_text(encoding="utf-8", errors="replace"))
        if said and _answers(int(said[1])):
            return said[0]
        time.sleep(_PAUSE_SECONDS)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise Unavailable("faces.cli:replay-gateway-not-starting", why=lines[-1] if lines else "-")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/jingwei/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> None:
    """Wait until the parent closes our standard input, however it ends."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    from jingwei.faces.cli.gateway import run

    threading.Thread(target=_end_with_parent, daemon=True).start()
    run(config=Path(sys.argv[1]), workers=None, check=False)
