"""Model classes that send what they are given: the network, where only numbers should be computed."""

import ast
import re
from collections.abc import Iterator

from jingwei.deploy.artifacts.python_calls import calls, one_of
from jingwei.deploy.artifacts.python_names import Names

_MODEL = re.compile(
    r"(Model|Module|Layer|Pipeline|Tokenizer\w*|Processor|Extractor|Config|PreTrained\w*|Mixin|LMHead\w*)$"
)
_METHODS = frozenset({
    "forward", "__call__", "__init__", "__new__", "generate", "call", "_forward", "__setstate__", "encode",
})  # fmt: skip
_SENDING = re.compile(
    r"\.(post|put|patch|request|send\w*|stream|connect\w*|create_connection|socket|SMTP\w*|HTTPS?Connection|FTP\w*)$"
)
_DANGEROUS = frozenset({"__builtins__", "builtins", "os", "subprocess", "sys", "posix", "pty", "importlib"})
_NAMESPACES = frozenset({"__builtins__", "builtins.__dict__", "__builtins__.__dict__", "os.__dict__", "sys.modules"})
_OPENING = re.compile(r"\.(urlopen|urlretrieve|Request)$")


def senders(tree: ast.Module, names: Names) -> Iterator[tuple[int, str]]:
    """Return where a model's own methods send something, with the call's name."""
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef) and any(_MODEL.search(_last(base)) for base in owner.bases):
            for method in owner.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name in _METHODS:
                    yield from _sent(method, names)


def _last(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""


def _sent(method: ast.FunctionDef | ast.AsyncFunctionDef, names: Names) -> Iterator[tuple[int, str]]:
    for node in ast.walk(method):
        name = names.dotted(node.func) if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or not one_of(name, calls().talks):
            continue
        computed = len(node.args) > 1 or bool(node.keywords) or any(names.string(each) is None for each in node.args)
        if _SENDING.search(name) or (_OPENING.search(name) and computed):
            yield node.lineno, name


def sends_secret(node: ast.Call, names: Names, secret: re.Pattern[str]) -> str:
    """Name the secret of the environment that a network call carries in its address or its body, or nothing."""
    carried = [*node.args, *(each.value for each in node.keywords if each.arg not in {"headers", "auth", "cookies"})]
    for each in (inner for part in carried for inner in ast.walk(part)):
        if isinstance(each, ast.Call) and each.args and names.dotted(each.func) in {"os.getenv", "os.environ.get"}:
            variable = names.string(each.args[0])
        elif isinstance(each, ast.Subscript) and names.dotted(each.value) in {"os.environ", "os.environb"}:
            variable = names.string(each.slice)
        else:
            continue
        if isinstance(variable, str) and secret.search(variable):
            return variable
    return ""


def looks_up(function: ast.expr, names: Names) -> str:
    """Name the namespace from which what is called is fetched under a name that cannot be told, or nothing."""
    if isinstance(function, ast.Subscript):
        base = names.dotted(function.value)
        return base if base in _NAMESPACES else ""
    if isinstance(function, ast.Call) and len(function.args) > 1 and names.dotted(function.func) == "getattr":
        base = names.dotted(function.args[0])
        return base if base in _DANGEROUS and names.string(function.args[1]) is None else ""
    return ""
