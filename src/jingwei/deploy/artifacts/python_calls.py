"""What a call does, by its full name: the lists of `python_calls.yaml`."""

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data


class Calls(BaseModel):
    """Names by what calling them does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: frozenset[str]
    evaluates: frozenset[str]
    talks: frozenset[str]
    loads: frozenset[str]
    natives: frozenset[str]
    patches: frozenset[str]
    writes: frozenset[str]
    unveils: frozenset[str]
    reads: frozenset[str]
    sensitive: re.Pattern[str]
    shells: re.Pattern[str]
    hooks: frozenset[str]


@lru_cache(maxsize=1)
def calls() -> Calls:
    """Return what is known about calls."""
    return Calls.model_validate(package_data(__package__, "python_calls.yaml"))


def one_of(name: str, known: frozenset[str]) -> bool:
    """Tell whether a list holds a name, or everything below one of its parents."""
    parts = name.split(".")
    return name in known or any(".".join(parts[:count]) + ".*" in known for count in range(1, len(parts)))
