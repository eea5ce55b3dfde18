"""Anthropic's content blocks as chat messages: text, documents, calls of tools and their results.

A document's text is read as a document; one that cannot be read, such as a PDF, goes along as a file and counts as not
judged.
"""

import re
from collections.abc import Sequence
from typing import cast

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.reading import (
    Fields,
    known,
    listed,
    mistyped,
    named,
    one_of,
    text_part,
    written,
    wrong,
)
from jingwei.faces.gateway.documents import Part, file_part, is_file

_MESSAGE = {"role": "text", "content": ""}
_KINDS: dict[str, dict[str, str]] = {
    "text": {"text": "text", "citations": "list"},
    "document": {"source": "object", "title": "text", "context": "text", "citations": "object"},
    "tool_use": {"id": "text", "name": "text", "input": "object", "caller": "object"},
    "tool_result": {"tool_use_id": "text", "content": "", "is_error": "boolean"},
    "search_result": {"source": "text", "title": "text", "content": "list", "citations": "object"},
    "thinking": {"thinking": "text", "signature": "text"},
    "redacted_thinking": {"data": "text"},
}
"""What each kind of block may hold besides its type. Thoughts of earlier turns are not sent on."""
_ALWAYS = {"type": "text", "cache_control": "object"}
_SOURCE = {"type": "text", "media_type": "text", "data": "text", "content": ""}
_MEDIA = re.compile(r"[a-z]+/[a-z0-9.+-]{1,64}")
_ROLES = frozenset({"user", "assistant"})


def system_of(given: Json) -> list[Json]:
    """Return the system prompt as a message, or none."""
    if given is None:
        return []
    if isinstance(given, str):
        return [{"role": "system", "content": given}] if given else []
    blocks = [_block(each, f"system[{number}]", ("text",)) for number, each in enumerate(listed(given, "system"))]
    return [{"role": "system", "content": [text_part(str(each["text"])) for each in blocks]}]


def messages_of(given: Sequence[Json]) -> list[Json]:
    """Return messages as chat messages, in their order; a tool's result is a message of its own there."""
    found: list[Json] = []
    for number, each in enumerate(given):
        place = f"messages[{number}]"
        message = known(each, _MESSAGE, place)
        role = one_of(message.get("role"), _ROLES, f"{place}.role")
        content = message.get("content")
        if isinstance(content, str):
            found.append({"role": role, "content": content})
        elif role == "assistant":
            found += _assistant(listed(content, f"{place}.content"), f"{place}.content")
        else:
            found += _user(listed(content, f"{place}.content"), f"{place}.content")
    return found


def _block(given: Json, place: str, kinds: Sequence[str]) -> Fields:
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise mistyped(place, "content")
    block = known(given, {**_ALWAYS, **_KINDS[kind]}, place)
    if kind == "text" and not isinstance(block.get("text"), str):
        raise mistyped(f"{place}.text", "text")
    return block


def _assistant(blocks: Sequence[Json], place: str) -> list[Json]:
    kinds = ("text", "tool_use", "thinking", "redacted_thinking")
    read = [_block(each, f"{place}[{number}]", kinds) for number, each in enumerate(blocks)]
    texts = [text_part(cast("str", each["text"])) for each in read if each["type"] == "text"]
    calls: list[Json] = [
        {"id": named(each, "id", place), "type": "function",
         "function": {"name": named(each, "name", place), "arguments": written(each.get("input") or {}).decode()}}
        for each in read if each["type"] == "tool_use"
    ]  # fmt: skip
    if not texts and not calls:
        return []
    message: Fields = {"role": "assistant", "content": texts or None}
    return [{**message, "tool_calls": calls} if calls else message]


def _user(blocks: Sequence[Json], place: str) -> list[Json]:
    found: list[Json] = []
    texts: list[Json] = []
    """Also documents and files."""

    def settle() -> None:
        if texts:
            found.append({"role": "user", "content": [*texts]})
            texts.clear()

    for number, each in enumerate(blocks):
        where = f"{place}[{number}]"
        block = _block(each, where, ("text", "document", "search_result", "tool_result"))
        if block["type"] in {"document", "search_result"}:
            texts.extend(_document(block, where) if block["type"] == "document" else _search_result(block, where))
            continue
        if block["type"] == "text":
            texts.append(text_part(cast("str", block["text"])))
            continue
        settle()
        found.append({"role": "tool", "tool_call_id": named(block, "tool_use_id", where),
                      "content": _result(block.get("content"), f"{where}.content")})  # fmt: skip
    settle()
    return found


def _result(given: Json, place: str) -> Json:
    """Return what a tool gave; its documents are read as a tool's words, and a file in it has no place in a chat."""
    if given is None or isinstance(given, str):
        return given or ""
    found: list[Json] = []
    for number, each in enumerate(listed(given, place)):
        where = f"{place}[{number}]"
        block = _block(each, where, ("text", "document", "search_result"))
        if block["type"] == "text":
            found.append(text_part(cast("str", block["text"])))
            continue
        parts = _document(block, where) if block["type"] == "document" else _search_result(block, where)
        if any(part["type"] != "document" for part in parts):
            raise wrong(f"{where}.source", "document")
        found += [text_part(cast("str", part["text"])) for part in parts]
    return found


def _search_result(block: Fields, place: str) -> list[Part]:
    texts = [
        named(block, "source", place),
        named(block, "title", place),
        *_texts(block.get("content"), f"{place}.content"),
    ]
    return [{"type": "document", "text": each} for each in texts]


def _document(block: Fields, place: str) -> list[Part]:
    """Return a document as parts of a message: its texts, or a file."""
    source = known(block.get("source"), _SOURCE, f"{place}.source")
    kind, data = source.get("type"), source.get("data")
    before = [cast("str", block[name]) for name in ("title", "context") if block.get(name)]
    if kind == "text" and isinstance(data, str):
        return [{"type": "document", "text": each} for each in (*before, data)]
    if kind == "content":
        texts = _texts(source.get("content"), f"{place}.source.content")
        return [{"type": "document", "text": each} for each in (*before, *texts)]
    media_type = source.get("media_type")
    if kind == "base64" and isinstance(data, str) and isinstance(media_type, str) and _MEDIA.fullmatch(media_type):
        file = file_part(media_type, data)
        if is_file(file):
            titles: list[Part] = [{"type": "document", "text": each} for each in before]
            return [*titles, file]
    raise wrong(f"{place}.source", "document")  # nobody here fetches what is only named


def _texts(given: Json, place: str) -> list[str]:
    if isinstance(given, str):
        return [given]
    blocks = [_block(each, f"{place}[{number}]", ("text",)) for number, each in enumerate(listed(given, place))]
    return [cast("str", each["text"]) for each in blocks]
