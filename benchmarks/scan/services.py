"""Real AI services on loopback, each in its own virtual environment and started only while it is looked at."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

HERE = Path(__file__).parent
START_SECONDS = 200


def services():
    """Return every service that can be started, by name."""
    return yaml.safe_load((HERE / "services.yaml").read_text(encoding="utf-8"))


def installed(service, environments):
    """Return the folder of a service's programs; none where its environment is not there."""
    folder = Path(environments) / service["environment"] / "bin"
    return folder if (folder / "python").exists() else None


def versions(service, environments):
    """Return the versions of which one must be told; none where no answer tells it."""
    python = installed(service, environments) / "python"
    code = "import sys, importlib.metadata as m; print(*(m.version(n) for n in sys.argv[1:]))"
    done = subprocess.run([python, "-c", code, *service.get("version", [])], capture_output=True, text=True, check=True)
    return done.stdout.split()


def _free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def _answers(port):
    """Tell whether a service is up and ready: some answer that they are still loading."""
    for path in ("", "no-such-path"):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5)
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                return False
        except (OSError, ValueError):
            return False
    return True


@contextlib.contextmanager
def running(service, environments):
    """Start a service and give its address; nothing where it does not come up. It is ended by its process group."""
    folder = installed(service, environments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as here:
        filled = {"port": str(_free_port()), "spare": str(_free_port()), "bin": str(folder), "here": here}

        def fill(text):
            for name, value in filled.items():
                text = text.replace("{" + name + "}", value)
            return text

        for name, content in service.get("files", {}).items():
            (Path(here) / name).write_text(fill(content), encoding="utf-8")
        env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        env |= {"HOME": here, "PATH": f"{folder}:{env['PATH']}"}
        env |= {name: fill(value) for name, value in service.get("env", {}).items()}
        log = (Path(here) / "log").open("wb")
        command = [fill(each) for each in service["command"]]
        process = subprocess.Popen(
            command, cwd=here, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield _address(process, int(filled["port"]))
        finally:
            for sent in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sent)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=8)
            log.close()


def _address(process, port):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if _answers(port):
            return f"http://127.0.0.1:{port}"
        time.sleep(0.5)
    return None
