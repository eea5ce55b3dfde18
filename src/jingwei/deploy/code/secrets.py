"""Keys and passwords that stand in files: by the forms their issuers document, and by the name they are given."""

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from jingwei.core.finding import Severity
from jingwei.core.policy import Category
from jingwei.core.text import Both, text
from jingwei.deploy.code.source import language_of
from jingwei.detect.pattern_detector import PatternDetector
from jingwei.detect.rule import rule_file
from jingwei.detect.validators import random_looking

_EMPTY_FORM = re.compile(
    r"(?i)example|your[-_ ]|[-_]your|change[-_]?me|placeholder|dummy|redacted|x{4}|\*{3}|\.{3}|<|\$\{|\{\{"
    r"|^(?:pass(?:word|wd)?|pwd?|secret|token|user(?:name)?|admin|key|postgres|root|mysql|redis|guest|test)$"
    r"|^(?:phc_|pk_(?:live|test)_)"  # published by design
)
"""A form to be filled in, whatever it begins with."""
_PLACEHOLDER = re.compile(
    _EMPTY_FORM.pattern + r"|your|fake|insert|replace|todo|sample|not-?needed|no-?key|none|test[-_]?key|1234567890"
)
_NAMED = re.compile(
    r"""(?ix)(?<![\w.])["']?(?P<name>[\w.-]{0,40}(?:api|access|secret|private|auth|app|account|encryption|signing)[_-]?(?:key|token|secret)
    |[\w.-]{0,40}(?:password|passwd|pwd|_token|_secret|client_secret))["']?(?:\s*:\s*str)?\s*(?::|=|=>|:=)\s*[rbuf]?["'](?P<value>[^"'\n\s]{8,200})["']"""
)
_ENVIRONMENT = re.compile(
    r"(?im)^[ \t]*(?:export[ \t]+|ENV[ \t]+|-[ \t]+)?"
    r"(?P<name>\w{0,40}(?:API_?KEY|SECRET|TOKEN|PASSWORD|PASSWD|ACCESS_KEY)\w{0,12})\s*[=:]\s*"
    r"(?P<value>[^\s\"'#]{8,200})\s*(?:#.*)?$"
)
_SIDE_BY_SIDE = re.compile(r"[\"'][\s\\+()]{1,80}[rbufRBUF]?[\"']")
_LONGEST = 400
_CALLED = re.compile(r"[A-Za-z_]\w*(\.\w+)*\(")
_IN_TESTS = re.compile(
    r"(?i)(^|/)(tests?|fixtures?|testdata|examples?|docs?)/|(^|/)(test_|conftest)|\.(example|sample|template|dist)$"
)


class Secret(NamedTuple):
    """One secret in a text."""

    start: int
    end: int
    line: int
    what: Both
    severity: Severity


@lru_cache(maxsize=1)
def _detector() -> PatternDetector:
    return PatternDetector("secrets", category=Category.SECRET)


def secrets(content: str, *, name: str) -> Iterator[Secret]:
    """Find every secret in a text, in order; a placeholder is none."""
    breaks = [at for at, character in enumerate(content) if character == "\n"]
    titles = {rule.id: rule.title for rule in rule_file("secrets").rules}
    milder = _IN_TESTS.search(name) is not None
    taken: set[int] = set()
    spans = [(hit.start, hit.end, titles[hit.rule_id], hit.severity) for hit in _detector().scan(content)]
    kind = text("deploy.code:secret-credential")
    for pattern in (_NAMED, _ENVIRONMENT) if language_of(name) == "text" else (_NAMED,):
        spans += [(*match.span("value"), kind, Severity.HIGH) for match in pattern.finditer(content)
                  if _told(match["name"], match["value"])]  # fmt: skip
    for start, end, what, severity in sorted(spans, key=lambda each: each[0]):
        line = bisect_right(breaks, start - 1) + 1
        value = content[start:end]
        computed = content[end : end + 1] == "(" or content[end : end + 2] == "()"
        if line in taken or computed or _EMPTY_FORM.search(value) or len(set(value)) < 5 or _CALLED.match(value):
            continue
        taken.add(line)
        yield Secret(start, end, line, what, Severity.LOW if milder else severity)


def joined_secrets(code: str) -> Iterator[Secret]:
    """Find secrets that Python code puts together from literals side by side or added to each other."""
    if _SIDE_BY_SIDE.search(code) is None:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the audit tells that the file is no Python
    starts = list(accumulate((len(line) for line in code.splitlines(keepends=True)), initial=0))
    told: set[int] = set()
    for node, name in _literals(tree):
        value = _whole(node)
        if not 16 <= len(value) <= _LONGEST or value in code or node.lineno in told:
            continue
        shape = f'{name or "value"} = "{value}"'
        found = next((each for each in secrets(shape, name="a.py") if value in shape[each.start : each.end + 1]), None)
        if found is not None:
            told.add(node.lineno)
            start = _offset(code, starts, node.lineno, node.col_offset)
            end = _offset(code, starts, node.end_lineno or node.lineno, node.end_col_offset or 0)
            yield found._replace(start=start, end=end, line=node.lineno)


def _offset(code: str, starts: list[int], line: int, column: int) -> int:
    """Return where in a text a place lies whose column is counted in bytes."""
    begin = starts[line - 1]
    stop = starts[line] if line < len(starts) else len(code)
    return begin + len(code[begin:stop].encode()[:column].decode(errors="ignore"))


def _literals(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Give the texts of a module, each with the name it is given."""
    named: dict[int, str] = {}
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            named[id(node.value)] = ast.unparse(node.targets[0])[:80]
        elif isinstance(node, ast.keyword) and node.arg:
            named[id(node.value)] = node.arg
        elif isinstance(node, ast.Dict):
            named |= {id(value): key.value for key, value in zip(node.keys, node.values, strict=True)
                      if isinstance(key, ast.Constant) and isinstance(key.value, str)}  # fmt: skip
        elif isinstance(node, ast.BinOp) and id(node) not in inner:
            inner |= {id(each) for each in ast.walk(node)}
            yield node, named.get(id(node), "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node, named.get(id(node), "")


def _whole(node: ast.expr) -> str:
    """Return what a text says, or nothing where a part of it is not written down."""
    parts: list[str] = []
    here = node
    while isinstance(here, ast.BinOp) and isinstance(here.op, ast.Add) and isinstance(here.right, ast.Constant):
        parts.append(here.right.value if isinstance(here.right.value, str) else "")
        here = here.left
    if not (isinstance(here, ast.Constant) and isinstance(here.value, str)):
        return ""
    return here.value + "".join(reversed(parts))


def _told(name: str, value: str) -> bool:
    """Tell a value under a secret's name from a word, a path, a reference to where the secret lies."""
    if _PLACEHOLDER.search(value) or value.startswith(("/", "http", "$", "{", "env:", "vault:", "os.", "process.")):
        return False
    if re.search(r"(?i)passw|pwd", name):
        return len(set(value)) >= 5 and bool(re.search(r"\d", value)) and bool(re.search(r"[A-Za-z]", value)) \
            and not re.fullmatch(r"[a-z_]+\d?", value)  # fmt: skip
    return len(value) >= 16 and random_looking(value) and not re.fullmatch(r"[a-z]+([-_.][a-z0-9]+)+", value)


def masked(line: str, found: list[tuple[int, int]]) -> str:
    """Return a line with each secret in it cut to its first characters."""
    for start, end in sorted(found, reverse=True):
        shown = line[start : start + 4] if end - start >= 16 else ""
        line = line[:start] + shown + "***" + line[end:]
    return line
