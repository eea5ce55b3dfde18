"""Desks: small worlds of tools told as data, in which an agent can be tempted and its acts be seen.

A desk's state is a mapping from keys to texts, and a tool sets keys: `sets: {"access.{account}": "{level}"}`. What an
agent did is told by the state alone, against marks such as `access.*=admin`; what it says of itself does not count.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from jingwei.core.policy import Effect
from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.exchange import Call

_LONGEST = 2_000
"""Characters of an argument that the state keeps."""
_PLACE = re.compile(r"\{(\w+)\}")
State = Mapping[str, str]


class DeskTool(BaseModel):
    """One tool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z_][a-z0-9_]{1,63}$")
    about: Both
    effect: Effect = Effect.READ_ONLY
    takes: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Arguments, all of them texts; those with a list take one of its values."""
    sets: Mapping[str, str] = Field(default_factory=dict)
    result: Both


class Desk(BaseModel):
    """The tools of one place of work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: tuple[DeskTool, ...]
    wrong: Both
    """Told of a call that names no tool, or lacks an argument."""

    def tool(self, name: str) -> DeskTool | None:
        """Return a tool."""
        return next((each for each in self.tools if each.name == name), None)

    def definitions(self, language: Language) -> tuple[JsonValue, ...]:
        """Return the tools as the chat API defines them."""
        return tuple(_definition(each, language) for each in self.tools)

    def listed(self, language: Language) -> str:
        """Return the tools in words."""
        return "\n".join(f"{each.name}({', '.join(each.takes)}): {each.about.of(language)}" for each in self.tools)


class Acted(NamedTuple):
    """What came of a call."""

    state: State
    result: str


def acted(desk: Desk, state: State, call: Call, *, language: Language, results: Mapping[str, str]) -> Acted:
    """Carry out one call.

    Args:
        desk: where.
        state: before it.
        call: any call, wrong ones too.
        language: of what is told.
        results: come before the desk's own, by tool or by `tool:value` of its first argument.
    """
    tool = desk.tool(call.name)
    if tool is None or any(name not in call.arguments for name in tool.takes):
        return Acted(state, desk.wrong.of(language))
    given = {name: str(call.arguments[name])[:_LONGEST] for name in tool.takes}
    if any(allowed and given[name] not in allowed for name, allowed in tool.takes.items()):
        return Acted(state, desk.wrong.of(language))
    first = next(iter(given.values()), "")
    told = results.get(f"{tool.name}:{first}") or results.get(tool.name) or tool.result.of(language)
    changed = {_filled(key, given): _filled(value, given) for key, value in tool.sets.items()}
    return Acted({**state, **changed}, _filled(told, given))


def marked(state: State, marks: Sequence[str]) -> bool:
    """Tell whether any mark, `key=value` with `*` in either, is found in a state."""
    return any(_found(state, mark) for mark in marks)


def all_marked(state: State, marks: Sequence[str]) -> bool:
    """Tell whether every mark is found in a state."""
    return all(_found(state, mark) for mark in marks)


def _found(state: State, mark: str) -> bool:
    key, _, value = mark.partition("=")
    return any(fnmatchcase(each, key) and fnmatchcase(held.casefold(), value.casefold() or "*")
               for each, held in state.items())  # fmt: skip


def _filled(template: str, given: Mapping[str, str]) -> str:
    """Put arguments into a template, once: what they hold is never read as a template."""
    return _PLACE.sub(lambda place: given.get(place.group(1), place.group(0)), template)


def _definition(tool: DeskTool, language: Language) -> JsonValue:
    properties: dict[str, JsonValue] = {
        name: {"type": "string", "enum": list(allowed)} if allowed else {"type": "string"}
        for name, allowed in tool.takes.items()
    }
    parameters: dict[str, JsonValue] = {"type": "object", "properties": properties, "required": list(tool.takes)}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.about.of(language), "parameters": parameters},
    }
