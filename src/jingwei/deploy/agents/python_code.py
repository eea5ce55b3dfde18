"""Python code of a server or a skill, judged on its syntax tree: what it would steal, run, change, and for whom.

Nothing is imported or run. Calls are resolved through imports, aliases, `getattr` and `__import__`; strings are put
together as far as they are constant.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jingwei.core.finding import Severity
from jingwei.deploy.agents.findings import Notes
from jingwei.deploy.agents.python_flows import judge_descriptions, judge_passed_on, judge_secret_hosts
from jingwei.deploy.agents.python_names import Call, Names, known
from jingwei.deploy.agents.python_runs import judge_runs, source_of

LARGEST = 1_000_000
_MOST_NODES = 200_000
_RELAYS = re.compile(r"(?i)\bmcp\b|tools/call|fastmcp|modelcontextprotocol")
"""A module that speaks the protocol; in others a caller's header may rightly go on."""
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what is looked for


class ToolFunction(NamedTuple):
    """A function that a model may call."""

    node: ast.FunctionDef | ast.AsyncFunctionDef
    name: str
    description: str
    parameters: frozenset[str]


def parse(code: str) -> ast.Module | None:
    """Read code as a tree; None where it is no Python that this interpreter reads, or too large."""
    if len(code) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def judge_python(code: str, notes: Notes) -> tuple[ToolFunction, ...] | None:
    """Note what is dangerous in one module and return its tools; None where it could not be read as a tree."""
    tree = parse(code)
    if tree is None:
        return None
    nodes = []
    for node in ast.walk(tree):
        nodes.append(node)
        if len(nodes) > _MOST_NODES:
            notes.gap("gap-large")
            break
    names = Names(tree)
    calls = [Call(node, names.name(node.func)) for node in nodes if isinstance(node, ast.Call)]
    try:
        _steals(tree, calls, names, notes)
        judge_runs(calls, names, notes)
        _persists(calls, names, notes)
        _exposed(calls, names, notes)
        tools = tuple(_tools(nodes, names))
        judge_descriptions(nodes, calls, names, notes)
        judge_secret_hosts(calls, names, notes)
        if _RELAYS.search(code):
            judge_passed_on(nodes, calls, names, notes)
    except RecursionError:
        notes.gap("gap-deep")
        return ()
    return tools


def _tools(nodes: list[ast.AST], names: Names) -> Iterator[ToolFunction]:
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for mark in node.decorator_list:
            called = mark.func if isinstance(mark, ast.Call) else mark
            if known()["tools"].search(names.name(called)):
                said = [names.text(each.value) for each in getattr(mark, "keywords", []) if each.arg == "description"]
                described = "\n".join([ast.get_docstring(node) or "", *said])
                every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                parameters = frozenset(each.arg for each in every) - {"self", "ctx", "context", "cls"}
                yield ToolFunction(node, node.name, described, parameters)
                break


def _steals(tree: ast.Module, calls: list[Call], names: Names, notes: Notes) -> None:
    sends = [call for call in calls if call.name in known()["send"] or _sends_by_method(call, names)]
    sends = [
        call for call in sends if not known()["loopback"].match(names.text(call.node.args[0]) if call.node.args else "")
    ]
    if not sends:
        return
    for call in calls:
        path = names.text(call.node.args[0]) if call.node.args else ""
        if not path and isinstance(call.node.func, ast.Attribute):
            path = names.text(call.node.func.value)
        if known()["secret_paths"].search(path) and _reads(call):
            notes.find("steals", seen=f"{path} → {sends[0].name}", line=call.node.lineno)
            return
    whole = _whole_environment(tree, names)
    if whole is not None:
        notes.find("steals", seen=f"os.environ → {sends[0].name}", line=whole.lineno)
    _foreign_tokens(tree, sends, names, notes)


def _sends_by_method(call: Call, names: Names) -> bool:
    func = call.node.func
    if not isinstance(func, ast.Attribute) or func.attr not in {
        "post",
        "put",
        "sendall",
        "send",
        "sendmail",
        "connect",
        "request",
    }:
        return False
    base = names.name(func.value)
    return base.startswith(("requests.", "httpx.", "aiohttp.", "socket.", "smtplib.", "urllib3.", "http.client"))


def _reads(call: Call) -> bool:
    last = call.name.rpartition(".")[2]
    return last in {"open", "read_text", "read_bytes", "expanduser", "Path", "read", "copy", "copyfile", "glob",
                    "copytree", "expandvars", "join", "make_archive", "exists", "home", "joinpath", "walk", "listdir",
                    "add"}  # fmt: skip


def _whole_environment(tree: ast.Module, names: Names) -> ast.expr | None:
    """Find the environment used as a whole, not one variable of it."""
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "environ" and names.name(node) == "os.environ":
            above = parents.get(id(node))
            if isinstance(above, ast.Subscript) or (
                isinstance(above, ast.Attribute) and above.attr in {"get", "setdefault", "pop", "update"}
            ):
                continue
            if isinstance(above, ast.Compare) or (isinstance(above, ast.keyword) and above.arg == "env"):
                continue
            if isinstance(above, ast.Dict) and _given_to_child(above, parents):
                continue
            if isinstance(above, ast.Attribute) and above.attr == "copy" and _given_to_child(above, parents):
                continue
            return node
    return None


def _given_to_child(node: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Tell whether an environment is made for a child process: `env=`, or assigned to a name that says so."""
    above: ast.AST | None = node
    for _ in range(4):
        above = parents.get(id(above)) if above is not None else None
        if isinstance(above, ast.keyword) and above.arg == "env":
            return True
        if isinstance(above, ast.Assign) and any(
            isinstance(t, ast.Name) and "env" in t.id.lower() for t in above.targets
        ):
            return True
    return False


def _foreign_tokens(tree: ast.Module, sends: list[Call], names: Names, notes: Notes) -> None:
    """Note a known service's token in a module that talks to another host only."""
    addresses = " ".join(names.text(call.node.args[0]) for call in sends if call.node.args).lower()
    if "://" not in addresses:
        return
    for node in ast.walk(tree):
        name = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if not name.isupper() or not re.search(r"KEY|TOKEN|SECRET|PASS", name):
            continue
        of = [each for each in known()["services"] if re.search(each["name"], name)]
        if of and not any(re.search(each["host"], addresses) for each in of):
            notes.find(
                "token-elsewhere", seen=f"{name} → {addresses[:80]}", name=name, line=getattr(node, "lineno", None)
            )


def _persists(calls: list[Call], names: Names, notes: Notes) -> None:
    for call in calls:
        where = names.text(call.node.args[0]) if call.node.args else ""
        owner = names.text(call.node.func.value) if isinstance(call.node.func, ast.Attribute) else ""
        last = call.name.rpartition(".")[2]
        mode = names.text(call.node.args[1]) if len(call.node.args) > 1 else ""
        mode = next((names.text(each.value) for each in call.node.keywords if each.arg == "mode"), mode)
        writes = (last == "open" and re.search(r"[wax+]", mode if where != mode else "")) or last in {
            "write_text",
            "write_bytes",
        }
        target = owner if last in {"write_text", "write_bytes"} or (last == "open" and owner and not mode) else where
        if last == "open" and owner and re.search(r"[wax+]", where[:3]):
            writes, target = True, owner
        if last in {"copy", "copyfile", "move", "symlink"} and len(call.node.args) > 1:
            writes, target = True, names.text(call.node.args[1])
        if writes and known()["start_up_paths"].search(target):
            notes.find("persists", seen=f"{target}", line=call.node.lineno)


def _exposed(calls: list[Call], names: Names, notes: Notes) -> None:
    """Note a server that listens on every address and asks nobody who they are."""
    guarded = any(
        re.search(r"(?i)auth|verif|token|api_?key", f"{call.name} {' '.join(k.arg or '' for k in call.node.keywords)}")
        for call in calls
    )
    for call in calls:
        if not re.search(r"(?:FastMCP|MCPServer|Server|run|uvicorn\.run|serve|listen|Config)$", call.name):
            continue
        for each in call.node.keywords:
            if each.arg in {"host", "bind"} and names.text(each.value) in _EVERYWHERE and not guarded:
                notes.find(
                    "listens-everywhere", seen=source_of(call.node), line=call.node.lineno, severity=Severity.MEDIUM
                )
