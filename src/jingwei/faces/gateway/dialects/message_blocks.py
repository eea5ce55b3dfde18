"""Anthropic's content blocks as chat messages: text, calls of tools and their results; nothing that cannot be read."""

from collections.abc import Sequence
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.reading import Fields, known, listed, mistyped, named, one_of, text_part

_MESSAGE = {"role": "text", "content": ""}
_KINDS: dict[str, dict[str, str]] = {
    "text": {"text": "text", "citations": "list"},
    "tool_use": {"id": "text", "name": "text", "input": "object", "caller": "object"},
    "tool_result": {"tool_use_id": "text", "content": "", "is_error": "boolean"},
    "thinking": {"thinking": "text", "signature": "text"},
    "redacted_thinking": {"data": "text"},
}
"""What each kind of block may hold besides its type. Thoughts of earlier turns are not sent on."""
_ALWAYS = {"type": "text", "cache_control": "object"}
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
         "function": {"name": named(each, "name", place), "arguments": orjson.dumps(each.get("input") or {}).decode()}}
        for each in read if each["type"] == "tool_use"
    ]  # fmt: skip
    if not texts and not calls:
        return []
    message: Fields = {"role": "assistant", "content": texts or None}
    return [{**message, "tool_calls": calls} if calls else message]


def _user(blocks: Sequence[Json], place: str) -> list[Json]:
    found: list[Json] = []
    texts: list[Json] = []

    def settle() -> None:
        if texts:
            found.append({"role": "user", "content": [*texts]})
            texts.clear()

    for number, each in enumerate(blocks):
        where = f"{place}[{number}]"
        block = _block(each, where, ("text", "tool_result"))
        if block["type"] == "text":
            texts.append(text_part(cast("str", block["text"])))
            continue
        settle()
        found.append({"role": "tool", "tool_call_id": named(block, "tool_use_id", where),
                      "content": _result(block.get("content"), f"{where}.content")})  # fmt: skip
    settle()
    return found


def _result(given: Json, place: str) -> Json:
    if given is None or isinstance(given, str):
        return given or ""
    blocks = [_block(each, f"{place}[{number}]", ("text",)) for number, each in enumerate(listed(given, place))]
    return [text_part(cast("str", each["text"])) for each in blocks]
