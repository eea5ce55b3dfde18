"""A model's server that speaks Anthropic's messages: asked and understood as if it spoke chat.

The guard judges one form, whoever asks and whoever answers: a chat request is written as messages only when it leaves,
and what comes back is read strictly into a chat answer before anything looks at it. A kind of content that is not known
here is garbage: it could say anything.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.text import text
from jingwei.faces.gateway.refusal import Code, Refusal

Fields = dict[str, Json]
MESSAGES = "/messages"
SHOWN_AS = "anthropic-version: 2023-06-01\r\nx-api-key: "
"""How the key is shown to such a server."""
MOST_TOKENS = 4096
"""Anthropic wants a bound; where the caller gives none, this."""
_SAME = ("model", "stream", "temperature", "top_p", "top_k")
_NOT_THERE = ("response_format", "logit_bias", "prediction", "presence_penalty", "frequency_penalty", "repeat_penalty",
              "min_p", "seed")  # fmt: skip
"""Fields that change an answer and have no counterpart: left out, they would be missed by nobody but the caller."""
_CHOICES: dict[str, str] = {"auto": "auto", "required": "any", "none": "none"}
_FINISHES: dict[Json, str] = {
    "end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "max_tokens": "length",
    "model_context_window_exceeded": "length", "tool_use": "tool_calls", "refusal": "content_filter",
}  # fmt: skip
_DELTAS = {"text_delta": ("content", "text"), "thinking_delta": ("reasoning_content", "thinking")}
_BLOCKS = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})


# Asking -----------------------------------------------------------------------------------------------------------


def as_messages(chat: Mapping[str, Json]) -> Fields:
    """Return a chat request as Anthropic's.

    Raises:
        Refusal: it asks for something that such a server cannot do.
    """
    for name in _NOT_THERE:
        if chat.get(name) is not None:
            raise _wrong(name)
    if chat.get("n", 1) != 1:
        raise _wrong("n")
    given = cast("list[Fields]", chat["messages"])
    told: Fields = {name: chat[name] for name in _SAME if chat.get(name) is not None}
    told["max_tokens"] = chat.get("max_completion_tokens") or chat.get("max_tokens") or MOST_TOKENS
    if system := [block for each in given if each["role"] in {"system", "developer"} for block in _blocks(each)]:
        told["system"] = system
    told["messages"] = _turns([each for each in given if each["role"] not in {"system", "developer"}])
    if stop := chat.get("stop"):
        told["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if chat.get("user"):
        told["metadata"] = {"user_id": chat["user"]}
    if tools := cast("list[Fields]", chat.get("tools") or []):
        told["tools"] = [_tool(cast("Fields", each.get("function") or {})) for each in tools]
        told |= _tool_choice(chat)
    return told


def _turns(messages: Sequence[Fields]) -> list[Json]:
    """Return messages as turns that alternate; results of tools are the user's there."""
    turns: list[Fields] = []
    for each in messages:
        role = "assistant" if each["role"] == "assistant" else "user"
        blocks = _blocks(each)
        if each["role"] == "tool":
            blocks = [{"type": "tool_result", "tool_use_id": each.get("tool_call_id", ""), "content": blocks}]
        for call in cast("list[Fields]", each.get("tool_calls") or []):
            function = cast("Fields", call.get("function") or {})
            blocks.append({"type": "tool_use", "id": call.get("id", ""), "name": function.get("name", ""),
                           "input": _arguments(function.get("arguments"))})  # fmt: skip
        if turns and turns[-1]["role"] == role:
            cast("list[Json]", turns[-1]["content"]).extend(blocks)
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return cast("list[Json]", turns)


def _blocks(message: Fields) -> list[Json]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    found: list[Json] = []
    for part in cast("list[Fields]", parts):
        if part["type"] == "file":
            media_type, _, data = str(cast("Fields", part["file"])["file_data"])[5:].partition(";base64,")
            found.append({"type": "document",
                          "source": {"type": "base64", "media_type": media_type, "data": data}})  # fmt: skip
        elif part.get("text"):  # an empty text is refused there
            found.append({"type": "text", "text": part["text"]})
    return found


def _arguments(written: Json) -> Json:
    try:
        read = orjson.loads(written) if isinstance(written, str) and written else written or {}
    except orjson.JSONDecodeError as error:
        raise _wrong("messages.tool_calls.arguments") from error
    if not isinstance(read, dict):
        raise _wrong("messages.tool_calls.arguments")
    return cast("Json", read)


def _tool(function: Fields) -> Json:
    described = {"description": function["description"]} if function.get("description") else {}
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    return {"name": function.get("name", ""), **described, "input_schema": schema}


def _tool_choice(chat: Mapping[str, Json]) -> Fields:
    wanted, alone = chat.get("tool_choice"), chat.get("parallel_tool_calls") is False
    if isinstance(wanted, dict):
        choice: Fields = {"type": "tool", "name": cast("Fields", wanted.get("function") or {}).get("name", "")}
    elif wanted is None and not alone:
        return {}
    else:
        choice = {"type": _CHOICES.get(str(wanted or "auto"), "auto")}
    return {"tool_choice": {**choice, **({"disable_parallel_tool_use": True} if alone else {})}}


def _wrong(place: str) -> Refusal:
    return Refusal(Code.REQUEST_INVALID, place=place, problem=text("faces.gateway:problem-upstream"))


# Understanding ----------------------------------------------------------------------------------------------------


def as_completion(answer: Mapping[str, Json]) -> Fields:
    """Return a whole answer as a chat completion.

    Raises:
        Refusal: it is none, or holds a kind of content that is not known.
    """
    content = answer.get("content")
    if answer.get("type") != "message" or not isinstance(content, list):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    said: dict[str, list[str]] = {"text": [], "thinking": []}
    calls: list[Json] = []
    for each in content:
        kind = _kind(each)
        block = cast("Fields", each)
        if kind in said:
            said[kind].append(_text(block.get(kind)))
        elif kind == "tool_use":
            calls.append(_call(block, orjson.dumps(block.get("input") or {}).decode()))
    message: Fields = {"role": "assistant", "content": "".join(said["text"]) or None}
    if said["thinking"]:
        message["reasoning_content"] = "".join(said["thinking"])
    if calls:
        message["tool_calls"] = calls
    finish = _FINISHES.get(answer.get("stop_reason"), "stop")
    head = {name: answer[name] for name in ("id", "model") if isinstance(answer.get(name), str)}
    return {**head, "object": "chat.completion", "usage": _usage(answer.get("usage")),
            "choices": [{"index": 0, "message": message, "finish_reason": finish}]}  # fmt: skip


class ChunkReader:
    """Turns the events of a stream into the pieces of a chat answer."""

    def __init__(self) -> None:
        self._head: Fields = {}
        self._usage: Fields = {}
        self._calls: dict[int, int] = {}
        """Number of each tool call, by its block."""

    def read(self, events: Sequence[bytes]) -> list[bytes]:
        """Return what some events say, as data of chat pieces.

        Raises:
            Refusal: one of them is none, or of a kind that is not known.
        """
        return [said for event in events if (said := self._read(event))]

    def _read(self, raw: bytes) -> bytes:
        try:
            event = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(Code.UPSTREAM_GARBAGE) from error
        kind = event.get("type") if isinstance(event, dict) else None
        if kind == "message_stop":
            return b"[DONE]"
        if kind in {"ping", "content_block_stop"}:
            return b""
        if kind == "error":
            return orjson.dumps({"error": True})
        step = {"message_start": self._started, "content_block_start": self._opened,
                "content_block_delta": self._grown, "message_delta": self._ended}.get(str(kind))  # fmt: skip
        if step is None:
            raise Refusal(Code.UPSTREAM_GARBAGE)
        return step(cast("Fields", event))

    def _started(self, event: Fields) -> bytes:
        message = _object(event.get("message"))
        self._head = {name: message[name] for name in ("id", "model") if isinstance(message.get(name), str)}
        self._usage = _usage(message.get("usage"))
        return self._piece({"role": "assistant"})

    def _opened(self, event: Fields) -> bytes:
        kind, block, place = _kind(event.get("content_block")), _object(event.get("content_block")), event.get("index")
        if kind == "tool_use":
            if not isinstance(place, int) or place in self._calls:
                raise Refusal(Code.UPSTREAM_GARBAGE)
            number = self._calls[place] = len(self._calls)
            return self._piece({"tool_calls": [{**_call(block, ""), "index": number}]})
        said = _text(block.get(kind)) if kind in {"text", "thinking"} else ""
        return self._piece({"content" if kind == "text" else "reasoning_content": said}) if said else b""

    def _grown(self, event: Fields) -> bytes:
        delta, place = _object(event.get("delta")), event.get("index")
        kind = str(delta.get("type"))
        if kind in _DELTAS:
            ours, theirs = _DELTAS[kind]
            return self._piece({ours: _text(delta.get(theirs))})
        if kind == "input_json_delta" and isinstance(place, int) and place in self._calls:
            more: Json = {"arguments": _text(delta.get("partial_json"))}
            return self._piece({"tool_calls": [{"index": self._calls[place], "function": more}]})
        if kind == "signature_delta":
            return b""
        raise Refusal(Code.UPSTREAM_GARBAGE)

    def _ended(self, event: Fields) -> bytes:
        usage = {**self._usage, **{name: value for name, value in _usage(event.get("usage")).items() if value}}
        usage["total_tokens"] = cast("int", usage.get("prompt_tokens", 0)) + cast("int", usage["completion_tokens"])
        finish = _FINISHES.get(_object(event.get("delta")).get("stop_reason"), "stop")
        return self._piece({}, finish=finish, usage=usage)

    def _piece(self, delta: Fields, *, finish: str | None = None, **more: Json) -> bytes:
        choice: Fields = {"index": 0, "delta": delta, "finish_reason": finish}
        return orjson.dumps({**self._head, "object": "chat.completion.chunk", "choices": [choice], **more})


def _kind(block: Json) -> str:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind not in _BLOCKS:
        raise Refusal(Code.UPSTREAM_GARBAGE)
    return kind


def _object(value: Json) -> Fields:
    if not isinstance(value, dict):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    return value


def _call(block: Fields, arguments: str) -> Fields:
    return {"id": block.get("id", ""), "type": "function",
            "function": {"name": _text(block.get("name")), "arguments": arguments}}  # fmt: skip


def _usage(usage: Json) -> Fields:
    counts = usage if isinstance(usage, dict) else {}
    asked, answered = (value if isinstance(value := counts.get(name), int) else 0
                       for name in ("input_tokens", "output_tokens"))  # fmt: skip
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
