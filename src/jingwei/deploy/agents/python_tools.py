"""Functions that a model may call, judged one by one: where their arguments end, and whether they do what they say."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from jingwei.core.finding import Severity
from jingwei.deploy.agents.findings import Notes
from jingwei.deploy.agents.python_code import ToolFunction, parse
from jingwei.deploy.agents.python_names import Call, Names, depends_on, known, made_of
from jingwei.deploy.agents.things import Spoken, Thing

_SQL = re.compile(r"(?is)\b(?:select\b.+\bfrom|insert\s+into|update\b.+\bset|delete\s+from|drop\s+table)\b")
_LONGEST_RETURN = 2_000
_SPEAKS = 24
_KEEPS = frozenset({"str", "format", "join", "strip", "lower", "upper", "replace", "Path", "expanduser", "get", "dumps",
                    "decode", "encode", "removeprefix", "removesuffix", "list", "dict"})  # fmt: skip
"""Calls whose answer still is what they were given; others make something else of it."""
_DEEPEST = 3
"""Functions through which a model's argument is followed."""


class Tool(NamedTuple):
    """A tool found in code: the function, and what a model is told of it."""

    function: ToolFunction
    thing: Thing


class _Module(NamedTuple):
    """The names and the functions of one module."""

    names: Names
    local: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
    classes: frozenset[str]


def tools_in(code: str, tools: tuple[ToolFunction, ...], path: str) -> Iterator[Tool]:
    """Give each tool of a module with every text that a model reads of it, results that are constant included."""
    tree = parse(code)
    if tree is None:
        return
    names = Names(tree)
    for tool in tools:
        spoken = [Spoken("name", "name", tool.name), Spoken("description", "speech", tool.description)]
        arguments = tool.node.args
        for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            spoken.append(Spoken(f"parameters.{each.arg}", "name", each.arg))
            spoken += [Spoken(f"parameters.{each.arg}", "speech", text) for text in _constants(each.annotation)]
        spoken += [Spoken("default", "speech", text) for each in arguments.defaults for text in _constants(each)]
        for node in ast.walk(tool.node):
            if isinstance(node, ast.Return | ast.Yield | ast.Raise):
                value = node.exc if isinstance(node, ast.Raise) else node.value
                said = names.text(value)[:_LONGEST_RETURN] if value is not None else ""
                if len(said) >= _SPEAKS:
                    spoken.append(Spoken("result", "speech", said))
        spoken += [Spoken("description", "speech", text) for text in _said(tool, names)]
        kept = tuple(each for each in dict.fromkeys(spoken) if each.text.strip())
        yield Tool(tool, Thing(f"{path}!{tool.name}", "tool", tool.name, {}, kept, line=tool.node.lineno))


def _said(tool: ToolFunction, names: Names) -> Iterator[str]:
    """Give every text that a description may turn out to be: all branches, all that its names were given."""
    for mark in tool.node.decorator_list:
        for each in getattr(mark, "keywords", []):
            if each.arg in {"description", "title", "instructions"}:
                for part in made_of(each.value, names):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) >= _SPEAKS:
                        yield part.value


def _constants(node: ast.expr | None) -> Iterator[str]:
    for each in ast.walk(node) if node is not None else ():
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and len(each.value) >= 8:
            yield each.value


def declared_in(code: str, path: str) -> Iterator[Thing]:
    """Give tools that a module declares as values: `Tool(name=…, description=…)`, or dictionaries with both."""
    tree = parse(code)
    if tree is None:
        return
    names = Names(tree)
    for node in ast.walk(tree):
        fields: dict[str, ast.expr] = {}
        if isinstance(node, ast.Call) and re.search(r"(?:Tool|Prompt|Resource|tool|Field)$", names.name(node.func)):
            fields = {each.arg: each.value for each in node.keywords if each.arg}
        elif isinstance(node, ast.Dict):
            fields = {key.value: value for key, value in zip(node.keys, node.values, strict=True)
                      if isinstance(key, ast.Constant) and isinstance(key.value, str)}  # fmt: skip
        if "description" not in fields:
            continue
        name = names.text(fields.get("name"))
        said = [Spoken(where, "speech", text) for where, value in fields.items()
                for text in (names.text(value), *_constants(value)) if text.strip()]  # fmt: skip
        if said:
            yield Thing(
                f"{path}!{name}" if name else path,
                "tool",
                name,
                {},
                tuple(dict.fromkeys(said)),
                line=getattr(node, "lineno", None),
            )


def judge_functions(code: str, tools: tuple[ToolFunction, ...], notes: Notes) -> None:
    """Note what becomes of a model's arguments in each tool."""
    tree = parse(code)
    if tree is None:
        return
    names = Names(tree)
    local = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    classes = frozenset({node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)} | {"self", "cls", ""})
    for tool in tools:
        calls = [Call(node, names.name(node.func)) for node in ast.walk(tool.node) if isinstance(node, ast.Call)]
        source = ast.unparse(tool.node)
        guarded = bool(known()["guards"].search(source))
        for call in calls:
            _argument(call, tool, names, notes, guarded=guarded)
        _helpers(tool, calls, _Module(names, local, classes), notes, guarded=guarded)
        _does_otherwise(tool, calls, names, notes)


def _helpers(tool: ToolFunction, calls: list[Call], module: _Module, notes: Notes, *, guarded: bool) -> None:
    """Follow a model's arguments into the module's own functions, and judge what they reach there."""
    waiting = [(tool, call, guarded, 0) for call in calls]
    known_ways = set[tuple[str, frozenset[str]]]()
    while waiting:
        within, call, safe, depth = waiting.pop()
        owner, _, last = call.name.rpartition(".")
        helper = module.local.get(last) if owner in module.classes else None
        if helper is None or helper is tool.node:
            continue
        bound = _bound(call, helper, within.parameters, module.names)
        if not bound or depth >= _DEEPEST or (helper.name, bound) in known_ways:
            continue
        known_ways.add((helper.name, bound))
        inner = tool._replace(node=helper, parameters=bound)
        safe = safe or bool(known()["guards"].search(ast.unparse(helper)))
        inside = [Call(node, module.names.name(node.func)) for node in ast.walk(helper) if isinstance(node, ast.Call)]
        for each in inside:
            _argument(each, inner, module.names, notes, guarded=safe)
        waiting += [(inner, each, safe, depth + 1) for each in inside]


def _bound(call: Call, helper: ast.FunctionDef | ast.AsyncFunctionDef, given: frozenset[str],
           names: Names) -> frozenset[str]:  # fmt: skip
    """Return the parameters of a function that a call fills with what the model gave."""
    taken = [each.arg for each in [*helper.args.posonlyargs, *helper.args.args]]
    if taken[:1] in (["self"], ["cls"]):
        taken = taken[1:]
    bound = {name for name, value in zip(taken, call.node.args, strict=False) if _raw(value, given, names)}
    bound |= {each.arg for each in call.node.keywords if each.arg and _raw(each.value, given, names)}
    if helper.args.vararg and any(_raw(value, given, names) for value in call.node.args[len(taken) :]):
        bound.add(helper.args.vararg.arg)
    return frozenset(bound)


def _raw(value: ast.expr, given: frozenset[str], names: Names) -> bool:
    """Tell whether a value is text of what the model gave, neither quoted nor a number nor an object made with it."""
    if not depends_on(value, given, names):
        return False
    whole = names.value(value.id) if isinstance(value, ast.Name) and value.id not in given else value
    if isinstance(whole, ast.Call) and names.name(whole.func).rpartition(".")[2] not in _KEEPS:
        return False
    made = (names.name(part.func) for part in made_of(value, names) if isinstance(part, ast.Call))
    return not any(name.endswith("quote") or name in {"int", "float"} for name in made)


def _argument(call: Call, tool: ToolFunction, names: Names, notes: Notes, *, guarded: bool) -> None:
    given = list(call.node.args[:4])
    given += [each.value for each in call.node.keywords if each.arg in {"args", "url", "sql"}]
    tainted = [each for each in given if depends_on(each, tool.parameters, names)]
    if not tainted:
        return
    line, seen = call.node.lineno, ast.unparse(call.node)[:200]
    if _is_shell(call):
        if "quote" not in seen:
            openly = guarded and known()["says_command"].search(f"{tool.name} {tool.description}")
            notes.find("shell-from-input", seen=seen, line=line, severity=Severity.MEDIUM if openly else None)
        return
    rule = _reached(call, tool, tainted[0], names, guarded=guarded)
    if rule and not (rule == "data-from-input" and "SafeLoader" in seen):
        notes.find(rule, seen=seen, line=line)


def _is_shell(call: Call) -> bool:
    shell = any(
        each.arg == "shell" and isinstance(each.value, ast.Constant) and each.value.value for each in call.node.keywords
    )
    return (call.name in known()["run"] and shell) or call.name in known()["shell"]


def _reached(call: Call, tool: ToolFunction, tainted: ast.expr, names: Names, *, guarded: bool) -> str:
    """Return the rule about what a model's argument reaches in a call; empty where it is nothing dangerous."""
    if call.name in known()["run_code"]:
        return "code-from-input"
    if call.name in known()["load"]:
        return "data-from-input"
    if call.name.rpartition(".")[2] in known()["statement"]:
        return "sql-from-input" if _is_made(tainted, names) and _SQL.search(names.text(tainted)) else ""
    if guarded:
        return ""
    if call.name in known()["file"] and call.node.args and tainted is call.node.args[0]:
        return "path-from-input"
    fetches = call.name in known()["fetch"] | known()["post"]
    return "address-from-input" if fetches and _whole_address(call, tool, names) else ""


def _is_made(node: ast.expr, names: Names) -> bool:
    if isinstance(node, ast.Name):
        value = names.value(node.id)
        return value is not None and _is_made(value, names)
    made = isinstance(node, ast.JoinedStr | ast.BinOp)
    return made or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "join", "replace"}
    )


def _whole_address(call: Call, tool: ToolFunction, names: Names) -> bool:
    """Tell whether the host, not only a path or a query behind a fixed one, comes from the model."""
    at = 1 if call.name.endswith((".request", ".stream")) else 0  # the method comes first
    first = (
        call.node.args[at]
        if len(call.node.args) > at
        else next((k.value for k in call.node.keywords if k.arg == "url"), None)
    )
    if first is None or not depends_on(first, tool.parameters, names):
        return False
    return not re.match(r"https?://[\w.-]+", names.text(first))


def _does_otherwise(tool: ToolFunction, calls: list[Call], names: Names, notes: Notes) -> None:
    """Note a tool that sends or removes, and says nothing of it."""
    said = f"{tool.name.replace('_', ' ')} {tool.description}"
    for call in calls:
        address = " ".join(names.text(each) for each in call.node.args[:2])
        posts = call.name in known()["post"] or (call.name.endswith((".post", ".put")) and "http" in address)
        outside = posts and "://" in address and not known()["loopback"].match(address.strip())
        if outside and tool.description and not known()["says_network"].search(said):
            notes.find("does-otherwise", seen=ast.unparse(call.node)[:200], name=tool.name, line=call.node.lineno)
        elif (
            call.name in known()["delete"]
            and not known()["says_change"].search(said)
            and "temp" not in ast.unparse(tool.node).lower()
        ):
            notes.find(
                "does-otherwise",
                seen=ast.unparse(call.node)[:200],
                name=tool.name,
                line=call.node.lineno,
                severity=Severity.MEDIUM,
            )
