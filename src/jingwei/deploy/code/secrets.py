"""Keys and passwords that stand in files: by the forms their issuers document, and by the name they are given."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
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
