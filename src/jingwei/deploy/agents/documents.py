"""Documents: configurations, manifests and listings read as data, bounded, and the things that they hold."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import yaml

from jingwei.core.canonical import Json
from jingwei.deploy.agents.things import Kind, Thing, thing_of

LARGEST = 8 * 1024 * 1024
"""Bytes of a document that are read; a larger one is listed as incomplete."""
_DEEPEST_NESTING = 200
"""Brackets inside brackets before the parser, which recurses, is asked at all."""
_MOST_THINGS = 5_000
_MOST_ALIASES = 50
_LISTS: Mapping[str, Kind] = {"tools": "tool", "prompts": "prompt", "resources": "resource",
                              "resourceTemplates": "resource", "resource_templates": "resource",
                              "functions": "tool", "messages": "text",
                              "contents": "text", "actions": "tool"}  # fmt: skip
_SERVERS = ("mcpServers", "mcp_servers", "servers", "context_servers", "contextServers")
_SERVER_FIELDS = frozenset({"command", "url", "serverUrl", "httpUrl", "args", "endpoint"})
_TOOL_FIELDS = frozenset({"inputSchema", "input_schema", "parameters", "args_schema", "outputSchema", "annotations"})
_CARD_FIELDS = frozenset({"protocolVersion", "capabilities", "url", "defaultInputModes", "supportedInterfaces"})
_PLUGIN_FIELDS = frozenset(
    {"description_for_model", "name_for_model", "contextFileName", "excludeTools", "hooks", "commands"}
)
_COMMENTS = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')


class UnreadError(Exception):
    """A document that is not read, with the name of the reason among the package's texts."""


class Document(NamedTuple):
    """A document as data, and the keys that it gives twice: two readers of it read different things."""

    value: Json
    twice: tuple[str, ...]


class Server(NamedTuple):
    """One server that a client is told to start or to call."""

    name: str
    raw: Mapping[str, Json]


def read_document(content: bytes, name: str) -> Document:
    """Read JSON (comments allowed), TOML or YAML.

    Raises:
        UnreadError: it is too large, too deep, or not what its name says.
    """
    if len(content) > LARGEST:
        raise UnreadError("gap-large")
    text = content.decode("utf-8-sig", "replace")
    if _nesting(text) > _DEEPEST_NESTING:
        raise UnreadError("gap-deep")
    try:
        if name.lower().endswith(".toml"):
            return Document(cast("Json", tomllib.loads(text)), ())
        if name.lower().endswith((".yaml", ".yml")):
            return Document(_yaml(text), ())
        return _json(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UnreadError("gap-broken") from error


def _json(text: str) -> Document:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Json]]) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for key, value in items:
            if key in made and made[key] != value:
                twice.append(key)
            made[key] = value
        return made

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except ValueError:
        bare = _COMMENTS.sub(lambda match: match[1] or " ", text)
        value = json.loads(_TRAILING.sub(lambda match: match[1] or "", bare), object_pairs_hook=pairs)
    return Document(value, tuple(dict.fromkeys(twice)))


def _yaml(text: str) -> Json:
    if text.count("*") > _MOST_ALIASES and re.search(r"&\w+", text):
        raise UnreadError("gap-deep")
    return cast("Json", yaml.safe_load(text))


def _nesting(text: str) -> int:
    depth = deepest = 0
    for mark in re.finditer(r'"(?:\\.|[^"\\])*"|[\[{]|[\]}]', text):
        first = mark[0][0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def things_of(value: Json, path: str) -> Iterator[Thing]:
    """Give every tool, prompt, resource, card and plugin that a document holds."""
    for number, thing in enumerate(_things(value, path, 0)):
        if number >= _MOST_THINGS:
            return
        yield thing


def _things(value: Json, path: str, depth: int) -> Iterator[Thing]:
    if depth > 6:
        return
    if isinstance(value, list):
        for each in value:
            if isinstance(each, Mapping):
                kind = _kind(each)
                yield from [thing_of(each, kind=kind, path=path)] if kind else _things(each, path, depth + 1)
        return
    if not isinstance(value, Mapping):
        return
    kind = _kind(value)
    if kind in {"card", "plugin"}:
        bare = {key: each for key, each in value.items() if key not in {*_SERVERS, "tools"}}
        yield thing_of(bare, kind=kind, path=path)
    elif kind == "tool":
        yield thing_of(value, kind=kind, path=path)
        return
    yield from _listed(value, path, depth)


def _listed(value: Mapping[str, Json], path: str, depth: int) -> Iterator[Thing]:
    for key, inner in value.items():
        kind = _LISTS.get(key)
        if kind and isinstance(inner, list):
            yield from (thing_of(each, kind=kind, path=path) for each in inner if isinstance(each, Mapping))
        elif kind == "tool" and isinstance(inner, Mapping):
            for name, each in inner.items():
                if isinstance(each, Mapping):
                    yield thing_of(each, kind="tool", path=path, name=str(each.get("name") or name))
        elif key in {"instructions", "serverInfo", "system_prompt", "systemPrompt"}:
            yield thing_of({key: inner}, kind="text", path=path, name=key)
        elif isinstance(inner, Mapping | list) and key not in {"skills", "packages"}:
            yield from _things(inner, path, depth + 1)


def _kind(value: Mapping[str, Json]) -> Kind | None:
    if isinstance(value.get("function"), Mapping):
        return "tool"
    if _PLUGIN_FIELDS & value.keys() and isinstance(value.get("name") or value.get("name_for_model"), str):
        return "plugin"
    if isinstance(value.get("skills"), list) and _CARD_FIELDS & value.keys():
        return "card"
    if (
        isinstance(value.get("packages"), list | type(None))
        and "name" in value
        and ("packages" in value or "remotes" in value)
    ):
        return "plugin"
    if isinstance(value.get("name"), str) and _TOOL_FIELDS & value.keys() and not isinstance(value.get("tools"), list):
        return "tool"
    return None


def servers_of(value: Json) -> Iterator[Server]:
    """Give every server of a client's configuration, wherever in it the list lies."""
    if not isinstance(value, Mapping):
        return
    for key, inner in value.items():
        if not isinstance(inner, Mapping):
            continue
        if key in _SERVERS or (key == "mcp" and any(_is_server(each) for each in inner.values())):
            for name, each in inner.items():
                if isinstance(each, Mapping) and _is_server(each):
                    yield Server(str(name), each)
        else:
            yield from servers_of(inner)


def _is_server(value: Json) -> bool:
    return isinstance(value, Mapping) and bool(_SERVER_FIELDS & value.keys())
