"""The Python that a `torch.fx` GraphModule carries as text and that loading compiles: is it only a traced graph?

Tracing writes one kind of code: imports of the framework, and a function of assignments that call the framework, an
operator or a part of the model. Whatever is not that, was not traced.
"""

import ast

from jingwei.deploy.artifacts.globals import Standing, standing
from jingwei.deploy.artifacts.python_source import parsed

_ROOTS = frozenset({
    "torch", "math", "operator", "_operator", "collections", "typing", "numpy", "torchvision", "torchaudio", "einops",
})  # fmt: skip
_FUNCTIONS = frozenset({
    "getattr", "slice", "range", "len", "float", "int", "bool", "tuple", "list", "dict", "type", "max", "min", "sum",
    "abs", "isinstance", "Ellipsis", "device", "inf", "nan", "NoneType", "zip", "enumerate", "round",
})  # fmt: skip
_STATEMENTS = (ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef)


def traced(text: str) -> bool:
    """Tell whether a text is nothing but what tracing writes."""
    tree = parsed(text)
    if tree is None:
        return False
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and not _learnt(node, imported):
            return False
    return all(_stands(statement) for statement in tree.body) and all(_fine(node, imported) for node in ast.walk(tree))


def _learnt(node: ast.Import | ast.ImportFrom, imported: dict[str, str]) -> bool:
    """Take an import of the framework down; tell whether it is one."""
    for alias in node.names:
        whole = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        if (
            whole.partition(".")[0] not in _ROOTS
            or alias.name == "*"
            or (isinstance(node, ast.ImportFrom) and node.level)
        ):
            return False
        bound = whole if alias.asname or isinstance(node, ast.ImportFrom) else whole.partition(".")[0]
        imported[alias.asname or alias.name.partition(".")[0]] = bound
        if standing(*whole.rpartition(".")[::2]) is Standing.DANGEROUS and not whole.startswith("torch.fx."):
            return False
    return True


def _stands(statement: ast.stmt) -> bool:
    """Tell whether a statement may stand outside the function: nothing there calls, but for `type(None)`."""
    if not isinstance(statement, _STATEMENTS):
        return False
    if isinstance(statement, ast.FunctionDef):
        signature = [*statement.decorator_list, statement.args, *([statement.returns] if statement.returns else [])]
        return not any(isinstance(node, ast.Call) for part in signature for node in ast.walk(part)) and (
            not statement.decorator_list
        )
    return not isinstance(statement, ast.Assign) or ast.unparse(statement.value) in {"type(None)", "None"}


def _fine(node: ast.AST, imported: dict[str, str]) -> bool:
    if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
        return False
    if isinstance(node, ast.Name) and node.id.startswith("__"):
        return False
    if isinstance(node, ast.ClassDef | ast.Lambda | ast.AsyncFunctionDef | ast.Delete | ast.Global | ast.Nonlocal):
        return False
    return not isinstance(node, ast.Call) or _calls(node, imported)


def _calls(node: ast.Call, imported: dict[str, str]) -> bool:
    """Tell whether a call is one of the framework, an operator, a part of the model or a value."""
    if isinstance(node.func, ast.Call):
        return isinstance(node.func.func, ast.Name) and node.func.func.id == "getattr"
    dotted = _dotted(node.func)
    first, _, rest = dotted.partition(".")
    if first in imported:
        whole = f"{imported[first]}.{rest}".strip(".")
        return standing(*whole.rpartition(".")[::2]) is not Standing.DANGEROUS
    if dotted == "getattr":
        return len(node.args) in {2, 3} and _named(node.args[1]) and _dotted(node.args[0]).partition(".")[0] != "torch"
    return dotted in _FUNCTIONS or (not isinstance(node.func, ast.Name))


def _named(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.startswith("__")


def _dotted(node: ast.AST) -> str:
    """Return the dotted name as it is written, or nothing."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
