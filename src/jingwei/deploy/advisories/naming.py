"""What an AI component is called: one name for its many spellings, and the packages that are the component itself."""

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data

_SEPARATORS = re.compile(r"[-_.\s/]+")


class Naming(BaseModel):
    """The table of names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    same: dict[str, str]
    packages: dict[str, dict[str, str]]
    severities: dict[str, str]


@lru_cache(maxsize=1)
def naming() -> Naming:
    """Return the table of names."""
    return Naming.model_validate(package_data(__package__, "naming.yaml"))


@lru_cache(maxsize=4096)
def component_name(name: str) -> str:
    """Return the one name of an AI component."""
    spelt = _SEPARATORS.sub("-", name.strip().lower()).strip("-")
    return naming().same.get(spelt, spelt)


def component_of(ecosystem: str, package: str) -> str:
    """Return the AI component that a package is; empty where it is none."""
    return naming().packages.get(ecosystem, {}).get(package, "")
