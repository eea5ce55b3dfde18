"""Weaknesses in Python by its syntax tree: what is called, with what, and where that came from. Nothing is run."""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jingwei.core.package_data import package_data
from jingwei.develop.evaluate.code.python_values import Values, bindings, dotted, imports

_CUTS = 12
"""Attempts to parse what comes before the place where it could not be parsed."""


@lru_cache(maxsize=1)
def data() -> Mapping[str, Any]:
    """Return the rules."""
    found: Mapping[str, Any] = package_data(__package__, "python.yaml")
    return found


@lru_cache(maxsize=1)
def _by_call() -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    found: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for rule in data()["calls"]:
        for name in rule["call"]:
            found[name] = (*found.get(name, ()), rule)
    return found


@lru_cache(maxsize=256)
def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def python_weaknesses(code: str) -> tuple[list[tuple[str, str, int]], int]:
    """Return rule, CWE and line of each find, and how many lines could be parsed; only those are looked at."""
    tree, read = _parsed(code)
    if tree is None:
        return [], 0
    try:
        nodes = list(ast.walk(tree))
        names = imports(nodes)
        scopes = bindings(tree, outside=data()["outside"], imported=names)
        found = [each for node in nodes if isinstance(node, ast.Call)
                 for each in _called(node, scopes[node], names, code)]  # fmt: skip
        return found + list(_secrets(nodes)) + list(_pages(nodes, scopes)), read
    except RecursionError:
        return [], 0


def _parsed(code: str) -> tuple[ast.Module | None, int]:
    """Parse as much as there is: an answer may be cut short, or go on in words."""
    prompts = re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", code, re.MULTILINE) if code.lstrip().startswith(">>>") else None
    lines = textwrap.dedent("\n".join(prompts) if prompts else code).splitlines()
    count = len(lines)
    for _ in range(_CUTS):
        if not count:
            break
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse("\n".join(lines[:count])), len(lines) if prompts else count
        except SyntaxError as error:
            count = min(count - 1, max(0, (error.lineno or 1) - 1) if error.lineno and error.lineno < count else count)
        except (ValueError, RecursionError, MemoryError):
            break
    return None, 0


def _called(node: ast.Call, values: Values, names: Mapping[str, str], code: str) -> Iterator[tuple[str, str, int]]:
    name = dotted(node.func, names)
    method = f".{name.rpartition('.')[2]}" if isinstance(node.func, ast.Attribute) else name
    for rule in dict.fromkeys(id(each) for each in (*_by_call().get(name, ()), *_by_call().get(method, ()))):
        known = next(each for each in data()["calls"] if id(each) == rule)
        if _counts(node, known, values, code) and not ("only" in known and known["only"] not in code):
            yield known["id"], known["cwe"], node.lineno


def _counts(node: ast.Call, rule: Mapping[str, Any], values: Values, code: str) -> bool:
    if "guard" in rule and _shape(rule["guard"]).search(code):
        return False
    keywords = {each.arg: each.value for each in node.keywords if each.arg}
    if not _keyed(node, rule, keywords):
        return False
    if "argument" not in rule:
        return _plain(node, rule, keywords, values)
    if len(node.args) <= rule["argument"]:
        return False
    argument = node.args[rule["argument"]]
    if rule["when"] == "built":
        fits = values.built(argument)
    elif rule["when"] == "outside":
        fits = values.outside(argument, safe=frozenset(rule.get("safe", ())))
    else:
        fits = not values.constant(argument) and not values.made_safe(argument, frozenset(rule.get("safe", ())))
    needed = "sql" if rule.get("sql") else "html" if rule.get("html") else ""
    return fits and (not needed or _shape(data()[needed]).search(values.spelled(argument)) is not None)


def _keyed(node: ast.Call, rule: Mapping[str, Any], keywords: Mapping[str, ast.expr]) -> bool:
    """Tell whether the call has the keywords that make it one, and none of those that make it safe."""
    for name, wanted in rule.get("keyword", {}).items():
        given = keywords.get(name)
        if not isinstance(given, ast.Constant) or given.value not in wanted:
            return False
    for name, wanted in rule.get("without", {}).items():
        given = keywords.get(name)
        if given is not None and (not wanted or _spelt(given) in map(str, wanted)):
            return False
    return not ("second" in rule and len(node.args) > 1 and _spelt(node.args[1]) in rule["second"])


def _spelt(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else dotted(node, {})


def _plain(node: ast.Call, rule: Mapping[str, Any], keywords: Mapping[str, ast.expr], values: Values) -> bool:
    """Judge calls whose harm lies in a constant or a purpose: a mode, a key's size, an algorithm's name."""
    given = [*node.args, *keywords.values()]
    numbers = [each.value for each in given if isinstance(each, ast.Constant) and type(each.value) is int]
    if "literal" in rule:
        texts = [each.value for each in given if isinstance(each, ast.Constant)]
        return any(each in rule["literal"] for each in texts) or any(
            dotted(each, {}) in {"hashlib.md5", "hashlib.sha1"} for each in given
        )
    if rule.get("mode"):
        named = any("S_IRWXO" in dotted(part, {}) or "S_IWOTH" in dotted(part, {})
                    for each in given for part in ast.walk(each) if isinstance(part, ast.Attribute))  # fmt: skip
        return named or any(0o100 < each <= 0o7777 and each & 0o002 for each in numbers)
    if rule.get("zero"):
        return 0 in numbers
    if "small" in rule:
        return any(256 <= each < rule["small"] for each in numbers)
    if rule.get("near") == "secret":
        return _shape(data()["secret_context"]).search(values.about(node)) is not None
    return True


def _secrets(nodes: list[ast.AST]) -> Iterator[tuple[str, str, int]]:
    for node in nodes:
        pairs: list[tuple[str, ast.expr | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(_last(target), node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign):
            pairs = [(_last(node.target), node.value)]
        elif isinstance(node, ast.Call):
            pairs = [(each.arg or "", each.value) for each in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [(str(key.value), value) for key, value in zip(node.keys, node.values, strict=True)
                     if isinstance(key, ast.Constant)]  # fmt: skip
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
            pairs = [(_last(node.left), node.comparators[0])]
        elif isinstance(node, ast.FunctionDef) and node.args.defaults:
            named = [*node.args.posonlyargs, *node.args.args][-len(node.args.defaults) :]
            pairs = [(each.arg, value) for each, value in zip(named, node.args.defaults, strict=True)]
        for name, value in pairs:
            text = value.value if isinstance(value, ast.Constant) else None
            text = text.decode("latin-1") if isinstance(text, bytes) else text
            if (isinstance(text, str) and _shape(data()["secret_names"]).search(name)
                    and _shape(data()["secret_value"]).match(text)):  # fmt: skip
                yield "py-secret", "CWE-798", getattr(value, "lineno", 1)


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return dotted(node, {}).rpartition(".")[2]


def _pages(nodes: list[ast.AST], scopes: Mapping[ast.AST, Values]) -> Iterator[tuple[str, str, int]]:
    """Find handlers that return a page put together from what came in."""
    safe = frozenset(next(each["safe"] for each in data()["calls"] if each["id"] == "py-page"))
    for node in nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            values = scopes[node]
            if (values.built(node.value) and values.outside(node.value, safe=safe)
                    and _shape(data()["html"]).search(values.spelled(node.value))):  # fmt: skip
                yield "py-page-returned", "CWE-79", node.lineno
