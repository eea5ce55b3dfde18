"""What a Jinja expression is sure to give: strings put together out of pieces; a hidden name is still a name."""

import re
from collections.abc import Callable, Mapping

from jingwei.deploy.artifacts.jinja_tree import Node

Value = str | int | float | tuple["Value", ...] | None

_LONGEST = 20_000
_DEEPEST = 40
_PLACE = re.compile(r"%(?:\((\w+)\))?[-+ #0]*\d*(?:\.\d+)?([sdcrixXo%])")


def value(node: Node, known: Mapping[str, Value], depth: int = 0) -> Value:
    """Return an expression's value where it does not depend on what the template is given; else none."""
    if depth > _DEEPEST:
        return None
    if node.kind in {"const", "name"}:
        return node.value if node.kind == "const" else known.get(str(node.value))
    if node.kind == "list":
        parts = tuple(value(part, known, depth + 1) for part in node.parts[:1000])
        return None if None in parts else parts
    if node.kind == "call" and node.parts[0].kind != "attribute":
        return None
    reader = _READERS.get(node.kind)
    return reader(node, known, depth) if reader else None


def _operation(node: Node, known: Mapping[str, Value], depth: int) -> Value:
    values = [value(part, known, depth + 1) for part in node.parts]
    if len(values) != 2 or None in values:
        return None
    left, right = values
    if node.value == "~":
        return _short(_text(left) + _text(right))
    if node.value == "%" and isinstance(left, str):
        return _formatted(left, right if isinstance(right, tuple) else (right,))
    return _ARITHMETIC[node.value](left, right) if node.value in _ARITHMETIC else None


def _added(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return _short(left + right)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return left + right
    return left + right if isinstance(left, int | float) and isinstance(right, int | float) else None


def _repeated(left: Value, right: Value) -> Value:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left * right if abs(left) < 1e18 and abs(right) < 1e18 else None
    text, count = (left, right) if isinstance(left, str) else (right, left)
    if isinstance(text, str) and isinstance(count, int) and 0 <= count * len(text) <= _LONGEST:
        return text * count
    return None


def _raised(left: Value, right: Value) -> Value:
    if isinstance(left, int) and isinstance(right, int) and 0 <= right <= 64 and abs(left) <= 1024:
        return int(left**right)
    return None


def _less(left: Value, right: Value) -> Value:
    return left - right if isinstance(left, int) and isinstance(right, int) else None


_ARITHMETIC: dict[Value, Callable[[Value, Value], Value]] = {"+": _added, "*": _repeated, "**": _raised, "-": _less}


def _part(node: Node, known: Mapping[str, Value], depth: int) -> Value:
    base, *bounds = (value(part, known, depth + 1) for part in node.parts)
    if not isinstance(base, str | tuple):
        return None
    numbers = [bound if isinstance(bound, int) else None for bound in bounds]
    if node.kind == "slice":
        return base[slice(*numbers[:3])] if numbers[2:] != [0] else None
    place = numbers[0]
    return base[place] if place is not None and -len(base) <= place < len(base) else None


def _changed(node: Node, known: Mapping[str, Value], depth: int) -> Value:
    name = str(node.value)
    base, *rest = (value(part.parts[0] if part.kind == "keyword" else part, known, depth + 1) for part in node.parts)
    if name in {"first", "last"} and isinstance(base, str | tuple) and base:
        return base[0 if name == "first" else -1]
    if name == "list" and isinstance(base, str | tuple):
        return tuple(base)
    if name == "join" and isinstance(base, str | tuple):
        return _short((_text(rest[0]) if rest and rest[0] is not None else "").join(_text(each) for each in base))
    if name == "reverse" and isinstance(base, str | tuple):
        return base[::-1]
    if name == "format" and isinstance(base, str):
        return _formatted(base, tuple(rest))
    return _worded(name, base, rest) if isinstance(base, str) else base if name in {"default", "d", "int"} else None


def _worded(name: str, base: str, rest: list[Value]) -> Value:
    match name:
        case "lower" | "upper" | "title" | "capitalize" | "strip" | "swapcase":
            changed: str = getattr(base, name)()
            return changed
        case "trim" | "lstrip" | "rstrip":
            return base.strip(*(each for each in rest[:1] if isinstance(each, str)))
        case "replace" if len(rest) >= 2 and isinstance(rest[0], str) and isinstance(rest[1], str) and rest[0]:
            return _short(base.replace(rest[0], rest[1]))
        case "string" | "safe" | "e" | "escape" | "default" | "d" | "forceescape":
            return base
    return None


def _method(node: Node, known: Mapping[str, Value], depth: int) -> Value:
    function = node.parts[0]
    base = value(function.parts[0], known, depth + 1)
    rest = [value(part.parts[0] if part.kind == "keyword" else part, known, depth + 1) for part in node.parts[1:]]
    if not isinstance(base, str):
        return None
    name = str(function.value)
    if name == "join" and rest and isinstance(rest[0], tuple | str):
        return _short(base.join(_text(each) for each in rest[0]))
    if name == "format":
        made = base
        for number, each in enumerate(rest[:50]):
            made = made.replace("{}", _text(each), 1).replace(f"{{{number}}}", _text(each))
        return _short(made) if None not in rest else None
    return _worded(name, base, rest)


def _formatted(pattern: str, values: tuple[Value, ...]) -> Value:
    """Fill `%s`, `%c` and their kin without the machinery of `%`, whose widths can grow without bound."""
    left = list(values)

    def filled(match: re.Match[str]) -> str:
        if match[2] == "%":
            return "%"
        each = left.pop(0) if left else ""
        return chr(each) if match[2] == "c" and isinstance(each, int) and 0 <= each < 0x110000 else _text(each)

    return None if None in values else _short(_PLACE.sub(filled, pattern))


def _text(each: Value) -> str:
    return "" if each is None else str(each)


def _short(text: str) -> str:
    return text[:_LONGEST]


_READERS: dict[str, Callable[[Node, Mapping[str, Value], int], Value]] = {
    "operation": _operation,
    "slice": _part,
    "item": _part,
    "filter": _changed,
    "call": _method,
}
