"""Names and constants in Python code: what a call really calls, and what a string would be, without running it."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from jingwei.core.package_data import package_data

_LONGEST = 4_000
_DEEPEST = 24
_MOST_PARTS = 4_000


class Call(NamedTuple):
    """One call, and what it calls."""

    node: ast.Call
    name: str


@lru_cache(maxsize=1)
def known() -> Mapping[str, Any]:  # Any: lists and patterns, each used in one place
    """Return what is known of Python's names."""
    data = package_data(__package__, "python.yaml")
    return {name: frozenset(each) if isinstance(each, list) and each and isinstance(each[0], str) else
            re.compile(each) if isinstance(each, str) else each for name, each in data.items()}  # fmt: skip


class Names:
    """The names that one module gives to what it imports, builds and assigns once."""

    def __init__(self, tree: ast.Module) -> None:
        self._imported: dict[str, str] = {}
        self._values: dict[str, ast.expr] = {}
        self._named: dict[str, str] = {}
        self._read: dict[str, str] = {}
        """What names were found to be: each is worked out once, however often and however deep it is used."""
        self._every: dict[str, list[ast.expr]] = {}
        self._several: set[str] = set()
        """Names that are assigned more than once: what they hold is not known."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        if target.id in self._values:
                            self._several.add(target.id)
                        self._values[target.id] = node.value
                        self._every.setdefault(target.id, []).append(node.value)
            elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
                self._values.setdefault(node.optional_vars.id, node.context_expr)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for each in node.names:
            if isinstance(node, ast.ImportFrom):
                self._imported[each.asname or each.name] = f"{node.module or ''}.{each.name}"
            else:
                first = each.name.partition(".")[0]
                self._imported[each.asname or first] = each.name if each.asname else first

    def name(self, node: ast.expr, depth: int = 0) -> str:
        """Return the dotted name of an expression as imported: `sp.run` is `subprocess.run`; or nothing."""
        if depth > _DEEPEST:
            return ""
        if isinstance(node, ast.Name):
            return self._imported.get(node.id) or self._of_value(node, depth) or node.id
        if isinstance(node, ast.Attribute):
            base = self.name(node.value, depth + 1)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Await | ast.Starred):
            return self.name(node.value, depth + 1)
        return self._of_call(node, depth) if isinstance(node, ast.Call) else ""

    def _of_value(self, node: ast.Name, depth: int) -> str:
        if node.id not in self._named:
            value = self._values.get(node.id)
            self._named[node.id] = ""  # a name that is made of itself is nothing
            if isinstance(value, ast.Attribute | ast.Call | ast.Name) and value is not node:
                self._named[node.id] = self.name(value, depth + 1)
        return self._named[node.id]

    def _of_call(self, node: ast.Call, depth: int) -> str:
        called = self.name(node.func, depth + 1)
        if called in {"__import__", "importlib.import_module"}:
            return self.text(node.args[0]) if node.args else ""
        if called in {"getattr", "builtins.getattr"} and len(node.args) >= 2:
            return f"{self.name(node.args[0], depth + 1)}.{self.text(node.args[1])}"
        if called in {"pathlib.Path.home", "pathlib.Path.cwd"} or called.startswith("pathlib.Path."):
            return "pathlib.Path"
        return called

    def text(self, node: ast.expr | None, depth: int = 0) -> str:
        """Return what a string expression would be as far as it is known; unknown parts are left out."""
        if node is None or depth > _DEEPEST:
            return ""
        if isinstance(node, ast.Constant):
            return _written(node.value)
        if isinstance(node, ast.Name):
            if node.id not in self._read:
                self._read[node.id] = ""
                if node.id not in self._several:
                    self._read[node.id] = self.text(self._values.get(node.id), depth + 1)
            return self._read[node.id]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Div | ast.Mod):
            joint = "/" if isinstance(node.op, ast.Div) else ""
            return f"{self.text(node.left, depth + 1)}{joint}{self.text(node.right, depth + 1)}"[:_LONGEST]
        return "".join(self._parts(node, depth))[:_LONGEST]

    def _parts(self, node: ast.expr, depth: int) -> Iterator[str]:
        if isinstance(node, ast.JoinedStr):
            yield from (self.text(each, depth + 1) for each in node.values)
        elif isinstance(node, ast.FormattedValue):
            yield self.text(node.value, depth + 1)
        elif isinstance(node, ast.Call):
            joint = "/" if self.name(node.func).endswith((".join", "Path", "joinpath")) else ""
            yield joint.join(self.text(each, depth + 1) for each in node.args[:16])
            if isinstance(node.func, ast.Attribute):
                yield joint + self.text(node.func.value, depth + 1)
        elif isinstance(node, ast.List | ast.Tuple):
            yield " ".join(self.text(each, depth + 1) for each in node.elts[:64])
        elif isinstance(node, ast.Attribute):
            yield self.text(node.value, depth + 1)

    def value(self, name: str) -> ast.expr | None:
        """Return what was assigned to a name of the module."""
        return self._values.get(name)

    def values(self, name: str) -> tuple[ast.expr, ...]:
        """Return everything that is assigned to a name somewhere in the module."""
        return tuple(self._every.get(name, ()))


def _written(value: object) -> str:
    plain = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return plain[:_LONGEST] if isinstance(plain, str) else ""


def made_of(node: ast.AST, module: Names) -> Iterator[ast.AST]:
    """Give every part of an expression, and of all that is assigned to the names in it; bounded."""
    waiting, seen, given = [node], set[str](), 0
    while waiting:
        for each in ast.walk(waiting.pop()):
            given += 1
            if given > _MOST_PARTS:
                return
            yield each
            if isinstance(each, ast.Name) and each.id not in seen:
                seen.add(each.id)
                waiting += module.values(each.id)


def depends_on(node: ast.AST, names: frozenset[str], module: Names) -> bool:
    """Tell whether an expression is made of one of these names, directly or through names assigned from them."""
    waiting, seen = [node], set[str]()
    while waiting:
        for each in ast.walk(waiting.pop()):
            if not isinstance(each, ast.Name) or each.id in seen:
                continue
            if each.id in names:
                return True
            seen.add(each.id)
            value = module.value(each.id)
            if value is not None:
                waiting.append(value)
    return False
