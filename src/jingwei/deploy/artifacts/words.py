"""A pickle's values in words: `os.system('id')`, bounded, with whatever cannot be told as an ellipsis."""

from typing import TYPE_CHECKING

from jingwei.deploy.artifacts.memo import BLOB, ENCODED, NUMBER, STRING, THING, TUPLE, Thing

if TYPE_CHECKING:
    from jingwei.deploy.artifacts.machine import Machine

_LONGEST = 60
_ROOM = 200
_DEEPEST = 4
_MOST_ITEMS = 6
_UNKNOWN = "…"
_HEAD = 24


def called(machine: "Machine", callee: str, given: tuple[int, ...] | None) -> str:
    """Return a call in words; the arguments are none where they are not known."""
    inner = _UNKNOWN if given is None else _joined(machine, given, 0)
    return f"{callee}({inner})"[:_ROOM]


def words(machine: "Machine", value: int, depth: int = 0) -> str:
    """Return a value in words."""
    try:
        return _words(machine, value, depth)
    except (LookupError, ValueError):
        return _UNKNOWN


def _words(machine: "Machine", value: int, depth: int) -> str:
    kind = value & 7
    if depth > _DEEPEST:
        return _UNKNOWN
    if kind == NUMBER:
        return str(value >> 3)
    if kind in {STRING, ENCODED}:
        text = machine.string(value >> 3 << 3 | STRING)
        return _UNKNOWN if text is None else _quoted(text)
    if kind == BLOB:
        start, length = machine.extent(value)
        return repr(machine.fixed(start, min(length, _HEAD)))[:_LONGEST] + (_UNKNOWN if length > _HEAD else "")
    if kind == TUPLE:
        items = machine.store.tuple_of(value)
        return f"({_joined(machine, items, depth + 1)}{',' if len(items) == 1 else ''})"
    thing = machine.store.thing_of(value) if kind == THING else None
    return _UNKNOWN if thing is None else _thing(machine, thing, depth)


def _thing(machine: "Machine", thing: Thing, depth: int) -> str:
    if thing.kind in {"text", "dtype"}:
        return _quoted(thing.name)
    dotted = ".".join(part for part in (thing.module, thing.name) if part)
    if thing.kind in {"partial", "caller", "getter"}:
        return f"{dotted}({_joined(machine, thing.parts, depth + 1)})"
    return f"{dotted}({_UNKNOWN})" if thing.kind == "instance" else dotted


def _joined(machine: "Machine", values: tuple[int, ...], depth: int) -> str:
    shown = [words(machine, value, depth + 1) for value in values[:_MOST_ITEMS]]
    return ", ".join(shown + ([_UNKNOWN] if len(values) > _MOST_ITEMS else []))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + _UNKNOWN)
