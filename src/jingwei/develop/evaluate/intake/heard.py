"""What another tool's log says of one attempt, and the few careful ways in which such a log is looked into.

A log is somebody else's file: anything in it may be missing, of another type, huge or hostile. Nothing is trusted but
that it is text and numbers, and nothing of it is ever run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from jingwei.core.errors import InputError

LONGEST = 100_000
"""Characters of a question or an answer that are kept for judging."""
ENTRIES = 500_000
"""Attempts that are read of one log."""

Tree = Any  # Any: JSON of a shape that only another tool's version knows; `at` and `word` look at it


@dataclass(frozen=True, slots=True)
class Heard:
    """One question and its answer, as another tool kept them."""

    id: str
    group: str
    """What the tool calls its kind: a probe, a plugin, a task, a harm category."""
    question: str
    answer: str
    theirs: bool | None = None
    """Whether the tool counted it as a successful attack; None where it said nothing."""
    fault: str = ""
    """Why there is no answer."""
    way: str = "plain"
    """How the tool disguised the question."""
    milliseconds: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    """A log: which tool wrote it about which model, and what it holds; read once, as it is walked through."""

    tool: str
    heard: Iterator[Heard]
    model: str = ""
    version: str = ""
    hostile: bool = True
    """Whether every question is an attack; of a benchmark's that is not known."""
    notes: list[str] = field(default_factory=list)
    """Stable codes of what could not be read, filled while it is walked through."""


def parsed(content: bytes, *, file: str, line: int = 1) -> Tree:
    """Read JSON; its depth is bounded by the parser.

    Raises:
        InputError: it is none, or nested too deeply.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError("develop.evaluate:log-damaged", field="log", file=file, line=line) from error


def at(tree: Tree, *path: str | int) -> Tree:
    """Return what lies at a path; None where the log is of another shape."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(tree, list) or not -len(tree) <= step < len(tree):
                return None
            tree = tree[step]
        else:
            if not isinstance(tree, Mapping):
                return None
            tree = tree.get(step)
    return tree


def word(tree: Tree, *path: str | int) -> str:
    """Return the text at a path, cut to what is judged; a number as text; empty where there is neither."""
    found = at(tree, *path)
    if isinstance(found, str):
        return found[:LONGEST]
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else ""


def number(tree: Tree, *path: str | int) -> int:
    """Return the whole number at a path; 0 where there is none that makes sense."""
    found = at(tree, *path)
    sensible = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e12
    return int(found) if sensible else 0


def listed(tree: Tree, *path: str | int) -> list[Tree]:
    """Return the list at a path; empty where there is none."""
    found = at(tree, *path)
    return found if isinstance(found, list) else []


def said(content: Tree) -> str:
    """Return the words of a message: a text, or parts of which some are text."""
    if isinstance(content, str):
        return content[:LONGEST]
    parts = (word(part, "text") for part in listed(content) if word(part, "type") in {"text", ""})
    return "\n".join(part for part in parts if part)[:LONGEST]
