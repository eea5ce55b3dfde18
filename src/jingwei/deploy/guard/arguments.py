"""Arguments of a tool call, read strictly: what two readers could understand differently is refused."""

import json

from jingwei.core.canonical import Json, named_once
from jingwei.core.errors import InputError
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.verdict import Path

MAX_ARGUMENT_CHARACTERS = 64 * 1024
MAX_DEPTH = 16


def read_arguments(written: str) -> dict[str, Json]:
    """Read the arguments of a call.

    Raises:
        ValueError: they are no object, or name a key twice.
        RecursionError: they are nested too deeply.
    """
    parsed = json.loads(written or "{}", object_pairs_hook=named_once)
    if not isinstance(parsed, dict):
        raise ValueError  # noqa: TRY004 - one error for whatever cannot be read
    return parsed


def leaves(value: Json, path: Path = ()) -> list[Passage]:
    """Return every text, number and key of the arguments with its path.

    Raises:
        InputError: they are nested too deeply.
    """
    if len(path) > MAX_DEPTH:
        raise InputError("deploy.guard:too-deep", field="arguments", place="arguments", limit=MAX_DEPTH)
    if isinstance(value, str):
        return [Passage(path, value, role="assistant")]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [Passage(path, str(value), role="assistant")]
    if isinstance(value, list):
        return [leaf for place, entry in enumerate(value) for leaf in leaves(entry, (*path, place))]
    if isinstance(value, dict):
        keys = [Passage((*path, "(key)"), key, fixed=True, role="assistant") for key in value]
        return keys + [leaf for key, entry in value.items() for leaf in leaves(entry, (*path, key))]
    return []
