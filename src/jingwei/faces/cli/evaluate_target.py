"""Who takes part in an evaluation: what `--target`, `--judge` and `--attacker` name, served here where it is a file."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.develop.evaluate.order import Asked
    from jingwei.develop.evaluate.target_file import ApiTarget

PACKAGED = "packaged"
_MODEL_FILE = ".gguf"
FEW = 120
"""Attempts of each suite with the model that comes along, unless a person asks for another number: minutes."""
_PARALLEL, _THREADS = 2, 8
"""Answers under way at once, and the most threads that make them: half the cores, for threads wait for each other."""
_LONGEST_ANSWER = 96
"""Tokens: a small model on a processor speaks slowly, and whether it refuses shows early."""
_PATIENCE_SECONDS = 300


def asked(given: str, *, model: str, key_env: str | None, stack: ExitStack) -> "Asked":
    """Read a description; a model's file is served until the stack is closed.

    Raises:
        NotFound: there is no such file.
        InputError: the description is wrong, or there is no model that comes along.
        Unavailable: the model does not load.
    """
    from pydantic import SecretStr

    from jingwei.develop.evaluate.order import Asked
    from jingwei.develop.evaluate.target_file import read_target

    if given == PACKAGED or ("://" not in given and given.lower().endswith(_MODEL_FILE)):
        return Asked(target=_served(given, model, stack))
    target = read_target(given, model=model)
    name = key_env or target.key_env
    if name and name not in os.environ:
        raise click.UsageError(say("evaluate-key-missing", name=name))
    folder = None if "://" in given else Path(given).expanduser().resolve().parent
    return Asked(target=target, key=SecretStr(os.environ[name]) if name else None, folder=folder)


def _served(given: str, model: str, stack: ExitStack) -> "ApiTarget":
    """Serve a model's file on loopback, known by what is in it."""
    from jingwei.core.canonical import file_digest
    from jingwei.develop.evaluate.target_file import ApiTarget
    from jingwei.faces.cli.model import model_file
    from jingwei.platform.model_server import ALIAS, ModelServer

    path = model_file(None if given == PACKAGED else Path(given).expanduser())
    name = model or (ALIAS if given == PACKAGED else path.stem)
    threads = max(1, min(len(os.sched_getaffinity(0)) // 2, _THREADS))
    server = stack.enter_context(ModelServer(path, threads=threads, parallel=_PARALLEL, name=name))
    return ApiTarget(
        kind="openai",
        url=server.url,
        model=name,
        file=path.name,
        file_sha256=file_digest(path),
        parameters={"max_tokens": _LONGEST_ANSWER},
        concurrency=_PARALLEL,
        timeout_seconds=_PATIENCE_SECONDS,
    )
