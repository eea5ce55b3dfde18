"""Source files as text: which language, which encoding, which cell of a notebook."""

import io
import json
import tokenize
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

from jingwei.core.package_data import package_data

_MAGIC = ("%", "!", "?")
_DEEP = 60


class Cells(NamedTuple):
    """The code of a notebook as one text, and where each of its lines stands."""

    text: str
    lines: tuple[tuple[int, int], ...]
    """Cell and line in the cell, both from 1, for each line of the text."""


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    return {end: name for name, ends in package_data(__package__, "languages.yaml").items() for end in ends}


def language_of(name: str) -> str:
    """Return the language of a file by its name, or nothing."""
    path = PurePosixPath(name.lower())
    if path.name.startswith((".env", "dockerfile")) or path.name == "makefile":
        return "text"
    return _languages().get(path.suffix, "")


def decoded(raw: bytes, *, python: bool) -> str | None:
    """Return a file as text, or none where it is no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        return None
    encoding = "utf-8"
    if python:
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(raw).readline)[0]
        except (SyntaxError, ValueError, LookupError):
            encoding = "utf-8"
    try:
        return raw.decode("utf-8-sig" if encoding.startswith("utf-8") else encoding)
    except (UnicodeDecodeError, LookupError):
        return raw.decode("latin-1")


def cells(text: str) -> Cells | None:
    """Return the code cells of a notebook, or none where it is none; what is no Python in them is left blank."""
    try:
        book = json.loads(text)
    except (ValueError, RecursionError):
        return None
    held = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(held, list):
        return None
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in enumerate(held, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        code = "".join(map(str, source)) if isinstance(source, list) else str(source)
        foreign = code.lstrip().startswith("%%")
        for line_number, line in enumerate(code.splitlines(), 1):
            magic = foreign or line.lstrip().startswith(_MAGIC)
            lines.append(" " * (len(line) - len(line.lstrip())) + "pass" if magic else line)
            places.append((number, line_number))
    return Cells("\n".join(lines) + "\n", tuple(places))
