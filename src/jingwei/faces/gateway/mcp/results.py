"""What an MCP server says: every text of it with its place, and what of it may be passed on."""

from collections.abc import Iterator, Mapping, Sequence

from jingwei.core.canonical import Json
from jingwei.core.text import text
from jingwei.deploy.guard import Passage
from jingwei.deploy.guard.passages import is_plain_key
from jingwei.detect import Role

MAX_TEXTS = 8192
MAX_CURSOR = 1024
_UNSEEN = frozenset({"image", "audio"})
"""Kinds of content that the guard cannot look into."""
_ROLES: dict[str, Role] = {"resources/read": "document"}
_SERVER_CAPABILITIES = frozenset({"tools", "prompts", "resources", "completions"})


class TooManyTextsError(Exception):
    """A message that holds more texts than are read."""


def texts_of(method: str, result: Mapping[str, Json]) -> tuple[Passage, ...]:
    """Return every text of a result, keys included, wherever it stands.

    Raises:
        TooManyTextsError: there are too many.
    """
    found: list[Passage] = []
    for passage in _walk(result, (), _ROLES.get(method, "tool")):
        found.append(passage)
        if len(found) > MAX_TEXTS:
            raise TooManyTextsError
    return tuple(found)


def seen(method: str, result: dict[str, Json]) -> dict[str, Json]:
    """Return a result without what the guard cannot look into, and without offers that do not come through."""
    if method in {"initialize", "server/discover"}:
        return _offers(result)
    if method == "tools/call" and isinstance(result.get("content"), list):
        return {**result, "content": [_block(each) for each in _list(result["content"])]}
    if method == "resources/read" and isinstance(result.get("contents"), list):
        return {**result, "contents": [_contents(each) for each in _list(result["contents"])]}
    if method == "prompts/get" and isinstance(result.get("messages"), list):
        return {**result, "messages": [
            {**each, "content": _block(each.get("content"))} if isinstance(each, dict) else {}
            for each in _list(result["messages"])
        ]}  # fmt: skip
    return result


def tools_of(result: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the tools that a list offers; what has no name is none."""
    offered = result.get("tools")
    return [each for each in (offered if isinstance(offered, list) else [])
            if isinstance(each, dict) and isinstance(each.get("name"), str)]  # fmt: skip


def listing(result: Mapping[str, Json], tools: list[Json]) -> dict[str, Json]:
    """Return a list of tools with nothing beside it but what a client needs to read on and to keep it."""
    kept: dict[str, Json] = {"tools": tools}
    cursor, seconds = result.get("nextCursor"), result.get("ttlMs")
    if isinstance(cursor, str) and len(cursor) <= MAX_CURSOR:
        kept["nextCursor"] = cursor
    if "resultType" in result:
        kept["resultType"] = "complete"
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        kept["ttlMs"] = seconds
    if result.get("cacheScope") in {"public", "private"}:
        kept["cacheScope"] = "private"
    return kept


def _offers(result: dict[str, Json]) -> dict[str, Json]:
    capabilities = result.get("capabilities")
    kept: dict[str, Json] = {}
    for name, value in (capabilities if isinstance(capabilities, dict) else {}).items():
        if name in _SERVER_CAPABILITIES:
            kept[name] = {} if isinstance(value, dict) else None
    return {**result, "capabilities": kept}


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []


def _block(block: Json) -> Json:
    """Return one block of content; one that cannot be read is replaced by a note that says so."""
    if not isinstance(block, dict):
        return _note("content")
    kind = block.get("type")
    if kind == "text" and isinstance(block.get("text"), str):
        return block
    if kind == "resource_link":
        return block
    if kind == "resource" and isinstance(block.get("resource"), dict):
        return {**block, "resource": _contents(block["resource"])}
    return _note(str(kind) if kind in _UNSEEN else "content")


def _contents(contents: Json) -> Json:
    if not isinstance(contents, dict) or "blob" in contents or not isinstance(contents.get("text"), str):
        uri = contents.get("uri") if isinstance(contents, dict) else None
        return {"uri": uri if isinstance(uri, str) else "", "text": str(_note("blob")["text"])}
    return contents


def _note(kind: str) -> dict[str, Json]:
    says = text("faces.gateway:mcp-not-shown", kind=kind)
    return {"type": "text", "text": f"{says.zh} {says.en}"}


def _walk(value: Json | Mapping[str, Json], path: tuple[str | int, ...], role: Role) -> Iterator[Passage]:
    if isinstance(value, str):
        if value:
            yield Passage(path, value, role=role)
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from _walk(entry, (*path, place), role)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            if not is_plain_key(key):
                yield Passage((*path, "(key)"), key, fixed=True, role=role)
            yield from _walk(entry, (*path, key), role)
