"""OpenAI's responses (`/v1/responses`): the request as a chat request, the answer as a response object.

Nothing is kept between two requests, so nobody here could judge what came before: whoever refers to earlier turns is
told to send them along, and each answer says that it is not stored, whatever was asked for.
"""

import time
from typing import cast

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.reading import Fields, known, listed, mistyped, named, one_of, taken, written, wrong
from jingwei.faces.gateway.dialects.response_events import ResponseEvents, completed, output_of, response_of
from jingwei.faces.gateway.dialects.response_items import messages_of
from jingwei.faces.gateway.request import read_object

_FIELDS = {
    "model": "text", "input": "", "instructions": "text", "max_output_tokens": "number", "temperature": "number",
    "top_p": "number", "stream": "boolean", "tools": "list", "tool_choice": "", "parallel_tool_calls": "boolean",
    "metadata": "object", "text": "object", "reasoning": "object", "user": "text", "store": "boolean",
    "include": "list", "truncation": "text", "service_tier": "text", "safety_identifier": "text",
    "prompt_cache_key": "text", "stream_options": "object", "background": "boolean", "previous_response_id": "text",
    "conversation": "",
}  # fmt: skip
"""Those that are not sent on say how the answer is to be kept, cached or billed; there is nothing of the kind here."""
_NOT_HERE = {"previous_response_id": "history", "conversation": "history", "background": "background"}
"""What needs something kept, and what is wrong with it."""
_RENAMED = {"model": "model", "max_output_tokens": "max_completion_tokens", "temperature": "temperature",
            "top_p": "top_p", "stream": "stream", "parallel_tool_calls": "parallel_tool_calls", "user": "user",
            "metadata": "metadata"}  # fmt: skip
_TOOL = {"type": "text", "name": "text", "description": "text", "parameters": "object", "strict": "boolean"}
_FORMAT = {"type": "text", "name": "text", "description": "text", "schema": "object", "strict": "boolean"}
_REASONING = {"effort": "text", "summary": "text", "generate_summary": "text"}
_CHOICES = frozenset({"none", "auto", "required"})
_ECHOED = ("model", "instructions", "max_output_tokens", "temperature", "top_p", "tools", "tool_choice",
           "parallel_tool_calls", "metadata", "text")  # fmt: skip


class Responses:
    """One request to `/v1/responses` and its answer."""

    def __init__(self) -> None:
        self._asked: Fields = {}

    def request(self, raw: bytes) -> bytes:
        """Return the request as a chat request.

        Raises:
            Refusal: it is malformed, or holds what the guard cannot look into.
        """
        given = known(read_object(raw), _FIELDS)
        for name, problem in _NOT_HERE.items():
            if given.get(name):
                raise wrong(name, problem)
        self._asked = {name: given[name] for name in _ECHOED if name in given}
        chat = taken(given, _RENAMED)
        instructions: list[Json] = []
        if given.get("instructions"):
            instructions = [{"role": "system", "content": given["instructions"]}]
        chat["messages"] = [*instructions, *messages_of(given.get("input"))]
        if given.get("tools"):
            tools = enumerate(listed(given["tools"], "tools"))
            chat["tools"] = [_tool(each, f"tools[{number}]") for number, each in tools]
        if "tool_choice" in given:
            chat["tool_choice"] = _tool_choice(given["tool_choice"])
        chat |= _format(given.get("text"))
        reasoning = known(given.get("reasoning") or {}, _REASONING, "reasoning")
        chat |= taken(reasoning, {"effort": "reasoning_effort"})
        if chat.get("stream"):
            chat["stream_options"] = {"include_usage": True}
        return written(chat)

    def whole(self, chat: Fields) -> Fields:
        """Return a whole answer."""
        choice = cast("Fields", cast("list[Json]", chat["choices"])[0])
        head = response_of(self._asked, chat, created=int(time.time()))
        output = output_of(cast("Fields", choice["message"]), str(head["id"]))
        return completed(head, output, finish=choice.get("finish_reason"), usage=chat.get("usage"),
                         told=chat.get("jingwei"))  # fmt: skip

    def error(self, status: int, error: Fields) -> Fields:  # noqa: ARG002 - OpenAI's errors have one shape
        """Return an error."""
        return {"error": {"param": None, **cast("Fields", error["error"])}}

    def stream(self) -> ResponseEvents:
        """Return what turns pieces into events."""
        return ResponseEvents(self._asked)


def _tool(given: Json, place: str) -> Json:
    tool = known(given, _TOOL, place)
    if tool.get("type") != "function":  # a tool that the model's server runs by itself: no gateway sees what it does
        raise wrong(f"{place}.type", "choice", allowed="function")
    function = {"name": named(tool, "name", place),
                **taken(tool, {name: name for name in ("description", "parameters", "strict")})}  # fmt: skip
    return {"type": "function", "function": function}


def _tool_choice(given: Json) -> Json:
    if isinstance(given, str):
        return one_of(given, _CHOICES, "tool_choice")
    choice = known(given, {"type": "text", "name": "text"}, "tool_choice")
    one_of(choice.get("type"), frozenset({"function"}), "tool_choice.type")
    return {"type": "function", "function": {"name": named(choice, "name", "tool_choice")}}


def _format(given: Json) -> Fields:
    if given is None:
        return {}
    wanted = known(given, {"format": "object", "verbosity": "text"}, "text").get("format")
    if wanted is None:
        return {}
    form = known(wanted, _FORMAT, "text.format")
    kind = one_of(form.pop("type", None), frozenset({"text", "json_object", "json_schema"}), "text.format.type")
    if kind != "json_schema":
        if form:
            raise mistyped("text.format", "object")
        return {} if kind == "text" else {"response_format": {"type": kind}}
    return {"response_format": {"type": kind, "json_schema": form}}
