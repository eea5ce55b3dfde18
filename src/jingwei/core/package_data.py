"""Data files that lie beside a package's code: its patterns, its tables, its examples."""

from importlib.resources import files
from typing import Any

import yaml


def package_data(package: str, name: str) -> Any:  # Any: whoever reads it checks it against a model of its own
    """Read a YAML file that lies in a package."""
    return yaml.safe_load(files(package).joinpath(name).read_text(encoding="utf-8"))
