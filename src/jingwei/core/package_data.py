"""Data files that lie beside a package's code: its patterns, its tables, its examples."""

from importlib.resources import files
from typing import Any

import yaml

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same reader, several times as fast where libyaml is there."""


def package_data(package: str, name: str) -> Any:  # Any: whoever reads it checks it against a model of its own
    """Read a YAML file that lies in a package."""
    return yaml.load(files(package).joinpath(name).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
