"""JSON that somebody else wrote: read within limits, walked without recursion."""

import json
from collections.abc import Iterator
from typing import Any

MOST_NODES = 2_000_000


def read_json(text: str) -> Any:  # any JSON; every reader checks what it takes
    """Read a JSON text; comments and a mark of byte order are no error.

    Raises:
        ValueError: it is no JSON, or nested too deep.
    """
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except RecursionError as error:
        raise ValueError from error


def objects(value: Any) -> Iterator[dict[str, Any]]:  # any JSON
    """Walk all objects of a JSON value."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(inner for inner in node.values() if isinstance(inner, dict | list))
        elif isinstance(node, list):
            waiting.extend(inner for inner in node if isinstance(inner, dict | list))


def strings(value: Any) -> Iterator[str]:  # any JSON
    """Walk all strings of a JSON value."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
