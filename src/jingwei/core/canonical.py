"""Canonical JSON (RFC 8785) and its SHA-256: one value, one byte sequence, one digest."""

import hashlib
from pathlib import Path

import rfc8785
from pydantic import BaseModel

# Any: JSON is what it is.
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a JSON value or a pydantic model.

    Raises:
        rfc8785.CanonicalizationError: a number beyond ±2^53, or a value JSON cannot say.
    """
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return rfc8785.dumps(plain)  # type: ignore[arg-type]  # its annotation is narrower than what it accepts


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def named_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Make an object of its pairs, for `json.loads(object_pairs_hook=…)`: of two equal names readers take either.

    Raises:
        ValueError: a name stands there twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
