"""Imports, functions and classes: what a module gives names to, and who calls a function from outside."""

import ast
from typing import Protocol

from jingwei.deploy.code.python.calls import Frame
from jingwei.deploy.code.python.knowledge import knowledge, listed
from jingwei.deploy.code.python.program import Class, Function, FunctionNode
from jingwei.deploy.code.python.scope import Scope
from jingwei.deploy.code.python.value import NOTHING, Origin, Taint, Value

_NOT_TEXT = frozenset({
    "self", "cls", "request", "req", "response", "background_tasks", "db", "session", "websocket", "ws", "ctx",
    "context", "current_user", "state", "config", "settings", "history", "client", "progress",
})  # fmt: skip
_SUPPLIED = ("Depends", "Security", "BackgroundTasks", "Inject")


class Reading(Protocol):
    """What reads an expression."""

    def value(self, node: ast.expr | None) -> Value:
        """Return what it may be worth."""
        ...


def import_names(frame: Frame, node: ast.Import | ast.ImportFrom) -> None:
    """Give imported names what they mean."""
    if isinstance(node, ast.Import):
        for each in node.names:
            whole = frame.program.module_named(each.name, frame.module)
            if each.asname:
                frame.scope.set(each.asname, Value(name=whole))
            else:
                first = each.name.partition(".")[0]
                frame.scope.set(first, Value(name=whole if "." not in each.name else first))
        return
    start = _relative(frame, node) if node.level else frame.program.module_named(node.module or "", frame.module)
    for each in node.names:
        if each.name == "*":
            module = frame.program.modules.get(start)
            for name, value in list(module.scope.values.items()) if module else []:
                frame.scope.set(name, value)
            continue
        whole = f"{start}.{each.name}" if start else each.name
        module = frame.program.modules.get(start)
        held = module.scope.values.get(each.name) if module is not None else None
        frame.scope.set(each.asname or each.name, held if held is not None else Value(name=whole))


def _relative(frame: Frame, node: ast.ImportFrom) -> str:
    package = frame.module.package
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return ".".join(part for part in (package, node.module or "") if part)


def define_function(frame: Frame, node: FunctionNode, reading: Reading, *, class_name: str = "") -> None:
    """Note a function; it is read later, in the scope it was defined in."""
    inside = frame.function.name if frame.function is not None else ""
    prefix = class_name or (f"{inside}.<locals>" if inside else frame.module.name)
    name = f"{prefix}.{node.name}"
    decorators = tuple(reading.value(each) for each in node.decorator_list)
    function = frame.program.functions.get(name)
    if function is None or function.node is not node:
        known = Function(name, frame.module, node, frame.scope, class_name, decorators)
        frame.program.functions[name] = function = known
    function.scope, function.decorators = frame.scope, decorators
    if function.origin is None:
        function.origin = _called_by(decorators)
    for default in [*node.args.defaults, *node.args.kw_defaults]:
        reading.value(default)
    if not class_name:
        frame.scope.set(node.name, Value(name=name))


def _called_by(decorators: tuple[Value, ...]) -> Origin | None:
    for each in decorators:
        name = each.name.removesuffix("()")
        if listed("routes", each.name) or listed("routes", name):
            return Origin.USER
        if listed("tools", each.name) or listed("tools", name):
            return Origin.TOOL
    return None


def define_class(frame: Frame, node: ast.ClassDef, reading: Reading) -> None:
    """Note a class with its methods and what its instances hold."""
    name = f"{frame.module.name}.{node.name}"
    kind = frame.program.classes.setdefault(name, Class(name))
    kind.bases = tuple(value.name for value in map(reading.value, node.bases) if value.name)[:8]
    for each in node.decorator_list:
        reading.value(each)
    frame.scope.set(node.name, Value(name=name))
    outside = frame.scope
    frame.scope = Scope(outside)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            held = frame.scope
            frame.scope = outside
            define_function(frame, statement, reading, class_name=name)
            frame.scope = held
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            kind.annotations[statement.target.id] = ast.unparse(statement.annotation)[:80]
            if statement.value is not None:
                frame.program.keep(name, statement.target.id, reading.value(statement.value))
        elif isinstance(statement, ast.Assign):
            value = reading.value(statement.value)
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    frame.program.keep(name, target.id, value)
    frame.scope = outside
    _agent_tool(frame, kind)


def _agent_tool(frame: Frame, kind: Class) -> None:
    """A tool's `_run` is called by the model."""
    if any(base.endswith(("BaseTool", ".Tool", "FunctionTool")) for base in kind.bases):
        for method in ("_run", "_arun", "forward", "run", "call", "__call__"):
            function = frame.program.functions.get(f"{kind.name}.{method}")
            if function is not None:
                function.origin = Origin.TOOL


def parameters(frame: Frame, function: Function) -> None:
    """Give the parameters of a function what is known of them when it is read."""
    arguments = function.node.args
    every = [*arguments.posonlyargs, *arguments.args]
    defaults = dict(zip([each.arg for each in reversed(every)], reversed(arguments.defaults), strict=False))
    defaults |= {each.arg: default for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                 if default is not None}  # fmt: skip
    if function.class_name and every and every[0] not in function.parameters:
        frame.scope.set(every[0].arg, Value(name=f"{function.class_name}()"))
    spilled = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    for each in [*function.parameters, *arguments.kwonlyargs, *spilled]:
        frame.scope.set(each.arg, _parameter(frame, function, each, defaults.get(each.arg)))


def _parameter(frame: Frame, function: Function, each: ast.arg, default: ast.expr | None) -> Value:
    annotation = ast.unparse(each.annotation)[:200] if each.annotation is not None else ""
    if annotation in knowledge().plain_types or _converted(function, each.arg):
        return NOTHING
    taints = {Taint(Origin.PARAMETER, f"{function.name}#{each.arg}", each.lineno)}
    supplied = isinstance(default, ast.Call) and ast.unparse(default.func).endswith(_SUPPLIED)
    supplied = supplied or any(f"{word}(" in annotation for word in _SUPPLIED)
    held = frame.scope.get(annotation.partition("[")[0]) if annotation else None
    name = f"?{each.arg}"
    if held is not None and held.name:
        name = f"{held.name}()"
    own = name.removesuffix("()") in frame.program.classes
    foreign = held is not None and not own and "." in held.name and not held.name.startswith(("typing", "pydantic"))
    if function.origin is not None and not supplied and each.arg not in _NOT_TEXT and not foreign:
        taints.add(Taint(function.origin, each.arg, each.lineno))
    return Value(frozenset(taints) if not foreign else frozenset(), name=name)


def _converted(function: Function, name: str) -> bool:
    """Tell whether the address of a route lets only numbers into a parameter: `<int:page>`."""
    for decorator in function.node.decorator_list:
        if isinstance(decorator, ast.Call) and decorator.args and isinstance(decorator.args[0], ast.Constant):
            address = str(decorator.args[0].value)
            if any(f"<{kind}:{name}>" in address for kind in ("int", "float", "uuid")):
                return True
    return False
