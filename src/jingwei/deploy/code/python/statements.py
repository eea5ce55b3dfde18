"""The statements of a function or module, read in order; where ways part, both are followed and drawn together."""

import ast
from collections.abc import Sequence

from jingwei.deploy.code.python.calls import Frame
from jingwei.deploy.code.python.conditions import is_credential
from jingwei.deploy.code.python.definitions import define_class, define_function, import_names
from jingwei.deploy.code.python.expressions import Expressions
from jingwei.deploy.code.python.guards import Guard, guards, names_in, validator
from jingwei.deploy.code.python.scope import Scope
from jingwei.deploy.code.python.value import Origin, Taint, Value

_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_TWICE = 3
"""Loops inside one another that are read twice; deeper ones once, or the work would double with every one."""
_STOPPERS = frozenset({"abort", "exit", "_exit", "quit", "stop", "fail"})


class Statements:
    """Reads statements in one frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._loops = 0
        self.expressions = Expressions(frame)

    def block(self, body: Sequence[ast.stmt]) -> bool:
        """Read statements in order; tell whether nothing behind them is reached."""
        return any(self._statement(each) for each in body)

    def _statement(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.If):
            return self._branches(node)
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            return self._loop(node)
        if isinstance(node, ast.Try | ast.TryStar):
            return self._try(node)
        if isinstance(node, ast.With | ast.AsyncWith):
            return self._with(node)
        if isinstance(node, ast.Match):
            return self._match(node)
        self._simple(node)
        return isinstance(node, _ENDS) or self._stops(node)

    def _simple(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            self._assign(node.targets, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign([node.target], node.value)
        elif isinstance(node, ast.AugAssign):
            value = self.expressions.value(ast.copy_location(ast.BinOp(node.target, node.op, node.value), node))
            self.expressions.assign(node.target, value, names_in(node.value) | names_in(node.target))
        elif isinstance(node, ast.Return):
            self.frame.returned(self.expressions.value(node.value), self.frame.place(node))
        elif isinstance(node, ast.Expr):
            self._expression(node.value)
        elif isinstance(node, ast.Assert):
            self.expressions.value(node.test)
            self._clean(guards(node.test).when_true)
        elif isinstance(node, ast.Raise):
            self.expressions.value(node.exc)
        else:
            self._defining(node)

    def _defining(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            import_names(self.frame, node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            define_function(self.frame, node, self.expressions)
        elif isinstance(node, ast.ClassDef):
            define_class(self.frame, node, self.expressions)

    def _assign(self, targets: Sequence[ast.expr], node: ast.expr) -> None:
        value = self.expressions.value(node)
        roots = names_in(node)
        for target in targets:
            named = target.id if isinstance(target, ast.Name) else ""
            given = value
            if named and is_credential(named) and isinstance(value.constant, str) and len(value.constant) >= 8:
                taint = Taint(Origin.SECRET, named, node.lineno)
                given = Value(value.taints | {taint}, value.constant, literal=value.literal)
            self.expressions.assign(target, given, roots)

    def _expression(self, node: ast.expr) -> None:
        self.expressions.value(node)
        inner = node.value if isinstance(node, ast.Await) else node
        guard = validator(inner) if isinstance(inner, ast.Call) else None
        if guard is not None:
            self._clean((guard,))

    def _stops(self, node: ast.stmt) -> bool:
        """Tell whether a call ends the request or the program."""
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
            return False
        called = node.value.func
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        return name in _STOPPERS

    def _clean(self, found: tuple[Guard, ...]) -> None:
        for guard in found:
            for name in guard.names:
                self.frame.scope.clean(name, guard.groups)

    def _branches(self, node: ast.If) -> bool:
        self.expressions.value(node.test)
        found = guards(node.test)
        before = self.frame.scope
        ways: list[Scope] = []
        for body, holds in ((node.body, found.when_true), (node.orelse, found.when_false)):
            self.frame.scope = before.copy()
            self._clean(holds)
            if not self.block(body):
                ways.append(self.frame.scope)
        self.frame.scope = before
        before.take(ways)
        return not ways

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> bool:
        before = self.frame.scope
        ways = [before.copy()]
        self._loops += 1
        for _ in range(2 if self._loops <= _TWICE else 1):  # what the first turn changed is seen by the second
            self.frame.scope = ways[-1].copy()
            if isinstance(node, ast.While):
                self.expressions.value(node.test)
                self._clean(guards(node.test).when_true)
            else:
                items = self.expressions.value(node.iter)
                self.expressions.assign(node.target, self.expressions.item(items), names_in(node.iter))
            self.block(node.body)
            ways.append(self.frame.scope)
        self._loops -= 1
        self.frame.scope = before
        before.take(ways)
        return self.block(node.orelse)

    def _try(self, node: ast.Try | ast.TryStar) -> bool:
        before = self.frame.scope.copy()
        here = self.frame.scope
        ended = self.block(node.body) or self.block(node.orelse)
        ways = [] if ended else [here.copy()]
        for handler in node.handlers:
            self.frame.scope = before.copy()
            self.frame.scope.take([before, here])
            if handler.name:
                self.frame.scope.set(handler.name, Value(name="exception"))
            if not self.block(handler.body):
                ways.append(self.frame.scope)
        self.frame.scope = here
        here.take(ways)
        return self.block(node.finalbody) or not ways

    def _with(self, node: ast.With | ast.AsyncWith) -> bool:
        for item in node.items:
            value = self.expressions.value(item.context_expr)
            if item.optional_vars is not None:
                self.expressions.assign(item.optional_vars, value, names_in(item.context_expr))
        return self.block(node.body)

    def _match(self, node: ast.Match) -> bool:
        subject = self.expressions.value(node.subject)
        before = self.frame.scope
        ways = [before.copy()]
        for case in node.cases:
            self.frame.scope = before.copy()
            for each in ast.walk(case.pattern):
                if isinstance(each, ast.MatchAs | ast.MatchStar) and each.name:
                    self.frame.scope.set(each.name, subject, names_in(node.subject))
            parts = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
            if all(isinstance(each, ast.MatchValue) for each in parts):
                self._clean((Guard(names_in(node.subject), ("*",)),))
            if case.guard is not None:
                self.expressions.value(case.guard)
                self._clean(guards(case.guard).when_true)
            if not self.block(case.body):
                ways.append(self.frame.scope)
        self.frame.scope = before
        before.take(ways)
        return False
