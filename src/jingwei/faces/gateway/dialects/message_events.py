"""Anthropic's answers: the content of one, and the events of a stream.

message_start · (content_block_start · content_block_delta … · content_block_stop) … · message_delta · message_stop
"""

from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.frame import event
from jingwei.faces.gateway.dialects.reading import Fields

_STOPS: dict[Json, str] = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use",
                           "content_filter": "refusal"}  # fmt: skip
_TEXTS = {"reasoning": "thinking", "reasoning_content": "thinking", "content": "text", "refusal": "text"}
"""Chat's text keys in the order in which they are told, and the kind of block each becomes."""


def stop_reason(choice: Fields) -> str:
    """Return why an answer ended."""
    return _STOPS.get(choice.get("finish_reason"), "end_turn")


def usage_of(usage: Json) -> Fields:
    """Return the counts of tokens."""
    counts = usage if isinstance(usage, dict) else {}
    return {"input_tokens": counts.get("prompt_tokens") or 0, "output_tokens": counts.get("completion_tokens") or 0}


def content_of(message: Fields) -> list[Json]:
    """Return the content blocks of a whole answer."""
    blocks: list[Json] = []
    for key, kind in _TEXTS.items():
        if message.get(key):
            more: Fields = {"signature": ""} if kind == "thinking" else {}
            blocks.append({"type": kind, kind: message[key], **more})
    for call in cast("list[Fields]", message.get("tool_calls") or []):
        function = cast("Fields", call["function"])
        blocks.append({"type": "tool_use", "id": call.get("id", ""), "name": function["name"],
                       "input": _read(cast("str", function["arguments"]))})  # fmt: skip
    return blocks


def _read(arguments: str) -> Json:
    read: Json = orjson.loads(arguments or "{}")
    return read if isinstance(read, dict) else {}


class MessageEvents:
    """Turns the pieces of one chat answer into events; only its first choice is told."""

    def __init__(self, model: Json = "") -> None:
        self._model = model
        self._begun = False
        self._block = -1
        self._open = ""
        self._stop = "end_turn"
        self._usage: Fields = usage_of(None)
        self._told: Fields = {}
        self._failed = False

    def piece(self, chunk: Fields) -> bytes:
        """Return the events of one piece."""
        said = [self._started(chunk)]
        if "usage" in chunk:
            self._usage = usage_of(chunk["usage"])
        if "jingwei" in chunk:
            self._told = {"jingwei": chunk["jingwei"]}
        for choice in cast("list[Fields]", chunk.get("choices") or []):
            if choice.get("index", 0) != 0:
                continue
            said.append(self._delta(cast("Fields", choice.get("delta") or {})))
            if choice.get("finish_reason"):
                self._stop = stop_reason(choice)
        return b"".join(said)

    def error(self, error: Fields) -> bytes:
        """Return the event of an error in the middle."""
        self._failed = True
        return self._closed() + event("error", {"error": {**cast("Fields", error["error"]), "type": "api_error"}})

    def end(self) -> bytes:
        """Return the last events; after an error there are none."""
        if self._failed:
            return b""
        delta = {"stop_reason": self._stop, "stop_sequence": None}
        last = event("message_delta", {"delta": delta, "usage": self._usage, **self._told})
        return self._started({}) + self._closed() + last + event("message_stop", {})

    def _started(self, chunk: Fields) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        message = {"id": str(chunk.get("id", "")), "type": "message", "role": "assistant", "content": [],
                   "model": chunk.get("model") or self._model, "stop_reason": None, "stop_sequence": None,
                   "usage": self._usage}  # fmt: skip
        return event("message_start", {"message": message})

    def _delta(self, delta: Fields) -> bytes:
        said = []
        for key, kind in _TEXTS.items():
            if delta.get(key):
                block: Fields = {"type": kind, kind: "", **({"signature": ""} if kind == "thinking" else {})}
                said += [self._opened(kind, block), self._grown({"type": f"{kind}_delta", kind: delta[key]})]
        for call in cast("list[Fields]", delta.get("tool_calls") or []):  # they come whole
            function = cast("Fields", call["function"])
            block = {"type": "tool_use", "id": call.get("id", ""), "name": function["name"], "input": {}}
            said += [self._closed(), self._opened("tool_use", block),
                     self._grown({"type": "input_json_delta", "partial_json": function["arguments"]}),
                     self._closed()]  # fmt: skip
        return b"".join(said)

    def _opened(self, kind: str, block: Fields) -> bytes:
        if self._open == kind:
            return b""
        before = self._closed()
        self._open = kind
        self._block += 1
        return before + event("content_block_start", {"index": self._block, "content_block": block})

    def _grown(self, delta: Fields) -> bytes:
        return event("content_block_delta", {"index": self._block, "delta": delta})

    def _closed(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return event("content_block_stop", {"index": self._block})
