"""Reading what a subject said: bounded, of the right shape or a fault, and without characters that nobody can write."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import JsonValue

from jingwei.develop.evaluate.exchange import Call, Fault, Usage

_THOUGHT = ("<think>", "</think>")
_DEEPEST = 64


def read_json(raw: bytes) -> Any | Fault:  # Any: JSON of an unknown shape
    """Read any JSON value; HTML has its own code, as it tells that something else answered."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = _lenient(raw)
    return found


def read_object(raw: bytes) -> dict[str, Any] | Fault:
    """Read one JSON object."""
    found = read_json(raw)
    return found if isinstance(found, dict | Fault) else Fault(reason="not-json")


def _lenient(raw: bytes) -> Any | Fault:  # Any: JSON
    """Read what other writers of JSON let pass: a lone surrogate, NaN."""
    head = raw[:512].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if head.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        return Fault(reason="html")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return Fault(reason="not-json")


def writable(text: str) -> str:
    """Replace lone surrogates, which no file and no database takes."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def arguments_of(given: object) -> Mapping[str, JsonValue]:
    """Read a call's arguments, an object or its JSON; nothing where they cannot be read."""
    found = read_json(given.encode("utf-8", "replace")) if isinstance(given, str) else given
    if not isinstance(found, dict) or _depth(found) > _DEEPEST:
        return {}
    cleaned: Mapping[str, JsonValue] = orjson.loads(json.dumps(found).encode()) if _strange(found) else found
    return cleaned


def _strange(found: dict[str, Any]) -> bool:
    try:
        orjson.dumps(found)
    except TypeError:
        return True
    return False


def _depth(value: object, deep: int = 0) -> int:
    if deep > _DEEPEST:
        return deep
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_depth(each, deep + 1) for each in inner), default=deep)


def call_of(name: object, arguments: object, *, given_id: object = "") -> Call:
    """Return one tool call.

    Raises:
        TypeError: it has no name.
    """
    if not isinstance(name, str) or not name:
        raise TypeError
    shown = given_id if isinstance(given_id, str) else ""
    return Call(name=writable(name), arguments=arguments_of(arguments), id=writable(shown))


def usage_of(found: object, asked: str, answered: str) -> Usage:
    """Read how many tokens an answer took; 0 where that is not told."""
    told = found if isinstance(found, Mapping) else {}
    return Usage(asked=count_of(told.get(asked)), answered=count_of(told.get(answered)))


def count_of(found: object) -> int:
    """Read a number of tokens; 0 where it is none that can be."""
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53 else 0


def thought_apart(text: str) -> tuple[str, str]:
    """Part a trace of thought that a model writes before its answer from the answer."""
    opened, closed = _THOUGHT
    head = text.lstrip()
    if not head.startswith(opened) or closed not in head:
        return "", text
    thought, _, said = head.removeprefix(opened).partition(closed)
    return thought.strip(), said.lstrip()
