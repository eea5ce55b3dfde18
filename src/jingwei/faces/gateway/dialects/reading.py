"""Reading requests of other dialects strictly: what is not known by name and kind is refused, and goes nowhere.

A request is written anew from what was read, so a field that this gateway does not know could not pass in any case;
it is refused all the same, because whoever sent it believes that it counts.
"""

from collections.abc import Callable, Mapping
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.text import text
from jingwei.faces.gateway.refusal import Code, Refusal

Fields = dict[str, Json]
Kind = Callable[[Json], bool]


def wrong(place: str, problem: str, **values: object) -> Refusal:
    """Return a refusal that names a field and what is wrong with it."""
    return Refusal(Code.REQUEST_INVALID, place=place[:120], problem=text(f"faces.gateway:problem-{problem}", **values))


def mistyped(place: str, kind: str) -> Refusal:
    """Return the refusal of a field of another kind."""
    return wrong(place, "type", expected=text(f"faces.gateway:type-{kind}"))


_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "boolean": (bool,), "list": (list,), "object": (dict,), "number": (int, float),
}  # fmt: skip


def known(value: Json, kinds: Mapping[str, str], place: str = "") -> Fields:
    """Return an object whose fields are all known; those that are null are left out.

    Args:
        value: what was given.
        kinds: name → kind of each field: `text`, `boolean`, `list`, `object`, `number`, or empty for any.
        place: where it stands.

    Raises:
        Refusal: it is no object, or a field is unknown or of another kind.
    """
    if not isinstance(value, dict):
        raise mistyped(place or "body", "object")
    before = f"{place}." if place else ""
    for name, each in value.items():
        kind = kinds.get(name)
        if kind is None:
            raise wrong(f"{before}{name[:64]}", "unknown")
        if each is not None and kind and type(each) not in _TYPES[kind]:
            raise mistyped(f"{before}{name}", kind)
    return {name: each for name, each in value.items() if each is not None}


def listed(value: Json, place: str) -> list[Json]:
    """Return a list.

    Raises:
        Refusal: it is none, or empty.
    """
    if not isinstance(value, list) or not value:
        raise mistyped(place, "list")
    return value


def named(fields: Fields, name: str, place: str) -> str:
    """Return a text that must be there.

    Raises:
        Refusal: it is missing.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise wrong(f"{place}.{name}", "missing")
    return value


def one_of(value: Json, allowed: frozenset[str], place: str) -> str:
    """Return a word of a closed set.

    Raises:
        Refusal: it is another.
    """
    if not isinstance(value, str) or value not in allowed:
        raise wrong(place, "choice", allowed=", ".join(sorted(allowed)))
    return value


def taken(fields: Mapping[str, Json], names: Mapping[str, str]) -> Fields:
    """Return some fields under other names, where they are given."""
    return {new: fields[old] for old, new in names.items() if old in fields}


def written(value: Json) -> bytes:
    """Write a value as JSON.

    Raises:
        Refusal: it is nested more deeply than can be written again.
    """
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise Refusal(Code.BODY_UNREADABLE) from error


def text_part(value: str) -> Json:
    """Return a text as a part of a chat message."""
    return cast("Json", {"type": "text", "text": value})
