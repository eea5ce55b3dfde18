"""What is being examined: the parts of the running configuration, observed where the check can see them.

Observed twice, before the first attempt and after the last. When the two differ, the run proves nothing about either.
"""

import asyncio
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import digest, file_digest
from jingwei.core.check import Run
from jingwei.core.configuration import ABSENT, Configuration
from jingwei.core.errors import InputError, Unavailable
from jingwei.core.target import TargetKind
from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.exchange import Fault
from jingwei.develop.evaluate.subjects.openai import OpenAiSubject, first_model


class Observation(BaseModel):
    """One look at the target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_name: str
    configuration: Configuration


async def observe(subject: OpenAiSubject, run: Run, briefing: Briefing, *, model_file: Path | None) -> Observation:
    """Look at the target once.

    Raises:
        Unavailable: the endpoint cannot be reached, or a gateway does not tell its configuration.
        InputError: the model file cannot be read.
    """
    listed = await subject.get("models")
    reported = "" if isinstance(listed, Fault) else first_model(listed)
    seen = {"prompt"} if briefing.registered_tools else {"prompt", "tools"}
    model = digest(reported or run.target.name)
    if model_file is not None:
        model = await asyncio.to_thread(_file_digest, model_file)
        seen.add("model")
    parts = {"policy": ABSENT, "gateway": ABSENT}
    if run.target.kind is TargetKind.GATEWAY:
        parts |= await _gateway(subject, run)
    seen |= parts.keys()
    configuration = Configuration.model_validate(
        {"model": model, "prompt": briefing.prompt_digest, "tools": briefing.tools_digest, "observed": sorted(seen)}
        | parts
    )
    return Observation(model_name=run.target.name or reported, configuration=configuration)


async def _gateway(subject: OpenAiSubject, run: Run) -> dict[str, str]:
    """Ask the gateway what it enforces: its policy and version, and the tools it lets through."""
    found = await subject.get("/jingwei/configuration")
    told = {} if isinstance(found, Fault) else {name: found.get(name) for name in ("policy", "gateway", "tools")}
    parts = {name: value for name, value in told.items() if isinstance(value, str) and value}
    if not parts.keys() >= {"policy", "gateway"}:
        raise Unavailable("develop.evaluate:gateway-silent", field="target", url=run.target.locator)
    return parts


def _file_digest(path: Path) -> str:
    try:
        return file_digest(path.expanduser())
    except OSError as error:
        raise InputError("develop.evaluate:model-file-unreadable", field="model_file", name=path.name,
                         problem=error.strerror or "") from error  # fmt: skip
