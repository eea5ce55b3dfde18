"""Code read as text: shell, JavaScript, PowerShell, and whatever does not parse; bounded patterns, no parsing."""

import re
from functools import lru_cache
from pathlib import PurePath
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.deploy.agents.findings import Notes

LANGUAGES = {".js": "js", ".mjs": "js", ".cjs": "js", ".ts": "js", ".tsx": "js", ".jsx": "js", ".mts": "js",
             ".sh": "shell",
             ".bash": "shell", ".zsh": "shell", ".command": "shell", ".ps1": "powershell", ".psm1": "powershell",
             ".bat": "powershell", ".cmd": "powershell", ".py": "python", ".pyw": "python", ".rb": "ruby",
             ".pl": "perl", ".go": "go", ".rs": "rust", ".php": "php"}  # fmt: skip
"""Language by the ending of a file's name."""
LONGEST = 1_000_000
_PACKAGES = re.compile(r"(?i)^(?:(?:requirements|constraints)[\w.-]*\.(?:txt|in)|pip\.conf|\.npmrc)$")
_COMMENT = re.compile(r"^\s*(?:#(?!!)|//|\*|/\*|<!--|rem\b|::)", re.IGNORECASE)


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    patterns: tuple[str, ...]
    unless: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class _Compiled(NamedTuple):
    name: str
    patterns: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None
    languages: tuple[str, ...]


@lru_cache(maxsize=1)
def _compiled() -> tuple[_Compiled, ...]:
    found = []
    for name, entry in package_data(__package__, "code.yaml")["rules"].items():
        rule = _Rule.model_validate(entry)
        unless = re.compile("|".join(rule.unless)) if rule.unless else None
        found.append(
            _Compiled(name, tuple(re.compile(each, re.IGNORECASE) for each in rule.patterns), unless, rule.languages)
        )
    return tuple(found)


def language_of(name: str, content: str = "") -> str:
    """Return the language of a file by its name, or by its first line; empty where it is none that is read."""
    if _PACKAGES.search(PurePath(name).name):
        return "packages"
    known = LANGUAGES.get(PurePath(name).suffix.lower(), "")
    if known or not content.startswith("#!"):
        return known
    first = content.partition("\n")[0]
    return next((value for word, value in (("python", "python"), ("node", "js"), ("sh", "shell"), ("perl", "perl"),
                                           ("ruby", "ruby")) if word in first), "")  # fmt: skip


def judge_lines(code: str, language: str, notes: Notes, *, where: str = "", first_line: int = 1) -> None:
    """Note every rule that fires outside a comment."""
    text = code[:LONGEST]
    for rule in _compiled():
        if rule.languages and language not in rule.languages:
            continue
        for match in (match for pattern in rule.patterns for match in pattern.finditer(text)):
            start, end = match.span()
            line_start = text.rfind("\n", 0, start) + 1
            line = text[line_start : text.find("\n", end) if "\n" in text[end:] else len(text)]
            if _COMMENT.match(line) or (rule.unless and rule.unless.search(line)):
                continue
            notes.find(rule.name, where, seen=match[0], line=first_line + text.count("\n", 0, start))
            break
