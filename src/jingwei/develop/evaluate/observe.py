"""What is being examined: the parts of the running configuration, observed where the check can see them.

Observed twice, before the first attempt and after the last. When the two differ, the run proves nothing about either.
"""

import asyncio
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import digest, file_digest
from jingwei.core.check import Run
from jingwei.core.configuration import ABSENT, Configuration
from jingwei.core.errors import InputError, Unavailable
from jingwei.core.target import TargetKind
from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.endpoint import Endpoint, Limits
from jingwei.develop.evaluate.exchange import Fault


class Observation(BaseModel):
    """One look at the target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_name: str
    configuration: Configuration


async def model_name(endpoint: Endpoint, run: Run, *, limits: Limits) -> str:
    """Return the name the target was given, or the first model the endpoint lists, or an empty string.

    Raises:
        Unavailable: the endpoint cannot be reached or does not accept the key.
    """
    if run.target.name:
        return run.target.name
    listed = await endpoint.get(run, "models", limits=limits)
    return "" if isinstance(listed, Fault) else _first_model(listed)


async def observe(endpoint: Endpoint, run: Run, briefing: Briefing, *, limits: Limits,
                  model_file: Path | None) -> Observation:  # fmt: skip
    """Look at the target once.

    Raises:
        Unavailable: the endpoint cannot be reached, or a gateway does not tell its configuration.
        InputError: the model file cannot be read.
    """
    listed = await endpoint.get(run, "models", limits=limits)
    reported = "" if isinstance(listed, Fault) else _first_model(listed)
    seen = {"prompt"} if briefing.registered_tools else {"prompt", "tools"}
    model = digest(reported or run.target.name)
    if model_file is not None:
        model = await asyncio.to_thread(_file_digest, model_file)
        seen.add("model")
    parts = {"policy": ABSENT, "gateway": ABSENT}
    if run.target.kind is TargetKind.GATEWAY:
        parts |= await _gateway(endpoint, run, limits=limits)
    seen |= parts.keys()
    configuration = Configuration.model_validate(
        {"model": model, "prompt": briefing.prompt_digest, "tools": briefing.tools_digest, "observed": sorted(seen)}
        | parts
    )
    return Observation(model_name=run.target.name or reported, configuration=configuration)


async def _gateway(endpoint: Endpoint, run: Run, *, limits: Limits) -> dict[str, str]:
    """Ask the gateway what it enforces: its policy and version, and the tools it lets through."""
    found = await endpoint.get(run, "jingwei/configuration", limits=limits)
    told = {} if isinstance(found, Fault) else {name: found.get(name) for name in ("policy", "gateway", "tools")}
    parts = {name: value for name, value in told.items() if isinstance(value, str) and value}
    if not parts.keys() >= {"policy", "gateway"}:
        raise Unavailable("develop.evaluate:gateway-silent", field="target", url=run.target.locator)
    return parts


def _first_model(listed: dict[str, Any]) -> str:
    try:
        name = listed["data"][0]["id"]
    except (KeyError, IndexError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def _file_digest(path: Path) -> str:
    try:
        return file_digest(path.expanduser())
    except OSError as error:
        raise InputError("develop.evaluate:model-file-unreadable", field="model_file", name=path.name,
                         problem=error.strerror or "") from error  # fmt: skip
