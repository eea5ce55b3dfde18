"""What OpenAPI says about each operation, in both languages, and its examples."""

from functools import lru_cache
from typing import Any

from fastapi import Body

from jingwei.core.package_data import package_data
from jingwei.core.text import text


def both(key: str) -> str:
    """Return a text as one paragraph in each language."""
    said = text(key)
    return f"{said.en}\n\n{said.zh}"


def line(key: str) -> str:
    """Return a short text on one line, for a parameter."""
    said = text(key)
    return f"{said.en} · {said.zh}"


def said(key: str) -> dict[str, Any]:  # Any: keyword arguments of a route
    """Return what OpenAPI says about the operation of a text's name; the name is the operation's id too."""
    return {
        "summary": text(key).en.rstrip("."),
        "description": both(key),
        "operation_id": key.partition(":")[2],
    }


def given(name: str) -> Any:  # Any: what FastAPI reads from an annotation
    """Describe a JSON body by its example."""
    return Body(openapi_examples={name: {"value": _examples()[name]}})


@lru_cache
def _examples() -> dict[str, Any]:  # Any: JSON
    found: dict[str, Any] = package_data("jingwei.faces.api", "examples.yaml")
    return found
