"""Things that a model reads: a tool, a prompt, a resource, a card, a skill; and every text in them, with its place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from jingwei.core.canonical import Json, digest

Kind = Literal["tool", "prompt", "resource", "server", "card", "plugin", "skill", "rules", "text", "code"]
Part = Literal["name", "speech", "value"]

MOST_TEXTS = 4_000
MOST_CHARACTERS = 400_000
"""Texts and characters of one thing that are judged; what has more is listed as incomplete."""
_DEEPEST = 210
_NAMES = frozenset({"name", "title", "id", "displayname", "display_name"})
_SILENT = frozenset({"type", "$schema", "$ref", "$id", "format", "mimetype", "contentencoding", "pattern", "jsonrpc"})
"""Fields of a schema whose words are the schema's own; judged only where they are long enough to say something."""
_NAMED = frozenset({"properties", "$defs", "definitions", "patternproperties", "arguments"})


class Spoken(NamedTuple):
    """One text that a model reads, where it stands, and what part it plays."""

    where: str
    part: Part
    text: str


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing to be judged."""

    path: str
    """`file!name`, or the file alone."""
    kind: Kind
    name: str
    raw: Mapping[str, Json] = field(default_factory=dict)
    spoken: tuple[Spoken, ...] = ()
    whole: bool = True
    """False where not every text could be taken."""
    line: int | None = None

    @property
    def digest(self) -> str:
        """Return the digest of what the model is told: a pin."""
        return digest(dict(self.raw)) if self.raw else digest([list(each) for each in self.spoken])


def thing_of(raw: Mapping[str, Json], *, kind: Kind, path: str, name: str = "") -> Thing:
    """Make a thing of a JSON object: every string in it is something that a model may read."""
    named = name or _name(raw)
    spoken: list[Spoken] = []
    whole = True
    characters = 0
    for each in _texts(dict(raw), "", 0):
        left = MOST_CHARACTERS - characters
        if len(spoken) >= MOST_TEXTS or left <= 0:
            whole = False
            break
        whole = whole and len(each.text) <= left
        characters += len(each.text)
        spoken.append(each._replace(text=each.text[:left]))
    return Thing(
        f"{path}!{named}" if named else path, kind, named, raw, tuple(spoken), whole and _depth(dict(raw)) < _DEEPEST
    )


def _name(raw: Mapping[str, Json]) -> str:
    function = raw.get("function")
    source = function if isinstance(function, Mapping) else raw
    name = source.get("name") or source.get("uri") or source.get("id") or source.get("name_for_model")
    return name if isinstance(name, str) else ""


def _texts(value: Json, where: str, depth: int) -> Iterator[Spoken]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        if value.strip():
            yield Spoken(where, _part(where, value), value)
        return
    if isinstance(value, Mapping):
        named = where.rpartition(".")[2].lower() in _NAMED
        for key, inner in value.items():
            place = f"{where}.{key}" if where else str(key)
            if named or len(str(key)) > 32 or not str(key).isascii():
                yield Spoken(place, "name", str(key))
            yield from _texts(inner, place, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{where}[{number}]", depth + 1)


def _part(where: str, value: str) -> Part:
    last = re.sub(r"\[\d+\]$", "", where).rpartition(".")[2].lower()
    if last in _NAMES and len(value) <= 64:
        return "name"
    if last in _SILENT and len(value) <= 64:
        return "value"
    return "speech"


def _depth(value: Json, deepest: int = _DEEPEST + 1) -> int:
    level: list[Json] = [value]
    for depth in range(deepest):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return depth
    return deepest


def _inner(value: Json) -> list[Json]:
    if isinstance(value, Mapping):
        return [each for each in value.values() if isinstance(each, Mapping | list)]
    return [each for each in value if isinstance(each, Mapping | list)] if isinstance(value, list) else []


def spelled_out(name: str) -> str:
    """Write a name as words: `content_of_ssh_key` and `contentOfSshKey` say the same."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.sub(r"[_\-./]+", " ", parted)
