"""What a call does with what is decided from outside: brings it in, hands it on, makes it safe, or is harmed by it."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from jingwei.deploy.code.python import conditions
from jingwei.deploy.code.python.arguments import Arguments
from jingwei.deploy.code.python.knowledge import (
    cleaned_by,
    knowledge,
    listed,
    pattern,
    sinks_of,
    source_of,
)
from jingwei.deploy.code.python.place import Place, Reach, Report
from jingwei.deploy.code.python.program import Function, Module, Program
from jingwei.deploy.code.python.scope import Scope
from jingwei.deploy.code.python.summaries import FIELD, WHOLE, invoke
from jingwei.deploy.code.python.value import (
    NOTHING,
    THROUGH_UNKNOWN,
    UNKNOWN,
    Origin,
    Taint,
    Value,
    constant,
    joined,
    union,
)

__all__ = ["Arguments", "Frame", "call", "secret_taint"]

_LOOK_UP = frozenset({"globals().get", "locals().get", "getattr", "builtins.getattr"})
_LATER = ("*.submit", "*to_thread", "*.run_in_executor", "*run_in_threadpool", "*Thread", "*partial", "*.run_sync")
_STOPS = frozenset({
    "len", "int", "float", "bool", "isinstance", "hash", "id", "callable", "type", "hasattr", "ord", "print", "abs",
    "open", "uuid.UUID", "hashlib.sha256", "hashlib.md5", "hashlib.sha1", "decimal.Decimal",
})  # fmt: skip
_HANDLES = frozenset(
    {"contextlib.closing", "contextlib.aclosing", "contextlib.nullcontext", "copy.copy", "copy.deepcopy"}
)
"""They give back what they are given."""
_ENVIRONMENT = ("os.getenv", "os.environ.get", "*config", "decouple.config")


@dataclass(slots=True)
class Frame:
    """The function or module that is being read."""

    program: Program
    module: Module
    scope: Scope
    function: Function | None = None
    returns: Value = NOTHING
    reaches: set[Reach] | None = None

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands."""
        return Place(self.module.path, getattr(node, "lineno", 0), getattr(node, "col_offset", 0))

    @contextmanager
    def branch(self) -> Iterator[Scope]:
        """Read on in a scope of its own."""
        outside = self.scope
        self.scope = Scope(outside)
        try:
            yield self.scope
        finally:
            self.scope = outside

    def attribute(self, owner: Value, attribute: str) -> Value | None:
        """Return what is known of an attribute beyond its name."""
        if owner.name in self.program.modules:
            return self.program.modules[owner.name].scope.values.get(attribute)
        instance = self.program.class_of(owner.name)
        if instance is None:
            return owner.field(attribute) if owner.name == "namespace" else None
        if instance.annotations.get(attribute, "") in knowledge().plain_types:
            return NOTHING
        held = self.program.attribute(instance.name, attribute)
        if held is None or not owner.taints:
            return held
        return replace(held, taints=union(held, owner), constant=UNKNOWN)  # what it holds at first may be given anew

    def assigned(self, owner: Value, attribute: str, value: Value, node: ast.AST) -> None:
        """Take note that an attribute is given a value."""
        instance = self.program.class_of(owner.name)
        if instance is not None:
            self.program.keep(instance.name, attribute, value)
            if self.reaches is not None:
                field, place = f"{instance.name}#{attribute}", self.place(node)
                params = value.only(Origin.PARAMETER)
                self.reaches.update(Reach(each, FIELD, field, place, attribute) for each in params)
        for habit in conditions.assignment_habits(f"{owner.name}.{attribute}", value):
            self.tell(habit, node, f"{owner.name}.{attribute}")

    def put(self, owner: Value, key: object, value: Value, node: ast.AST) -> None:
        """Take note that an entry is given a value."""
        for habit in conditions.assignment_habits(f"{owner.name}[{key}]", value):
            self.tell(habit, node, f"{owner.name}[{key}]")

    def returned(self, value: Value, place: Place) -> None:
        """Take what the function returns."""
        self.returns = joined(self.returns, value) if self.returns != NOTHING else value
        function = self.function
        if function is not None and any(listed("routes", each.name) for each in function.decorators):
            page = value.built and conditions.is_page(value.literal)
            if page and not conditions.answers_json(function):
                self.sink("code.page", "html", place, "return", value)

    def roles(self, value: Value, node: ast.AST) -> None:
        """Look at a message that may speak in the system's role."""
        content = conditions.system_content(value)
        if content is not None:
            self.system(content, node, "system")

    def system(self, content: Value, node: ast.AST, where: str) -> None:
        """Look at what is put into a system prompt."""
        remote = Value(taints=content.only(Origin.USER, Origin.FETCHED, Origin.PARAMETER), built=content.built)
        if content.built:
            place = self.place(node)._replace(line=content.line) if content.line else self.place(node)
            self.sink("code.system-prompt", "prompt", place, where, remote)
        elif self.reaches is not None:
            whole = {t for t in content.only(Origin.PARAMETER) if t.reaches("prompt")}
            self.reaches.update(Reach(each, "code.system-prompt", WHOLE, self.place(node), where) for each in whole)

    def tell(self, rule: str, node: ast.AST, called: str, *, note: str = "") -> None:
        """Report a rule that needs no source."""
        self.program.tell(Report(rule, self.place(node), called, note=note))

    def sink(self, rule: str, group: str, place: Place, called: str, value: Value) -> None:
        """Report what reaches a sink, or note that a parameter does."""
        for taint in value.taints:
            if not taint.reaches(group):
                continue
            if taint.origin is not Origin.PARAMETER:
                self.program.tell(Report(rule, place, called, taint))
            elif self.reaches is not None:
                self.reaches.add(Reach(taint, rule, group, place, called))


def secret_taint(name: str, line: int) -> frozenset[Taint]:
    """Return the taint of an environment variable, if its name says that it holds a credential."""
    held = conditions.CREDENTIAL.search(name) is not None
    return frozenset({Taint(Origin.SECRET, name, line)}) if held else frozenset()


def call(frame: Frame, function: Value, arguments: Arguments, node: ast.Call) -> Value:
    """Return what a call may give, and report what it does."""
    name = function.name or _method_of(node)
    if conditions.chosen_by_name(name):
        frame.sink("code.dispatch", "dispatch", frame.place(node), name, function)
        if name.endswith("[]"):
            frame.tell("code.dispatch", node, name)
        return Value(taints=union(function, *arguments.every()))
    _callbacks(frame, name, arguments, node)
    own = frame.program.function(name)
    if own is not None:
        return invoke(frame, own, name, arguments, node)
    if name in frame.program.classes:
        return _built_model(name, arguments)
    for rule, note in conditions.habits(name, arguments, frame.program.files):
        frame.tell(rule, node, name, note=note)
    for row in sinks_of(name):
        for value in conditions.at_sink(row, name, arguments, owner=function):
            frame.sink(row.rule, row.group, frame.place(node), name, value)
    _system_arguments(frame, name, arguments, node)
    return _result(name, function, arguments, node)


def _method_of(node: ast.Call) -> str:
    """Return at least what the method is called, where the object is not known."""
    return f"?.{node.func.attr}" if isinstance(node.func, ast.Attribute) else ""


def _built_model(name: str, arguments: Arguments) -> Value:
    return Value(taints=union(*arguments.every()), name=f"{name}()", fields=tuple(arguments.keywords.items())[:16])


def _callbacks(frame: Frame, name: str, arguments: Arguments, node: ast.Call) -> None:
    """Follow functions that are handed over to be called later."""
    references = [(place, each) for place, each in enumerate(arguments.positional) if each.name]
    handed = [each for each in (*arguments.positional, *arguments.keywords.values()) if each.name]
    handed += [inner for each in handed for _, inner in each.fields if inner.name]
    origin = Origin.USER if listed("handlers", name) else Origin.TOOL if listed("tool_makers", name) else None
    if origin is not None:
        for each in handed:
            own = frame.program.functions.get(each.name)
            if own is not None and own.origin is None:
                own.origin = origin
    if not pattern(_LATER).fullmatch(name):
        return
    for place, each in references:
        own = frame.program.functions.get(each.name)
        if own is not None:
            invoke(frame, own, each.name, Arguments(arguments.positional[place + 1 :], arguments.keywords, ()), node)
            return
    target, given = arguments.keywords.get("target", NOTHING), arguments.keywords.get("args", NOTHING)
    own = frame.program.functions.get(target.name)
    if own is not None:
        invoke(frame, own, target.name, Arguments(tuple(value for _, value in given.fields), {}, ()), node)


def _system_arguments(frame: Frame, name: str, arguments: Arguments, node: ast.Call) -> None:
    content = conditions.system_argument(name, arguments)
    if content is not None:
        frame.system(content, node, name)


def _result(name: str, function: Value, arguments: Arguments, node: ast.Call) -> Value:
    """Return what a call of a library gives."""
    line = node.lineno
    made = f"{name}()" if len(name) < 200 else ""
    if pattern(_ENVIRONMENT).fullmatch(name):
        key, default = arguments.at(0), arguments.get("1", "default") or NOTHING
        return Value(taints=secret_taint(key.said, line), name=made, literal=default.said)
    origin = Origin.MODEL if conditions.asks_model(name, arguments) else source_of(name)
    if origin is not None:
        return Value(taints=frozenset({Taint(origin, name[-80:], line)}), name=made, literal=arguments.at(0).said[:200])
    if name in _LOOK_UP:
        return _looked_up(name, arguments)
    if name in _STOPS or (name in _HANDLES and arguments.positional):
        opened = Value(name=made, literal=arguments.at(0).said[:200] if name == "open" else "")
        return opened if name in _STOPS else arguments.at(0)
    every = arguments.every()
    clears = cleaned_by(name)
    if not clears:
        return _handed_on(name, made, function, every, line=line)
    result = Value(union(function, *every), built=any(each.built for each in every)).cleared(*clears)
    return replace(result, name=made)


def _looked_up(name: str, arguments: Arguments) -> Value:
    """Return what is looked up by its name."""
    if name.endswith(".get"):
        return Value(arguments.at(0).taints, name="" if arguments.at(0).known else "globals()[]")
    if arguments.at(1).known:
        return arguments.at(0).member(f".{arguments.at(1).constant}")
    return Value(arguments.at(1).taints, name="getattr()")


def _handed_on(name: str, made: str, function: Value, every: list[Value], *, line: int) -> Value:
    if listed("carries", name) or (function.taints and function.name == name):
        said = next((each.said for each in [function, *every] if each.said), "")
        built = any(each.built for each in every) or name.endswith(".format")
        return Value(union(function, *every), UNKNOWN, made, built=built, literal=said)
    if name.endswith((".read", ".read_text")) and function.literal:
        return Value(function.taints, UNKNOWN, made, literal=function.literal)
    if name.endswith((".format", ".join", ".format_map")):
        said = " ".join(each.said for each in [function, *every] if each.said)[:400]
        return Value(union(function, *every), UNKNOWN, made, built=True, literal=said, line=line)
    taints = set(function.taints)
    for taint in union(*every):
        if taint.origin is Origin.MODEL:
            taints.add(taint)
        elif taint.origin is Origin.PARAMETER:
            taints.add(replace(taint, cleared=taint.cleared | {THROUGH_UNKNOWN}))
    if not taints and every and every[0].known and name in {"str", "pathlib.Path"}:
        return replace(constant(every[0].constant), name=made)
    literal = every[0].said[:200] if every else ""
    return Value(frozenset(taints), UNKNOWN, made, literal=literal)
