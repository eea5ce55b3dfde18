"""Pins: what each thing told the model when a person approved it, by digest; what differs later is a rug pull."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from jingwei.core.errors import InputError

_LARGEST = 8 * 1024 * 1024


class Pins(BaseModel):
    """The file of pins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    things: Mapping[str, str]
    """Path of each thing, such as `tools.json!add`, with the digest of all it tells."""


def read_pins(path: Path) -> Pins:
    """Read pins.

    Raises:
        InputError: the file is not there, or holds no pins.
    """
    try:
        with path.open("rb") as file:
            return Pins.model_validate_json(file.read(_LARGEST))
    except (OSError, ValidationError) as error:
        raise InputError("deploy.agents:pins-unread", field="pins", path=str(path)) from error


def write_pins(things: Mapping[str, str], path: Path) -> None:
    """Write pins: what is approved from now on."""
    made = Pins(things=dict(sorted(things.items())))
    path.write_text(json.dumps(made.model_dump(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
