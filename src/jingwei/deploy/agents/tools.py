"""Tools: what they can do by their names and parameters, and whether that agrees with what they say of themselves."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json
from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.agents.findings import Notes
from jingwei.deploy.agents.things import Thing, spelled_out
from jingwei.detect import fold

_CHANGES = ("delete", "write", "send", "execute")
_LOOKALIKE = re.compile(r"[\u0370-\u052f\u0530-\u058f\u13a0-\u13ff\u2c80-\u2cff\uff00-\uff5e\U0001d400-\U0001d7ff]")
_LATIN = re.compile(r"[A-Za-z]")


class Power(BaseModel):
    """What tells one power."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verbs: tuple[str, ...]
    parameters: tuple[str, ...]
    said: tuple[str, ...]


class _Asking(NamedTuple):
    words: re.Pattern[str]
    about: re.Pattern[str]
    new: re.Pattern[str] | None
    """What the parameter's own description says where it wants something new, not what is there."""
    present: re.Pattern[str] | None


@lru_cache(maxsize=1)
def _data() -> tuple[dict[str, Power], tuple[_Asking, ...]]:
    data = package_data(__package__, "powers.yaml")
    powers = {name: Power.model_validate(entry) for name, entry in data["powers"].items()}
    return powers, tuple(_asked_of(each) for each in data["asking"])


def _asked_of(entry: Mapping[str, str]) -> _Asking:
    new, present = (re.compile(entry[key]) if key in entry else None for key in ("new", "present"))
    return _Asking(re.compile(entry["words"]), re.compile(entry["about"]), new, present)


def parameters_of(raw: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Give the name and schema of every parameter, nested ones included."""
    function = raw.get("function")
    source = function if isinstance(function, Mapping) else raw
    for key in ("inputSchema", "input_schema", "parameters", "args_schema", "arguments"):
        yield from _properties(source.get(key), 0)


def _properties(schema: Json, depth: int) -> Iterator[tuple[str, Json]]:
    if depth > 12:
        return
    if isinstance(schema, list):
        yield from ((str(each["name"]), each) for each in schema if isinstance(each, Mapping) and "name" in each)
        return
    if not isinstance(schema, Mapping):
        return
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, inner in properties.items():
            yield str(name), inner
            yield from _properties(inner, depth + 1)
    for key in ("items", "additionalProperties"):
        yield from _properties(schema.get(key), depth + 1)


def powers_of(thing: Thing) -> frozenset[str]:
    """Return what a tool can do, as its leading verb and its parameters tell."""
    words = spelled_out(fold(thing.name).clean).lower().split()
    named = {spelled_out(name).lower().strip() for name, _ in parameters_of(thing.raw)}
    found = set()
    for name, power in _data()[0].items():
        leads = any(word in power.verbs for word in words[:3])
        leads = leads or any(thing.name.startswith(verb) for verb in power.verbs if not verb.isascii())
        if leads or named & set(power.parameters):
            found.add(name)
    return frozenset(found)


def judge_tool(thing: Thing, notes: Notes) -> None:
    """Note where a tool's name, its parameters and its annotations do not agree with each other."""
    _name(thing, notes)
    _annotations(thing, notes)
    _asking(thing, notes)
    _hidden_power(thing, notes)


def _name(thing: Thing, notes: Notes) -> None:
    names = [thing.name, *(name for name, _ in parameters_of(thing.raw))]
    for name in names:
        if _LOOKALIKE.search(name) and _LATIN.search(name):
            notes.find("lookalike-name", thing.path, seen=name, plain=fold(name).clean)
        elif any(not character.isprintable() for character in name):
            notes.find("odd-name", thing.path, seen=name)


def _annotations(thing: Thing, notes: Notes) -> None:
    said = thing.raw.get("annotations")
    if not isinstance(said, Mapping):
        return
    verb, power = _leading(thing)
    if said.get("readOnlyHint") is True and power in _CHANGES:
        notes.find("says-read-only", thing.path, seen=verb, name=thing.name)
    elif said.get("destructiveHint") is False and power == "delete":
        notes.find("says-harmless", thing.path, seen=verb, name=thing.name)


def _leading(thing: Thing) -> tuple[str, str]:
    """Return the first verb of the name or of the description, and what it does."""
    description = next((each.text for each in thing.spoken if each.where.endswith("description")), "")
    for text in (spelled_out(fold(thing.name).clean), description):
        start = text.strip()[:40].lower()
        first = start.split()[:1]
        for name, power in _data()[0].items():
            for verb in power.verbs:
                if verb.isascii() and first and first[0].rstrip(",.:") in {verb, f"{verb}s", f"{verb}es"}:
                    return verb, name
                if not verb.isascii() and start.startswith(verb):
                    return verb, name
    return "", ""


def _asking(thing: Thing, notes: Notes) -> None:
    spoken = f"{spelled_out(thing.name)} {next((s.text for s in thing.spoken if s.where == 'description'), '')}".lower()
    for name, schema in parameters_of(thing.raw):
        words = spelled_out(fold(name).clean).lower()
        told = str(schema.get("description", "")).lower() if isinstance(schema, Mapping) else ""
        for asking in _data()[1]:
            if asking.words.search(words) and not asking.about.search(spoken) and not _wants_new(asking, told):
                notes.find("asking-parameter", thing.path, seen=name, name=name)


def _wants_new(asking: _Asking, told: str) -> bool:
    if asking.new is None or not asking.new.search(told):
        return False
    return asking.present is None or not asking.present.search(told)


def _hidden_power(thing: Thing, notes: Notes) -> None:
    """Note a parameter that takes a command where nothing says that commands are run."""
    power = _data()[0]["execute"]
    words = [spelled_out(thing.name).lower(), *(each.text.lower() for each in thing.spoken if each.part == "speech")]
    if any(re.search(said, text) for said in power.said for text in words):
        return
    for name, _ in parameters_of(thing.raw):
        if spelled_out(name).lower() in power.parameters:
            notes.find("hidden-power", thing.path, seen=name, name=name)


def judge_together(things: list[Thing], notes: dict[str, Notes]) -> None:
    """Compare the names of the tools of one listing: twice the same, or the same but for its letters."""
    known: dict[str, Thing] = {}
    for thing in things:
        if thing.kind != "tool" or not thing.name:
            continue
        plain = re.sub(r"[_\-\s.]", "", fold(thing.name).folded)
        other = known.setdefault(plain, thing)
        if other is thing or other.digest == thing.digest:
            continue
        same = other.name == thing.name
        severity = Severity.MEDIUM if same else Severity.HIGH
        notes[thing.path].find("name-twice", thing.path, seen=thing.name, other=other.path, severity=severity)
