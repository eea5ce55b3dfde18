"""Checks that code makes on a value before it uses it, and what they are worth.

`if name not in ALLOWED: return` makes what follows safe; so does a fixed choice, a full match, or a function whose name
says that it validates. A check that only asks whether there is something makes nothing safe, and a check of one member
(`plan["tool"] == "shell"`) says nothing of the others: what is made safe is a variable or the very member, by its path.
"""

import ast
import re
from typing import NamedTuple

from jingwei.deploy.code.python.value import EVERYTHING

_VALIDATES = re.compile(r"(?i)(^|_)(is_)?(valid|validate|allow|allowed|safe|sanit|permit|trusted|whitelist|verify|check"
                        r"|ensure|assert|guard|restrict|authori|confirm|approve)")  # fmt: skip
_TEXT_TESTS = frozenset(
    {"isalnum", "isdigit", "isidentifier", "isnumeric", "isdecimal", "isalpha", "fullmatch", "match"}
)
_MEASURES = frozenset({"len", "type", "count", "id", "hash"})
_TELLS_ALL = frozenset({"hostname", "netloc", "host", "suffix", "suffixes", "parent", "parents", "stem"})
"""Parts of an address or a path that decide where the whole leads."""
_PATH_TESTS = frozenset({"is_relative_to", "commonpath", "commonprefix"})


class Guard(NamedTuple):
    """Variables that a test makes safe, for which kinds of sink."""

    names: frozenset[str]
    """Variables, and members by their path: `plan`, `plan['tool']`, `block.type`."""
    groups: tuple[str, ...]


class Guards(NamedTuple):
    """What holds where a test is true, and where it is false."""

    when_true: tuple[Guard, ...]
    when_false: tuple[Guard, ...]


_NONE = Guards((), ())


def guards(test: ast.expr) -> Guards:
    """Return what a test makes safe."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = guards(test.operand)
        return Guards(inner.when_false, inner.when_true)
    if isinstance(test, ast.BoolOp):
        several = [guards(each) for each in test.values]
        if isinstance(test.op, ast.And):
            return Guards(tuple(g for each in several for g in each.when_true), ())
        return Guards((), tuple(g for each in several for g in each.when_false))
    if isinstance(test, ast.Compare):
        return _comparison(test)
    if isinstance(test, ast.Call):
        guard = _asked(test)
        return Guards((guard,), ()) if guard else _NONE
    return guards(test.value) if isinstance(test, ast.NamedExpr) else _NONE


def path_of(node: ast.AST) -> str:
    """Return how a variable or a member of one is told apart from its neighbours, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = path_of(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant | ast.Name):
        owner = path_of(node.value)
        return f"{owner}[{ast.unparse(node.slice)}]" if owner else ""
    key = node.args[0] if isinstance(node, ast.Call) and _called(node) == "get" and node.args else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(key, ast.Constant):
        owner = path_of(node.func.value)
        return f"{owner}[{ast.unparse(key)}]" if owner else ""
    return ""


def root_of(path: str) -> str:
    """Return the variable that a path starts from."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def names_in(node: ast.AST) -> frozenset[str]:
    """Return the variables and members that an expression reads; those that are called are not values."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        path = "" if isinstance(here, ast.Attribute) and here.attr in _TELLS_ALL else path_of(here)
        if path:
            found.add(path)
        else:
            waiting.extend(_parts(here))
    return frozenset(found)


def _parts(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Call):
        if _called(node) in _MEASURES:
            return []
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return [*owner, *node.args, *(each.value for each in node.keywords)]
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return []  # one member of something that has no name
    return list(ast.iter_child_nodes(node))


def validator(call: ast.Call) -> Guard | None:
    """Return what a statement that only calls a function makes safe."""
    name = _called(call)
    if not _VALIDATES.search(name):
        return None
    return Guard(frozenset(n for each in call.args for n in names_in(each)), (EVERYTHING,))


def _comparison(test: ast.Compare) -> Guards:
    operator = test.ops[0]
    if len(test.ops) != 1:
        return _NONE
    left, right = test.left, test.comparators[0]
    if isinstance(operator, ast.In | ast.NotIn):
        if isinstance(left, ast.Constant) or (
            isinstance(right, ast.Name)
            and not isinstance(left, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Tuple)
        ):
            return _NONE  # whether a text holds a word says little of the rest
        guard = (Guard(names_in(left), (EVERYTHING,)),)
        return Guards(guard, ()) if isinstance(operator, ast.In) else Guards((), guard)
    if (
        isinstance(operator, ast.Eq | ast.NotEq)
        and isinstance(right, ast.Constant)
        and right.value not in (None, "", 0)
    ):
        guard = (Guard(names_in(left), (EVERYTHING,)),)
        return Guards(guard, ()) if isinstance(operator, ast.Eq) else Guards((), guard)
    if isinstance(operator, ast.Is | ast.IsNot) and isinstance(left, ast.Call):
        guard_of = _asked(left)
        if guard_of is not None and isinstance(right, ast.Constant) and right.value is None:
            found = (guard_of,)
            return Guards((), found) if isinstance(operator, ast.Is) else Guards(found, ())
    return _NONE


def _asked(call: ast.Call) -> Guard | None:
    name = _called(call)
    values = list(call.args)
    if isinstance(call.func, ast.Attribute):
        values.append(call.func.value)
    names = frozenset(n for each in values for n in names_in(each))
    if name == "startswith":
        return _prefixed(call, names)
    if name in _PATH_TESTS:
        return Guard(names, ("path",))
    if name in _TEXT_TESTS or _VALIDATES.search(name):
        return Guard(names, (EVERYTHING,))
    kind = call.args[1] if name == "isinstance" and len(call.args) > 1 else None
    if kind is not None and {each.id for each in ast.walk(kind) if isinstance(each, ast.Name)} <= {
        "int",
        "float",
        "bool",
    }:
        return Guard(names, (EVERYTHING,))
    return None


def _prefixed(call: ast.Call, names: frozenset[str]) -> Guard | None:
    """A prefix fixes the host of an address, the folder of a path, or the verb of a query, or nothing."""
    prefix = call.args[0] if call.args else None
    if isinstance(prefix, ast.Constant) and isinstance(prefix.value, str):
        if re.match(r"https?://[^/]+/", prefix.value):
            return Guard(names, ("address",))
        return None
    return Guard(names, ("path", "address")) if prefix is not None and not isinstance(prefix, ast.Tuple) else None


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
