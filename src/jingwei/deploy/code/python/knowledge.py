"""What is known of libraries: which calls ask a model, which are dangerous, which make a value harmless.

All of it is data (`knowledge.yaml`); a name in it is spelled as `value.Value.name` spells it, with `*` for anything.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.deploy.code.python.value import Origin

Condition = Literal[
    "shell", "sql", "html", "page", "any-value", "model-host", "prompt-template", "credentials", "unsafe-loader",
    "unpinned", "asks-model",
]  # fmt: skip


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Entry):
    """Calls whose result is decided from outside, or attributes that are."""

    origin: Origin
    results: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


class Sink(_Entry):
    """Calls that are dangerous when an argument is decided from outside."""

    rule: str
    group: str
    names: tuple[str, ...]
    arguments: tuple[str, ...]
    """Positions and keywords; `*` for all of them, `self` for what the method belongs to."""
    condition: Condition | None = None


class Habit(_Entry):
    """Calls that are a flaw by how they are made, whatever comes in."""

    rule: str
    names: tuple[str, ...]
    keywords: dict[str, bool | str | int | None] = {}
    """All of these, with these values; a text that begins with `~` is a pattern."""
    any_keyword: dict[str, bool | str | int | None] = {}
    without: tuple[str, ...] = ()
    """None of these keywords."""
    positions: dict[int, bool | str | int | None] = {}
    condition: Condition | None = None


class Cleaner(_Entry):
    """Calls whose result is safe for some kinds of sink."""

    clears: tuple[str, ...]
    names: tuple[str, ...]


class Knowledge(_Entry):
    """The whole file."""

    sources: tuple[Source, ...]
    sinks: tuple[Sink, ...]
    habits: tuple[Habit, ...]
    cleaners: tuple[Cleaner, ...]
    carries: tuple[str, ...]
    """Calls that hand on what they are given, whoever decided it."""
    routes: tuple[str, ...]
    """Decorators that make a function answer requests."""
    tools: tuple[str, ...]
    """Decorators that let a model call a function."""
    handlers: tuple[str, ...]
    """Calls whose function arguments are called with what a user entered."""
    tool_makers: tuple[str, ...]
    """Calls whose function arguments are called by a model."""
    databases: tuple[str, ...]
    """What receivers of queries are called."""
    database_libraries: tuple[str, ...]
    credential_names: str
    plain_types: tuple[str, ...]
    """Annotations of parameters that cannot carry text."""


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """Return what is known."""
    return Knowledge.model_validate(package_data(__package__, "knowledge.yaml"))


@lru_cache(maxsize=256)
def pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a list of names."""
    return re.compile("|".join(re.escape(name).replace(r"\*", ".*") for name in names) or r"(?!)", re.DOTALL)


@lru_cache(maxsize=20_000)
def _which(kind: str, name: str) -> tuple[int, ...]:
    rows: Sequence[Source | Sink | Habit | Cleaner] = getattr(knowledge(), kind)
    found = []
    for number, row in enumerate(rows):
        names = row.results if isinstance(row, Source) else row.names
        if pattern(names).fullmatch(name):
            found.append(number)
    return tuple(found)


def source_of(name: str) -> Origin | None:
    """Return who decides the result of a call."""
    found = _which("sources", name)
    return knowledge().sources[found[0]].origin if found else None


@lru_cache(maxsize=20_000)
def attribute_source(name: str) -> Origin | None:
    """Return who decides an attribute."""
    rows = knowledge().sources
    return next((row.origin for row in rows if row.attributes and pattern(row.attributes).fullmatch(name)), None)


def sinks_of(name: str) -> list[Sink]:
    """Return the sinks that a call is."""
    return [knowledge().sinks[number] for number in _which("sinks", name)]


def habits_of(name: str) -> list[Habit]:
    """Return the rules that look at how a call is made."""
    return [knowledge().habits[number] for number in _which("habits", name)]


def cleaned_by(name: str) -> tuple[str, ...]:
    """Return the kinds of sink for which the result of a call is safe."""
    return tuple(group for number in _which("cleaners", name) for group in knowledge().cleaners[number].clears)


@lru_cache(maxsize=20_000)
def listed(kind: str, name: str) -> bool:
    """Tell whether a name is in one of the plain lists."""
    names: tuple[str, ...] = getattr(knowledge(), kind)
    return bool(pattern(names).fullmatch(name))
