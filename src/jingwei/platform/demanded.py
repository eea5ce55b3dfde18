"""Which suites, and how much of each, meet a gate's demand for evidence of a type."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Demanded(BaseModel):
    """What one type of evidence takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suites: tuple[str, ...] = Field(min_length=1)
    limit: int = Field(ge=1)
    """Attempts of each suite."""


@cache
def demanded() -> Mapping[str, Demanded]:
    """Return what each type takes, by its id."""
    content = files("jingwei.platform").joinpath("demanded.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Demanded]).validate_python(yaml.safe_load(content))
