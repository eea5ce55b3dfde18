"""Inspect as a backend: a task that somebody else wrote, run against our target, its log kept and judged again.

The task is a program and runs with the rights of whoever starts it, as a Python function under test does; so it is
started from the terminal and from Python alone, never through the platform. It runs in a process of its own, one task a
process, with a small environment: no key but the target's own.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr, ValidationError

from jingwei.core.errors import InputError, NotFound, Unavailable
from jingwei.develop.evaluate.backends import inspect_worker
from jingwei.develop.evaluate.evaluation import Evaluation, SubjectCard
from jingwei.develop.evaluate.intake import read_log, rejudge
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.target_file import ApiTarget

LOG = "inspect.eval"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR",
         "LD_LIBRARY_PATH", "DOCKER_HOST", "XDG_RUNTIME_DIR")  # fmt: skip
"""What the task's process sees of our environment."""
_LARGEST = 1024 * 1024
_LONGEST_WHY = 400


@dataclass(frozen=True, slots=True)
class Job:
    """One task, and against what."""

    task: str
    """`FILE.py`, or `FILE.py@name` where the file holds several."""
    target: ApiTarget
    model: str
    key: SecretStr | None = None
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    limit: int | None = None
    seed: int = 20260101
    python: Path = Path(sys.executable)
    """A Python that has `inspect_ai`."""


class Figure(BaseModel):
    """A number that the task itself gave."""

    model_config = ConfigDict(frozen=True)

    scorer: str
    name: str
    value: float


class _Said(BaseModel):
    """What the process left."""

    failed: Literal["", "missing", "several", "task"] = ""
    why: str = ""
    names: tuple[str, ...] = ()
    log: str = ""
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A task that came to its end."""

    log: Path
    figures: tuple[Figure, ...]


def task_of(given: str) -> str:
    """Return a task with its file's full path.

    Raises:
        NotFound: there is no such file.
    """
    named, at, name = given.rpartition("@")
    path = Path(named if at else given).expanduser()
    if path.suffix != ".py" or not path.is_file():
        raise NotFound("develop.evaluate:inspect-no-task", field="task", file=str(path))
    return f"{path.resolve()}{at}{name if at else ''}"


def run_inspect(job: Job, out: Path) -> Done:
    """Run the task and keep its log as `inspect.eval`.

    Raises:
        NotFound: there is no such task file.
        InputError: that Python has no Inspect, the file holds several tasks, or the target speaks another dialect.
        Unavailable: the task failed, or the folder cannot be written.
    """
    if job.target.kind != "openai":
        raise InputError("develop.evaluate:inspect-target", field="target")
    task = task_of(job.task)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".inspect-") as name:
            folder = Path(name)
            said = _said(_start(job, task, folder), folder)
            log = folder / Path(said.log).name
            if not said.log or not log.is_file():
                raise Unavailable("develop.evaluate:inspect-failed", field="task", why=said.why or "-")
            return Done(log.replace(out / LOG), said.figures)
    except OSError as error:
        raise Unavailable("core:file-unusable", field="out", place=str(out)) from error


def judged(done: Done, job: Job) -> tuple[Evaluation, list[Result]]:
    """Judge every answer of the log by our judge; the evaluation names the target, and the log's hash.

    Raises:
        InputError: the log is damaged.
    """
    evaluation, results = rejudge(read_log(done.log), done.log)
    card = SubjectCard(kind=job.target.kind, locator=job.target.file or job.target.url, model=job.model,
                       digest=evaluation.subject.digest)  # fmt: skip
    return evaluation.model_copy(update={"subject": card, "seed": job.seed}), results


def _start(job: Job, task: str, folder: Path) -> int:
    """Run the process to its end and return its exit status."""
    asked = {
        "task": task.rpartition(os.sep)[2], "url": job.target.url, "model": job.model,
        "arguments": dict(job.arguments), "limit": job.limit, "seed": job.seed,
        "key": job.key.get_secret_value() if job.key else "",
        "folder": str(folder), "concurrency": job.target.concurrency,
    }  # fmt: skip
    with (folder / "complaints").open("wb") as complaints:
        try:
            process = subprocess.Popen(  # the command is the Python that was named, and our own worker
                [str(job.python), str(Path(inspect_worker.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                env={name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONUTF8": "1"},
                cwd=task.rpartition(os.sep)[0],
            )
        except OSError as error:
            raise InputError("develop.evaluate:inspect-missing", field="python", python=str(job.python)) from error
    return _awaited(process, orjson.dumps(asked) + b"\n")


def _awaited(process: "subprocess.Popen[bytes]", line: bytes) -> int:
    """Tell the process its task and wait; its standard input stays open, and closes with us, which ends it."""
    with suppress(BrokenPipeError):  # where it is gone already, what it left says why
        if process.stdin:  # PIPE was asked for
            process.stdin.write(line)
            process.stdin.flush()
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.close()


def _said(status: int, folder: Path) -> _Said:
    """Read what the process left.

    Raises:
        InputError: its Python has no Inspect, or the file holds several tasks.
        Unavailable: it left nothing, or the task failed.
    """
    try:
        with (folder / "result.json").open("rb") as file:
            said = _Said.model_validate_json(file.read(_LARGEST))
    except (FileNotFoundError, ValidationError):
        lines = (folder / "complaints").read_bytes()[-_LARGEST:].decode(errors="replace").strip().splitlines()
        said = _Said(failed="task", why=lines[-1] if lines else f"exit status {status}")
    match said.failed:
        case "missing":
            raise InputError("develop.evaluate:inspect-missing", field="python", python=said.why)
        case "several":
            raise InputError("develop.evaluate:inspect-several", field="task", names=", ".join(said.names))
        case "task":
            raise Unavailable("develop.evaluate:inspect-failed", field="task", why=said.why[:_LONGEST_WHY])
        case _:
            return said
