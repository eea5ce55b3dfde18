"""Where values in Python code come from, as far as one function tells: constant, put together, or from outside."""

import ast
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar, cast

_SPELLED = 2_000
"""Characters of constant text that are put together of one expression."""
_T = TypeVar("_T")


def dotted(node: ast.AST, imported: Mapping[str, str]) -> str:
    """Return the dotted name of an expression, its imports resolved; what is not a name counts as nothing."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(imported.get(node.id, node.id))
    return ".".join(reversed(parts))


def imports(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return what each imported name stands for."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {each.asname: each.name for each in node.names if each.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found


class Values:
    """The values of one function, or of the module outside functions.

    Args:
        owner: the function or module.
        body: its nodes, without those of functions in it.
        outside: what counts as coming from outside (`python.yaml`).
        imported: what imported names stand for.
    """

    def __init__(self, owner: ast.AST, body: list[ast.AST], *, outside: Mapping[str, Any],
                 imported: Mapping[str, str]) -> None:  # fmt: skip
        self._owner, self._outside, self._imported = owner, outside, imported
        self._assigned: dict[str, list[ast.expr]] = {}
        self._statements: dict[ast.AST, ast.AST] = {}
        for node in body:
            self._note(node)
            if isinstance(node, ast.stmt):
                for part in ast.walk(node) if not hasattr(node, "body") else ():
                    self._statements.setdefault(part, node)
        self._given = self._handled(owner)
        self._known: dict[Hashable, object] = {}

    def _once(self, key: Hashable, meanwhile: _T, find: Callable[[], _T]) -> _T:
        """Find something out about a name once; names that stand for each other see `meanwhile`."""
        if key not in self._known:
            self._known[key] = meanwhile
            self._known[key] = find()
        return cast("_T", self._known[key])

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self._assigned.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):  # adding to a text builds it
            built = ast.BinOp(ast.Constant(""), ast.Add(), node.value)
            self._assigned.setdefault(node.target.id, []).extend((node.value, built))
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name) and node.value:
            self._assigned.setdefault(node.target.id, []).append(node.value)

    def _handled(self, owner: ast.AST) -> frozenset[str]:
        """Return the parameters of a function that answers requests."""
        if not isinstance(owner, ast.FunctionDef | ast.AsyncFunctionDef):
            return frozenset()
        marks = [each.func if isinstance(each, ast.Call) else each for each in owner.decorator_list]
        if not any(dotted(each, {}).rpartition(".")[2] in self._outside["routes"] for each in marks):
            return frozenset()
        return frozenset(each.arg for each in (*owner.args.args, *owner.args.kwonlyargs) if each.arg != "self")

    def constant(self, node: ast.expr) -> bool:
        """Tell whether a value is written in the code."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.JoinedStr):
            return all(isinstance(each, ast.Constant) for each in node.values)
        if isinstance(node, ast.List | ast.Tuple):
            return all(self.constant(each) for each in node.elts)
        if isinstance(node, ast.BinOp):
            return self.constant(node.left) and self.constant(node.right)
        if isinstance(node, ast.Name) and (known := self._assigned.get(node.id)):
            return self._once(("constant", node.id), True, lambda: all(map(self.constant, known)))  # noqa: FBT003
        return False

    def built(self, node: ast.expr) -> bool:  # noqa: PLR0911 - one line a kind of expression
        """Tell whether a text is put together from values that are not constants."""
        if self.constant(node):
            return False
        if isinstance(node, ast.JoinedStr):
            return any(isinstance(each, ast.FormattedValue) and not self.constant(each.value) for each in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            return bool(self.spelled(node))
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
                return bool(self.spelled(node.func.value))
            wraps = dotted(node.func, self._imported).rpartition(".")[2] in {"text", "str", "strip", "dedent"}
            inner = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
            return wraps and any(map(self.built, inner))
        if isinstance(node, ast.Name):
            known = self._assigned.get(node.id, [])
            return self._once(("built", node.id), False, lambda: any(map(self.built, known)))  # noqa: FBT003
        return False

    def outside(self, node: ast.AST, *, safe: frozenset[str]) -> bool:  # noqa: PLR0911 - likewise
        """Tell whether something from outside is in a value, without having gone through what makes it safe."""
        if isinstance(node, ast.Call):
            name = dotted(node.func, self._imported)
            last = name.rpartition(".")[2]
            if name in safe or last in safe:
                return False
            if name in self._outside["calls"] or f".{last}" in self._outside["calls"]:
                return True
        if isinstance(node, ast.Name):
            if node.id in self._given:
                return True
            known = self._assigned.get(node.id, [])
            return self._once(("outside", node.id, safe), False,  # noqa: FBT003
                              lambda: any(self.outside(each, safe=safe) for each in known))  # fmt: skip
        if isinstance(node, ast.Attribute):
            name = dotted(node, self._imported)
            if name in self._outside["names"]:
                return True
            if node.attr in self._outside["attributes"] and dotted(node.value, {}) in self._outside["objects"]:
                return True
        return any(self.outside(each, safe=safe) for each in ast.iter_child_nodes(node)
                   if isinstance(each, ast.expr | ast.keyword | ast.FormattedValue))  # fmt: skip

    def made_safe(self, node: ast.expr, safe: frozenset[str]) -> bool:
        """Tell whether every changing part of a text goes through what makes it safe."""
        if self.constant(node):
            return True
        if isinstance(node, ast.Call):
            name = dotted(node.func, self._imported)
            return name in safe or name.rpartition(".")[2] in {each.rpartition(".")[2] for each in safe}
        if isinstance(node, ast.JoinedStr):
            return all(isinstance(each, ast.Constant) or self.made_safe(each.value, safe)  # type: ignore[attr-defined]  # what is no constant is a formatted value
                       for each in node.values)  # fmt: skip
        if isinstance(node, ast.BinOp):
            return self.made_safe(node.left, safe) and self.made_safe(node.right, safe)
        if isinstance(node, ast.Name) and (known := self._assigned.get(node.id)):
            return self._once(("safe", node.id, safe), True,  # noqa: FBT003
                              lambda: all(self.made_safe(each, safe) for each in known))  # fmt: skip
        return False

    def spelled(self, node: ast.expr) -> str:
        """Return the constant text in an expression."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.Name):
            known = self._assigned.get(node.id, [])
            return self._once(("spelled", node.id), "", lambda: " ".join(map(self.spelled, known))[:_SPELLED])
        parts = (self.spelled(each) for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr))
        return " ".join(parts)[:_SPELLED]

    def about(self, node: ast.AST) -> str:
        """Return the names around an expression: those of its statement and of its function."""
        statement = self._statements.get(node, node)
        return self._once(("about", statement), "", lambda: self._names(statement))

    def _names(self, statement: ast.AST) -> str:
        names = [each.id for each in ast.walk(statement) if isinstance(each, ast.Name)]
        names += [each.attr for each in ast.walk(statement) if isinstance(each, ast.Attribute)]
        return " ".join([*names, getattr(self._owner, "name", "")])


def bindings(tree: ast.Module, *, outside: Mapping[str, Any], imported: Mapping[str, str]) -> dict[ast.AST, Values]:
    """Return, for every node, the values of the function it stands in."""
    found: dict[ast.AST, Values] = {}
    waiting: list[ast.AST] = [tree]
    while waiting:
        owner = waiting.pop()
        body: list[ast.AST] = []
        inner: list[ast.AST] = list(ast.iter_child_nodes(owner))
        while inner:
            node = inner.pop()
            body.append(node)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                waiting.append(node)
                inner += node.decorator_list
            else:
                inner += ast.iter_child_nodes(node)
        values = Values(owner, body, outside=outside, imported=imported)
        found |= dict.fromkeys(body, values)
    return found
