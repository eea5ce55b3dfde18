"""What Python code runs: commands, code that is decoded or fetched first, functions that only run time knows."""

import ast
import re
from collections.abc import Iterator, Sequence

from jingwei.core.finding import Severity
from jingwei.deploy.agents.findings import Notes
from jingwei.deploy.agents.lines import judge_lines
from jingwei.deploy.agents.python_names import Call, Names, known

_REMEMBERED = 400
_MOST = 2_000
"""Calls of one module that are looked into; honest code has a few."""
_LOADERS = frozenset({"compile", "__import__", "importlib.import_module"})
_POWERFUL = frozenset({"builtins", "__builtins__", "os", "subprocess", "importlib", "sys", "ctypes"})
"""Modules of which a function by a computed name may be anything."""


def judge_runs(calls: Sequence[Call], names: Names, notes: Notes) -> None:
    """Note what is run that nobody reading the code can see, or that comes from the network."""
    fetched = any(call.name in known()["fetch"] for call in calls)
    _shell_handed_over(calls, notes)
    dangerous = known()["evaluate"] | known()["run"]
    for call in [each for each in calls if each.name in dangerous][:_MOST]:
        inside = {
            names.name(each.func)
            for each in ast.walk(call.node)
            if isinstance(each, ast.Call) and each is not call.node
        }
        inside |= {name for each in call.node.args for name in _made_of(each, names)}
        _one(call, inside, names, notes, fetched=fetched)
    for call in calls[: 10 * _MOST]:
        of = names.name(call.node.args[0]) if call.name in {"getattr", "builtins.getattr"} and call.node.args else ""
        if of in _POWERFUL and len(call.node.args) > 1 and not names.text(call.node.args[1]).strip(" /"):
            severity = Severity.HIGH if "builtins" in of else Severity.MEDIUM
            notes.find("hidden-code", seen=source_of(call.node), line=call.node.lineno, severity=severity)


def _one(call: Call, inside: set[str], names: Names, notes: Notes, *, fetched: bool) -> None:
    line, seen = call.node.lineno, source_of(call.node)
    if call.name in known()["evaluate"]:
        if inside & known()["fetch"]:
            notes.find("remote-code-run", seen=seen, line=line)
        elif inside & known()["decode"] and call.name in known()["run_code"] | _LOADERS:
            notes.find("hidden-code", seen=seen, line=line)
        return
    command = names.text(call.node.args[0]) if call.node.args else ""
    judge_lines(command, "shell", notes, first_line=line)
    if inside & known()["decode"]:
        notes.find("hidden-code", seen=seen, line=line)
    if inside & known()["fetch"]:
        notes.find("remote-code-run", seen=seen, line=line)
    elif fetched and re.search(r"chmod|/tmp/|\btemp|\.(?:sh|exe|bin|ps1)\b", command):
        notes.find("remote-code-run", seen=command, line=line)


def _shell_handed_over(calls: Sequence[Call], notes: Notes) -> None:
    handed = any(call.name in {"os.dup2", "pty.spawn"} for call in calls)
    connects = any(call.name.endswith(".connect") and call.name.startswith("socket.") for call in calls)
    if connects and (handed or any(call.name in known()["run"] and _speaks_to_socket(call) for call in calls)):
        notes.find("reverse-shell", seen="socket.connect → os.dup2 / pty.spawn")


def _made_of(node: ast.expr, names: Names) -> Iterator[str]:
    """Give the calls that an argument's names were assigned from."""
    for each in ast.walk(node):
        value = names.value(each.id) if isinstance(each, ast.Name) else None
        for inner in ast.walk(value) if value is not None else ():
            if isinstance(inner, ast.Call):
                yield names.name(inner.func)


def _speaks_to_socket(call: Call) -> bool:
    return any(each.arg in {"stdin", "stdout"} and "fileno" in ast.dump(each.value) for each in call.node.keywords)


def source_of(node: ast.AST) -> str:
    """Return code as one would write it, bounded."""
    try:
        return ast.unparse(node)[:_REMEMBERED]
    except (ValueError, RecursionError):
        return ""
