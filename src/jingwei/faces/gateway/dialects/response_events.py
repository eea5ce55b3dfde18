"""Response objects, and the events of a streamed one.

response.created · response.in_progress
· (response.output_item.added · … · response.output_text.delta … · response.output_item.done) …
· response.completed, or response.incomplete, or response.failed
"""

import time
from typing import cast

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.frame import event
from jingwei.faces.gateway.dialects.reading import Fields

_CUT: dict[Json, str] = {"content_filter": "content_filter", "length": "max_output_tokens"}
_TEXTS = {"reasoning": "reasoning", "reasoning_content": "reasoning", "content": "message", "refusal": "message"}
_PARTS = {"message": "output_text", "reasoning": "reasoning_text"}


def response_of(asked: Fields, chat: Fields, *, created: int) -> Fields:
    """Return a response object without its output."""
    empty: Fields = {
        "instructions": None, "max_output_tokens": None, "temperature": None, "top_p": None, "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": True, "metadata": {}, "text": {"format": {"type": "text"}},
    }  # fmt: skip
    return {
        **empty, **asked, "id": f"resp_{chat.get('id', '')}", "object": "response", "created_at": created,
        "status": "in_progress", "error": None, "incomplete_details": None,
        "model": chat.get("model") or asked.get("model", ""), "output": [],
        "previous_response_id": None, "store": False, "truncation": "disabled", "usage": None,
    }  # fmt: skip


def completed(head: Fields, output: list[Json], *, finish: Json, usage: Json, told: Json) -> Fields:
    """Return a response object that is done, or was cut short."""
    why = _CUT.get(finish)
    return {
        **head, "status": "incomplete" if why else "completed", "incomplete_details": {"reason": why} if why else None,
        "output": output, "usage": _usage(usage), **({"jingwei": told} if told else {}),
    }  # fmt: skip


def output_of(message: Fields, response_id: str) -> list[Json]:
    """Return the output items of a whole answer."""
    texts: dict[str, str] = {}
    for key, kind in _TEXTS.items():
        if message.get(key):
            texts[kind] = texts.get(kind, "") + cast("str", message[key])
    items = [_text_item(kind, f"{response_id}_{number}", value) for number, (kind, value) in enumerate(texts.items())]
    calls = cast("list[Fields]", message.get("tool_calls") or [])
    items += [_call_item(call, f"{response_id}_{number}") for number, call in enumerate(calls, len(items))]
    return cast("list[Json]", items)


def _usage(usage: Json) -> Json:
    counts = usage if isinstance(usage, dict) else {}
    asked, answered = counts.get("prompt_tokens") or 0, counts.get("completion_tokens") or 0
    return {"input_tokens": asked, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": answered,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counts.get("total_tokens") or 0}  # fmt: skip


def _part(kind: str, value: str) -> Fields:
    more: Fields = {"annotations": []} if kind == "message" else {}
    return {"type": _PARTS[kind], "text": value, **more}


def _text_item(kind: str, item_id: str, value: str, status: str = "completed") -> Fields:
    content: list[Json] = [_part(kind, value)] if value else []
    if kind == "message":
        return {"type": kind, "id": f"msg_{item_id}", "status": status, "role": "assistant", "content": content}
    return {"type": kind, "id": f"rs_{item_id}", "summary": [], "content": content}


def _call_item(call: Fields, item_id: str, status: str = "completed") -> Fields:
    function = cast("Fields", call["function"])
    return {"type": "function_call", "id": f"fc_{item_id}", "call_id": call.get("id", ""), "name": function["name"],
            "arguments": function["arguments"], "status": status}  # fmt: skip


class ResponseEvents:
    """Turns the pieces of one chat answer into events; only its first choice is told."""

    def __init__(self, asked: Fields) -> None:
        self._asked = asked
        self._head: Fields = {}
        self._output: list[Json] = []
        self._kind = ""
        self._said: list[str] = []
        self._number = 0
        self._finish: Json = None
        self._usage: Json = None
        self._told: Json = None
        self._failed = False

    def piece(self, chunk: Fields) -> bytes:
        """Return the events of one piece."""
        said = [self._started(chunk)]
        self._usage = chunk.get("usage") or self._usage
        self._told = chunk.get("jingwei") or self._told
        for choice in cast("list[Fields]", chunk.get("choices") or []):
            if choice.get("index", 0) != 0:
                continue
            said.append(self._delta(cast("Fields", choice.get("delta") or {})))
            self._finish = choice.get("finish_reason") or self._finish
        return b"".join(said)

    def error(self, error: Fields) -> bytes:
        """Return the events of an error in the middle."""
        self._failed = True
        told = cast("Fields", error["error"])
        failed = {**self._head, "status": "failed", "error": {"code": told["code"], "message": told["message"]},
                  "output": self._output}  # fmt: skip
        before = self._started({}) + self._closed()
        return (
            before
            + self._event("error", {"code": told["code"], "message": told["message"], "param": None})
            + (self._event("response.failed", {"response": failed}))
        )

    def end(self) -> bytes:
        """Return the last events; after an error there are none."""
        if self._failed:
            return b""
        before = self._started({}) + self._closed()
        done = completed(self._head, self._output, finish=self._finish, usage=self._usage, told=self._told)
        return before + self._event(f"response.{done['status']}", {"response": done})

    def _event(self, kind: str, value: Fields) -> bytes:
        self._number += 1
        return event(kind, {**value, "sequence_number": self._number - 1})

    def _started(self, chunk: Fields) -> bytes:
        if self._head:
            return b""
        self._head = response_of(self._asked, chunk, created=int(time.time()))
        kinds = ("response.created", "response.in_progress")
        return b"".join(self._event(kind, {"response": self._head}) for kind in kinds)

    def _delta(self, delta: Fields) -> bytes:
        said = []
        for key, kind in _TEXTS.items():
            if delta.get(key):
                said += [self._opened(kind), self._grown(kind, cast("str", delta[key]))]
        for call in cast("list[Fields]", delta.get("tool_calls") or []):  # they come whole
            said += [self._closed(), self._called(call)]
        return b"".join(said)

    @property
    def _place(self) -> Fields:
        return {"output_index": len(self._output)}

    @property
    def _item_id(self) -> str:
        return f"{self._head['id']}_{len(self._output)}"

    def _opened(self, kind: str) -> bytes:
        if self._kind == kind:
            return b""
        before = self._closed()
        self._kind = kind
        item = _text_item(kind, self._item_id, "", "in_progress")
        added = self._event("response.output_item.added", {**self._place, "item": item})
        part = {"item_id": item["id"], **self._place, "content_index": 0, "part": _part(kind, "")}
        return before + added + self._event("response.content_part.added", part)

    def _grown(self, kind: str, value: str) -> bytes:
        self._said.append(value)
        item = _text_item(kind, self._item_id, "")
        return self._event(f"response.{_PARTS[kind]}.delta", {"item_id": item["id"], **self._place, "content_index": 0,
                                                              "delta": value})  # fmt: skip

    def _closed(self) -> bytes:
        if not self._kind:
            return b""
        kind, value = self._kind, "".join(self._said)
        item = _text_item(kind, self._item_id, value)
        where: Fields = {"item_id": item["id"], **self._place, "content_index": 0}
        said = self._event(f"response.{_PARTS[kind]}.done", {**where, "text": value})
        said += self._event("response.content_part.done", {**where, "part": _part(kind, value)})
        said += self._event("response.output_item.done", {**self._place, "item": item})
        self._kind, self._said = "", []
        self._output.append(item)
        return said

    def _called(self, call: Fields) -> bytes:
        item = _call_item(call, self._item_id)
        where: Fields = {"item_id": item["id"], **self._place}
        begun = {**item, "arguments": "", "status": "in_progress"}
        said = self._event("response.output_item.added", {**self._place, "item": begun})
        said += self._event("response.function_call_arguments.delta", {**where, "delta": item["arguments"]})
        said += self._event("response.function_call_arguments.done", {**where, "arguments": item["arguments"],
                                                                      "name": item["name"]})  # fmt: skip
        said += self._event("response.output_item.done", {**self._place, "item": item})
        self._output.append(item)
        return said
