"""Reading files that others wrote: regular files only, bounded, and never waiting for one that does not end."""

import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import yaml

from jingwei.core.canonical import file_digest

LARGEST = 64 * 1024 * 1024
"""Bytes of one lock file or document that are read; one with more is a gap."""
_LARGEST_YAML = 16 * 1024 * 1024
_LARGEST_HASHED = 512 * 1024**3
_HOLLOW = 4 * 1024**3
"""Size from which a file whose blocks are mostly not there is taken for a hole and not for weights."""
_SAFE_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 200


class Unreadable(Exception):  # noqa: N818 - a state, told as a gap
    """A file cannot be read in full; the reason is the key of a gap."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def content_of(path: Path, largest: int = LARGEST) -> bytes:
    """Return a file's content.

    Raises:
        Unreadable: no regular file, too large, or not to be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("gap-not-a-file")
            content = file.read(largest + 1)
    except OSError as error:
        raise Unreadable("gap-file") from error
    if len(content) > largest:
        raise Unreadable("gap-large")
    return content


def digest_of(path: Path) -> str:
    """Return a file's SHA-256, read in pieces.

    Raises:
        Unreadable: no regular file, not to be read, or larger than weights are: holes that claim to be a terabyte.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("gap-not-a-file")
        hollow = status.st_size > _HOLLOW and status.st_blocks * 512 < status.st_size // 2
        if hollow or status.st_size > _LARGEST_HASHED:
            raise Unreadable("gap-large")
        return file_digest(path)
    except (OSError, ValueError) as error:
        raise Unreadable("gap-file") from error


def text_of(path: Path, largest: int = LARGEST) -> str:
    """Return a file's text; bytes that are no UTF-8 become replacement characters.

    Raises:
        Unreadable: it cannot be read in full.
    """
    return content_of(path, largest).decode("utf-8-sig", "replace")


def json_of(path: Path) -> Any:  # Any: whatever the file says; readers look before they take
    """Return a JSON file's value.

    Raises:
        Unreadable: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise Unreadable("gap-syntax") from error


def toml_of(path: Path) -> dict[str, Any]:  # Any: as above
    """Return a TOML file's value.

    Raises:
        Unreadable: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(text_of(path, _LARGEST_YAML))
    except (ValueError, RecursionError) as error:
        raise Unreadable("gap-syntax") from error


def yaml_of(path: Path) -> Any:  # Any: as above
    """Return a YAML file's value.

    Raises:
        Unreadable: it cannot be read, is no YAML, or is built of aliases.
    """
    return yaml_value(text_of(path, _LARGEST_YAML))


def yaml_value(text: str) -> Any:  # Any: as above
    """Return a YAML text's value.

    Raises:
        Unreadable: it is no YAML, nests too deep, or is built of aliases, of which a few lines can stand for more than
            memory holds.
    """
    depth = 0
    try:
        for token in yaml.scan(text, Loader=_SAFE_LOADER):
            if isinstance(token, yaml.AliasToken):
                raise Unreadable("gap-syntax")
            opens = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.FlowMappingStartToken,
                     yaml.FlowSequenceStartToken)  # fmt: skip
            closes = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
            depth += isinstance(token, opens) - isinstance(token, closes)
            if depth > _DEEPEST:
                raise Unreadable("gap-syntax")
        return yaml.load(text, Loader=_SAFE_LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable("gap-syntax") from error


def as_list(value: object) -> list[Any]:  # Any: as above
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []


def as_mapping(value: object) -> dict[str, Any]:  # Any: as above
    """Return a mapping as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def line_of(value: object, longest: int = 200) -> str:
    """Return a text on one printable line, bounded; empty for anything that is no text or number."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    text = str(value).strip()[:longest]
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
