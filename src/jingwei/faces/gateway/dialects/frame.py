"""One event of a stream, as both dialects write it."""

from collections.abc import Mapping

import orjson


def event(kind: str, value: Mapping[str, object]) -> bytes:
    """Return a named event of a stream."""
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **value}) + b"\n\n"
