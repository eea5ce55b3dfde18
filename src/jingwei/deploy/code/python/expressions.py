"""What an expression may be worth, without running it."""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from jingwei.deploy.code.python.calls import Arguments, Frame, call, secret_taint
from jingwei.deploy.code.python.guards import names_in, path_of
from jingwei.deploy.code.python.knowledge import attribute_source, listed, source_of
from jingwei.deploy.code.python.place import Place
from jingwei.deploy.code.python.value import (
    NOTHING,
    UNKNOWN,
    Origin,
    Taint,
    Value,
    collection,
    composed,
    constant,
    joined,
    union,
)

_MUTATORS = frozenset({"append", "extend", "insert", "add", "update", "setdefault", "appendleft"})
_DISPATCH = frozenset({"globals()", "locals()", "vars()", "__builtins__", "builtins.__dict__", "sys.modules"})
_MOST_TEXT = 4000


class Expressions:
    """Reads the expressions of one function or module."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._entered = False
        """Whether functions given here are called with what a user entered."""
        self._readers: dict[type[ast.AST], Callable[[ast.expr], Value]] = {
            kind: cast("Callable[[ast.expr], Value]", reader)
            for kind, reader in {
                ast.Constant: self._constant, ast.Name: self._name, ast.Attribute: self._attribute,
                ast.Call: self._call, ast.BinOp: self._operation, ast.JoinedStr: self._text, ast.Dict: self._dict,
                ast.Subscript: self._index, ast.IfExp: self._choice, ast.BoolOp: self._either,
                ast.Lambda: self._lambda, ast.NamedExpr: self._named, ast.Compare: self._compared,
                ast.UnaryOp: self._unary, ast.Await: self._inner, ast.Starred: self._inner,
                ast.FormattedValue: self._inner, ast.YieldFrom: self._inner, ast.Yield: self._yield,
                ast.List: self._sequence, ast.Tuple: self._sequence, ast.Set: self._sequence,
                ast.ListComp: self._comprehension, ast.SetComp: self._comprehension,
                ast.GeneratorExp: self._comprehension, ast.DictComp: self._comprehension,
            }.items()
        }  # fmt: skip

    def value(self, node: ast.expr | None) -> Value:
        """Return what an expression may be worth."""
        reader = self._readers.get(type(node)) if node is not None else None
        found = reader(node) if reader is not None and node is not None else NOTHING
        if found.taints and isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            checked = self.frame.scope.cleared(path_of(node))
            return found.cleared(*checked) if checked else found
        return found

    def assign(self, target: ast.expr, value: Value, roots: frozenset[str] = frozenset()) -> None:
        """Give a target a value."""
        if isinstance(target, ast.Name):
            self.frame.scope.set(target.id, value, roots)
        elif isinstance(target, ast.Tuple | ast.List):
            for number, each in enumerate(target.elts):
                inner = each.value if isinstance(each, ast.Starred) else each
                part = value.field(str(number)) or value.member("[]")
                if number == 0 and value.name.endswith(".items()[]"):  # the name of an entry is no secret
                    part = replace(part, taints=frozenset(t for t in part.taints if t.origin is not Origin.SECRET))
                self.assign(inner, part, roots)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value)
            self.frame.scope.forget(path_of(target))
            self.frame.assigned(owner, target.attr, value, target)
        elif isinstance(target, ast.Subscript):
            self._put(target, value)

    def _put(self, target: ast.Subscript, value: Value) -> None:
        self.frame.scope.forget(path_of(target))
        if not isinstance(target.value, ast.Name):
            self.frame.put(self.value(target.value), self.value(target.slice).constant, value, target)
            return
        held = self.frame.scope.get(target.value.id) or NOTHING
        key = self.value(target.slice).constant
        self.frame.put(held, key, value, target)
        fields = held.fields
        if isinstance(key, str | int) and len(fields) < 48:
            fields = (*((name, each) for name, each in fields if name != str(key)), (str(key), value))
        self.frame.scope.set(target.value.id, replace(held, taints=union(held, value), fields=fields))

    def _constant(self, node: ast.Constant) -> Value:
        return constant(node.value)

    def _name(self, node: ast.Name) -> Value:
        found = self.frame.scope.get(node.id)
        if found is not None:
            return found
        return Value(name=node.id)

    def _attribute(self, node: ast.Attribute) -> Value:
        owner = self.value(node.value)
        held = self.frame.attribute(owner, node.attr)
        if held is not None:
            return held
        member = owner.member(f".{node.attr}")
        origin = attribute_source(member.name) if member.name else None
        if origin is None:
            return member
        taint = Taint(origin, ast.unparse(node)[:80], node.lineno)
        return replace(member, taints=member.taints | {taint})

    def _call(self, node: ast.Call) -> Value:
        function = self.value(node.func)
        outside, self._entered = self._entered, listed("handlers", function.name)
        arguments = self._arguments(node)
        self._entered = outside
        result = call(self.frame, function, arguments, node)
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in _MUTATORS
            and isinstance(node.func.value, ast.Name)
        ):
            held = self.frame.scope.get(node.func.value.id)
            if held is not None:
                taken = union(held, *arguments.every())
                self.frame.scope.values[node.func.value.id] = replace(held, taints=taken, constant=UNKNOWN)
        return result

    def _arguments(self, node: ast.Call) -> Arguments:
        positional: list[Value] = []
        rest: list[Value] = []
        for each in node.args:
            if isinstance(each, ast.Starred):
                rest.append(self.value(each.value))
            else:
                positional.append(self.value(each))
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            else:
                keywords |= {name: each for name, each in value.fields if name not in keywords}
                rest.append(value)
        return Arguments(tuple(positional), keywords, tuple(rest))

    def _operation(self, node: ast.BinOp) -> Value:
        parts: list[Value] = []
        here: ast.expr = node
        while isinstance(here, ast.BinOp) and isinstance(here.op, ast.Add | ast.Mod | ast.Div | ast.BitOr):
            parts.append(self.value(here.right))
            here = here.left
        if not parts:
            return Value(taints=union(self.value(node.left), self.value(node.right)))
        parts.append(self.value(here))
        parts.reverse()
        if isinstance(node.op, ast.BitOr) and any(source_of(f"{each.name}.invoke") is Origin.MODEL for each in parts):
            return Value(name="langchain.Chain()")  # steps of a chain, a model among them
        if isinstance(node.op, ast.Div):  # a path
            return replace(composed(parts, built=True), name=parts[0].name)
        texts = [each.constant for each in parts]
        if all(isinstance(each, str) for each in texts) and isinstance(node.op, ast.Add):
            whole = "".join(cast("list[str]", texts))
            return constant(whole) if len(whole) <= _MOST_TEXT else composed(parts, built=False)
        earlier = next((each.line for each in parts if each.line), 0)
        return composed(parts, built=any(each.said for each in parts), line=earlier or node.lineno)

    def _text(self, node: ast.JoinedStr) -> Value:
        parts = [self.value(each) for each in node.values]
        if all(isinstance(each.constant, str) for each in parts):
            return constant("".join(cast("list[str]", [each.constant for each in parts]))[:_MOST_TEXT])
        return composed(parts, built=True, line=node.lineno)

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        values = [(str(number), self.value(each)) for number, each in enumerate(node.elts)]
        found = collection(values, name="list" if isinstance(node, ast.List) else "tuple")
        self.frame.roles(found, node)
        return found

    def _dict(self, node: ast.Dict) -> Value:
        fields: list[tuple[str, Value]] = []
        for key, each in zip(node.keys, node.values, strict=True):
            value = self.value(each)
            if key is None:
                fields.extend(value.fields or [("*", value)])
                continue
            name = self.value(key)
            fields.append((str(name.constant) if name.known else "*", value))
        found = collection(fields, name="dict")
        self.frame.roles(found, node)
        return found

    def _index(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        key = self.value(node.slice)
        if isinstance(key.constant, str | int):
            held = owner.field(str(key.constant))
            if held is not None:
                return held
        if owner.name in _DISPATCH and not key.known:
            return Value(taints=key.taints, name=f"{owner.name}[]")
        if owner.name == "os.environ":
            said = str(key.constant) if key.known else ""
            return replace(owner.member(f"[{said}]"), taints=secret_taint(said, node.lineno))
        if owner.fields and owner.name in {"dict", "list", "tuple"} and owner.fields[0][0] != "*":
            same = [value for _, value in owner.fields[:6]]
            found = same[0]
            for each in same[1:]:
                found = joined(found, each)
            return replace(found, constant=UNKNOWN, taints=owner.taints, fields=())
        named = isinstance(key.constant, str) and key.constant.isidentifier()
        member = owner.member(f"[{key.constant}]" if named else "[]")
        origin = attribute_source(member.name) if member.name else None
        if origin is None or member.taints:
            return member
        return replace(member, taints=frozenset({Taint(origin, ast.unparse(node)[:80], node.lineno)}))

    def _choice(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return joined(self.value(node.body), self.value(node.orelse))

    def _either(self, node: ast.BoolOp) -> Value:
        found = self.value(node.values[0])
        for each in node.values[1:]:
            found = joined(found, self.value(each))
        return found if isinstance(node.op, ast.Or) else replace(found, constant=UNKNOWN)

    def _lambda(self, node: ast.Lambda) -> Value:
        with self.frame.branch() as scope:
            arguments = node.args
            for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
                entered = frozenset({Taint(Origin.USER, each.arg, node.lineno)}) if self._entered else frozenset()
                scope.set(each.arg, Value(entered, name=f"?{each.arg}"))
            returned = self.value(node.body)
        return replace(returned, name="lambda", fields=(), constant=UNKNOWN)

    def _named(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.assign(node.target, value, names_in(node.value))
        return value

    def _compared(self, node: ast.Compare) -> Value:
        for each in [node.left, *node.comparators]:
            self.value(each)
        return NOTHING

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        return constant(not value.constant) if isinstance(node.op, ast.Not) and value.known else NOTHING

    def _inner(self, node: ast.Await | ast.Starred | ast.FormattedValue | ast.YieldFrom) -> Value:
        return self.value(node.value)

    def _yield(self, node: ast.Yield) -> Value:
        value = self.value(node.value)
        self.frame.returned(value, Place(self.frame.module.path, node.lineno, node.col_offset))
        return Value(taints=value.only(Origin.PARAMETER))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        with self.frame.branch():
            for generator in node.generators:
                items = self.value(generator.iter)
                self.assign(generator.target, self.item(items))
                for test in generator.ifs:
                    self.value(test)
            if isinstance(node, ast.DictComp):
                inside = composed([self.value(node.key), self.value(node.value)], built=False)
            else:
                inside = self.value(node.elt)
        return Value(taints=inside.taints, built=inside.built, literal=inside.said, fields=(("*", inside),))

    def item(self, items: Value) -> Value:
        """Return what one of several values may be."""
        if items.fields and items.name in {"list", "tuple", ""}:
            found = items.fields[0][1]
            for _, each in items.fields[1:12]:
                found = joined(found, each)
            return found
        return items.member("[]") if items.name else Value(taints=items.taints)
