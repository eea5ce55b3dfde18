"""Lines: what comes on standard input, one JSON object a line, read in bounded memory and told with its mend.

`jingwei detect` judges texts so, `jingwei judge` answers; what their lines hold beyond an id is theirs.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import orjson

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError

MAX_LINE_BYTES = 10_000_000
_PIECE = 1 << 20
_MAX_NAME = 1_000
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line as it came; None where it was longer than a line may be."""

    number: int
    raw: bytes | None


def lines_of(stream: BinaryIO) -> Iterator[Line]:
    """Give the lines of a stream as they come, in bounded memory; empty lines say nothing."""
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
            while (rest := stream.readline(_PIECE)) and not rest.endswith(b"\n"):
                pass
            yield Line(number, None)
            continue
        raw = raw.removeprefix(_BOM) if number == 1 else raw
        if not raw.isspace():
            yield Line(number, raw)


def object_of(raw: bytes | None, *, shape: str) -> dict[str, Json]:
    """Read the object in a line.

    Args:
        raw: the line; None stands for one that was too long.
        shape: what it should hold, as an error shows it: `{"id", "text"}`.

    Raises:
        InputError: it is too long, no JSON, or no object.
    """
    if raw is None:
        raise InputError("core:line-too-long", limit=f"{MAX_LINE_BYTES:,}")
    try:
        given = orjson.loads(raw)
    except ValueError as error:  # not JSON, not UTF-8, half a character, nested too deeply
        raise InputError("core:line-not-json", why=str(error)) from error
    if not isinstance(given, dict):
        raise InputError("core:line-not-an-object", found=type(given).__name__, shape=shape)
    return given


def id_of(given: dict[str, Json]) -> str | int | float:
    """Return what a line is called.

    Raises:
        InputError: it has no id, or one that is no name.
    """
    name = given.get("id")
    if not isinstance(name, str | int | float) or isinstance(name, bool) or len(str(name)) > _MAX_NAME:
        raise InputError("core:line-id", field="id", limit=_MAX_NAME)
    return name


def text_of(given: dict[str, Json], name: str, *, missing: str | None = None) -> str:
    """Return a text of a line, `missing` where it is left out.

    Raises:
        InputError: it is no text, or left out where it must not be.
    """
    value = given.get(name)
    if value is None:
        value = missing
    if not isinstance(value, str):
        raise InputError("core:line-text", field=name, name=name)
    return value
