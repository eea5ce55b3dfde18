"""Items of a response's input as chat messages: messages, calls of functions and what came of them."""

from typing import cast

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.reading import Fields, known, listed, mistyped, named, one_of, text_part

_STATUS = {"id": "text", "status": "text", "type": "text"}
_KINDS: dict[str, dict[str, str]] = {
    "message": {"role": "text", "content": "", "phase": "text"},
    "function_call": {"call_id": "text", "name": "text", "arguments": "text"},
    "function_call_output": {"call_id": "text", "output": ""},
    "reasoning": {"summary": "list", "content": "list", "encrypted_content": "text"},
}
"""What each kind of item may hold besides its id and status. Thoughts of earlier turns are not sent on."""
_PARTS: dict[str, dict[str, str]] = {
    "input_text": {"text": "text"},
    "output_text": {"text": "text", "annotations": "list", "logprobs": "list"},
    "text": {"text": "text"},
    "refusal": {"refusal": "text"},
}
_ROLES = frozenset({"user", "assistant", "system", "developer"})


def messages_of(given: Json) -> list[Json]:
    """Return the input as chat messages, in its order.

    Raises:
        Refusal: it is neither a text nor a list of items that the guard can read.
    """
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    found: list[Fields] = []
    for number, each in enumerate(listed(given, "input")):
        place = f"input[{number}]"
        kind = each.get("type", "message") if isinstance(each, dict) else None
        if not isinstance(kind, str) or kind not in _KINDS:
            raise mistyped(place, "item")
        item = known(each, {**_STATUS, **_KINDS[kind]}, place)
        if kind == "message":
            role = one_of(item.get("role"), _ROLES, f"{place}.role")
            found.append({"role": role, "content": _content(item.get("content"), f"{place}.content")})
        elif kind == "function_call":
            _add_call(found, item, place)
        elif kind == "function_call_output":
            found.append({"role": "tool", "tool_call_id": named(item, "call_id", place),
                          "content": _content(item.get("output"), f"{place}.output")})  # fmt: skip
    return cast("list[Json]", found)


def _add_call(found: list[Fields], item: Fields, place: str) -> None:
    """Put a call into the assistant's message before it, as a chat has them, or into one of its own."""
    call: Json = {
        "id": named(item, "call_id", place), "type": "function",
        "function": {"name": named(item, "name", place), "arguments": item.get("arguments") or "{}"},
    }  # fmt: skip
    last = found[-1] if found else None
    if last is None or last["role"] != "assistant":
        last = {"role": "assistant", "content": None}
        found.append(last)
    last["tool_calls"] = [*cast("list[Json]", last.get("tool_calls") or []), call]


def _content(given: Json, place: str) -> Json:
    if isinstance(given, str):
        return given
    texts: list[Json] = []
    for number, each in enumerate(listed(given, place)):
        where = f"{place}[{number}]"
        kind = each.get("type") if isinstance(each, dict) else None
        if not isinstance(kind, str) or kind not in _PARTS:
            raise mistyped(where, "content")
        part = known(each, {"type": "text", **_PARTS[kind]}, where)
        value = part.get("refusal" if kind == "refusal" else "text")
        if not isinstance(value, str):
            raise mistyped(where, "content")
        texts.append(text_part(value))
    return texts
