"""What flows through Python code apart from a model's arguments: a caller's token, a secret, a description."""

import ast
import re
from collections.abc import Iterator, Sequence

from jingwei.deploy.agents.findings import Notes
from jingwei.deploy.agents.python_names import Call, Names, known, made_of
from jingwei.deploy.agents.python_runs import source_of

_ASKS = frozenset({"get", "post", "put", "patch", "delete", "request", "stream", "send", "build_request", "AsyncClient",
                   "Client", "ClientSession", "Session", "Request", "update"})  # fmt: skip
"""Last names of calls that ask another server, and take `headers`."""
_INCOMING = re.compile(
    r"(?i)\b(?:request|req|ctx|context|conn|scope)\b[\w.()\[\]'\"]{0,80}?\bheaders\b"
    r"|\bget_http_headers\(|\bget_http_request\(|\bget_access_token\("
)
_AUTHORISATION = re.compile(r"(?i)authorization|\btoken\b|bearer|x-api-key")
_LEAVES_OUT = re.compile(r"(?i)(?:!=|not in|\bpop\(|\bdel\b)")
_TELLS = re.compile(r"(?:Tool|Prompt|tool|prompt|resource)$")
_ADDRESS_BEGINS = re.compile(r"(?i)^(?:https?:)?//[\w.-]{0,60}$")
_TURNS = re.compile(r"(?i)(?:^|\.)(?:exists|isfile|is_file|time|now|today|random|randint|choice|getmtime|stat|uname|"
                    r"gethostname|getuser|monotonic|utcnow)$")  # fmt: skip
"""Calls whose answer changes while nobody touches the code."""


def judge_passed_on(nodes: Sequence[ast.AST], calls: Sequence[Call], names: Names, notes: Notes) -> None:
    """Note the caller's own authorisation handed to another server, wherever in a server it is done."""
    given = _given(nodes)
    for call in calls:
        func = call.node.func
        last = func.attr if isinstance(func, ast.Attribute) else call.name.rpartition(".")[2]
        if last not in _ASKS:
            continue
        for each in call.node.keywords:
            if each.arg != "headers":
                continue
            helper = each.value.func if isinstance(each.value, ast.Call) else None
            made = given.get(helper.id, []) if isinstance(helper, ast.Name) else []
            if any(_hands_on(one, names) for one in (each.value, *made)):
                notes.find("token-passed-on", seen=source_of(call.node), line=call.node.lineno)


def _given(nodes: Sequence[ast.AST]) -> dict[str, list[ast.expr]]:
    """Return what each function of a module gives back."""
    return {
        node.name: [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None]
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _hands_on(headers: ast.expr, names: Names) -> bool:
    """Tell whether headers hold the incoming ones as a whole, or the authorisation among them."""
    for part in made_of(headers, names):
        if not isinstance(part, ast.Dict):
            continue
        for key, value in zip(part.keys, part.values, strict=True):
            if key is not None and _AUTHORISATION.search(names.text(key)):
                return _comes_in(value, names)
    whole = headers
    for _ in range(4):
        if isinstance(whole, ast.Name):
            whole = names.value(whole.id) or whole
    source = source_of(whole)
    if isinstance(whole, ast.Dict):
        spread = [value for key, value in zip(whole.keys, whole.values, strict=True) if key is None]
        return any(_INCOMING.search(source_of(each)) for each in spread)
    return bool(_INCOMING.search(source)) and not _LEAVES_OUT.search(source)


def _comes_in(value: ast.expr, names: Names) -> bool:
    return any(
        _INCOMING.search(source_of(part)) is not None
        for part in made_of(value, names)
        if isinstance(part, ast.Call | ast.Subscript | ast.Attribute)
    )


def judge_secret_hosts(calls: Sequence[Call], names: Names, notes: Notes) -> None:
    """Note a secret that becomes part of the name of a host: every server of names on the way reads it."""
    for call in calls:
        asked = call.node.args[0] if call.node.args else None
        if asked is None:
            continue
        looks_up = call.name in known()["look_up"]
        in_address = call.name in known()["fetch"] | known()["post"] and _begins_open(asked, names)
        if (looks_up or in_address) and any(_secret(part, names) for part in made_of(asked, names)):
            notes.find("steals", seen=source_of(call.node), line=call.node.lineno)


def _begins_open(node: ast.expr, names: Names) -> bool:
    """Tell whether an address is put together before its host is complete."""
    made = names.value(node.id) if isinstance(node, ast.Name) else node
    if isinstance(made, ast.JoinedStr) and len(made.values) > 1:
        first, second = made.values[:2]
        return isinstance(second, ast.FormattedValue) and bool(_ADDRESS_BEGINS.match(names.text(first)))
    while isinstance(made, ast.BinOp) and isinstance(made.left, ast.BinOp):
        made = made.left
    return isinstance(made, ast.BinOp) and bool(_ADDRESS_BEGINS.match(names.text(made.left)))


def _secret(part: ast.AST, names: Names) -> bool:
    """Tell whether an expression reads a variable of the environment whose name says that it is a secret."""
    if isinstance(part, ast.Subscript) and names.name(part.value) == "os.environ":
        return bool(known()["secret_names"].match(names.text(part.slice)))
    if isinstance(part, ast.Call) and part.args and names.name(part.func) in {"os.environ.get", "os.getenv"}:
        return bool(known()["secret_names"].match(names.text(part.args[0])))
    return False


def judge_descriptions(nodes: Sequence[ast.AST], calls: Sequence[Call], names: Names, notes: Notes) -> None:
    """Note a description that is written anew while the server runs, fetched, or chosen by what changes."""
    for node in nodes:
        if not isinstance(node, ast.Assign | ast.AugAssign):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            described = isinstance(target, ast.Attribute) and target.attr in {"description", "__doc__", "instructions"}
            if described and not _is_self(target):
                notes.find("changing-description", seen=source_of(node), line=node.lineno)
    for call in calls:
        if not _TELLS.search(call.name):
            continue
        for each in call.node.keywords:
            if each.arg in {"description", "instructions"} and _changes(each.value, nodes, names):
                notes.find("changing-description", seen=source_of(call.node), line=call.node.lineno)


def _is_self(target: ast.expr) -> bool:
    return (
        isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in {"self", "cls"}
    )


def _changes(described: ast.expr, nodes: Sequence[ast.AST], names: Names) -> bool:
    """Tell whether a description is fetched, or hangs on a file, the time or chance."""
    parts = list(made_of(described, names))
    if any(isinstance(part, ast.Call) and names.name(part.func) in known()["fetch"] for part in parts):
        return True
    if any(isinstance(part, ast.IfExp) and _turns(part.test, names) for part in parts):
        return True
    several = {part.id for part in parts if isinstance(part, ast.Name) and len(names.values(part.id)) > 1}
    return bool(several) and any(
        isinstance(node, ast.If) and _turns(node.test, names) and several & set(_assigned(node)) for node in nodes
    )


def _turns(test: ast.expr, names: Names) -> bool:
    return any(isinstance(part, ast.Call) and _TURNS.search(names.name(part.func)) for part in made_of(test, names))


def _assigned(node: ast.If) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            yield from (each.id for each in inner.targets if isinstance(each, ast.Name))
