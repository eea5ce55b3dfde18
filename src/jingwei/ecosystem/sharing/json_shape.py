"""Foreign JSON, taken as far as it has the shape that its form promises; the record's model checks the rest."""

from typing import Any

# Any and dict[str, Any]: JSON of others.


def listed(value: Any) -> list[Any]:
    """Return a list, or none where it is something else."""
    return value if isinstance(value, list) else []


def keyed(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [each for each in listed(value) if isinstance(each, dict)]


def line(value: Any, longest: int = 300) -> str:
    """Return the first line of a text, bounded; empty where it is none."""
    lines = value.strip().splitlines() if isinstance(value, str) else []
    return lines[0][:longest] if lines else ""


def filled(written: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty."""
    return {name: value for name, value in written.items() if value not in (None, "", [], {})}
