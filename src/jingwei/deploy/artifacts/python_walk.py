"""When each piece of a Python module runs: while it is imported, when a loader calls it, or when somebody else does."""

import ast
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from jingwei.deploy.artifacts.python_calls import calls

_MOST_NODES = 400_000


class When(IntEnum):
    """When a piece of code runs; the higher, the less it takes."""

    CALLED = 0
    HOOK = 1
    IMPORTED = 2


class Place(NamedTuple):
    """A node, and when it runs."""

    node: ast.AST
    when: When


def places(tree: ast.Module, learn: Callable[[ast.AST], None], *, entry: bool = False) -> Iterator[Place]:
    """Walk all nodes, each with the moment at which it runs.

    Args:
        tree: the module.
        learn: is given every node before it is yielded.
        entry: whether any function may be called by a loader, as in `hubconf.py`.
    """
    least = When.HOOK if entry else When.CALLED
    waiting: list[Place] = [Place(node, When.IMPORTED) for node in reversed(tree.body)]
    count, on_import = 0, _called(tree)
    while waiting and count < _MOST_NODES:
        place = waiting.pop()
        count += 1
        node, when = place
        learn(node)
        yield place
        inner = [
            Place(child, _moment(node, child, when, on_import, least=least)) for child in ast.iter_child_nodes(node)
        ]
        waiting.extend(reversed(inner))


def _moment(node: ast.AST, child: ast.AST, when: When, on_import: set[str], *, least: When) -> When:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inside = child in node.body
        if not inside:
            return when
        if when is When.IMPORTED and node.name in on_import:
            return When.IMPORTED
        return When.HOOK if node.name in calls().hooks else least
    if isinstance(node, ast.Lambda) and child is node.body:
        return min(when, When.HOOK)
    if isinstance(node, ast.If) and _main_guard(node.test) and child in node.body:
        return When.CALLED
    return when


def _main_guard(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _called(tree: ast.Module) -> set[str]:
    """Name the functions that run while the module is imported, through one another too."""
    inner: dict[str, set[str]] = {}
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            inner[statement.name] = _named(statement)
        elif not isinstance(statement, ast.ClassDef) and not (
            isinstance(statement, ast.If) and _main_guard(statement.test)
        ):
            found |= _named(statement)
    waiting = list(found)
    while waiting:
        fresh = inner.pop(waiting.pop(), set()) - found
        found |= fresh
        waiting.extend(fresh)
    return found


def _named(statement: ast.stmt) -> set[str]:
    """Return the names that a statement calls, or hands on to be called."""
    named: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            handed = [node.func, *node.args, *(keyword.value for keyword in node.keywords)]
            named |= {each.id for each in handed if isinstance(each, ast.Name)}
    return named
