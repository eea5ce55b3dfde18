"""Anthropic's messages (`/v1/messages`): the request as a chat request, the answer and errors in Anthropic's shapes."""

from http import HTTPStatus
from typing import cast

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.message_blocks import messages_of, system_of
from jingwei.faces.gateway.dialects.message_events import MessageEvents, content_of, stop_reason, usage_of
from jingwei.faces.gateway.dialects.reading import Fields, known, listed, mistyped, named, one_of, taken, written, wrong
from jingwei.faces.gateway.request import read_object

_FIELDS = {
    "model": "text", "messages": "list", "max_tokens": "number", "system": "", "stream": "boolean",
    "metadata": "object", "stop_sequences": "list", "temperature": "number", "top_p": "number", "top_k": "number",
    "tools": "list", "tool_choice": "object", "thinking": "object", "service_tier": "text",
}  # fmt: skip
_SAME = ("model", "max_tokens", "temperature", "top_p", "top_k", "stream")
_TOOL = {"name": "text", "description": "text", "input_schema": "object", "type": "text", "cache_control": "object"}
_CHOICE = {"type": "text", "name": "text", "disable_parallel_tool_use": "boolean"}
_CHOICES: dict[str, Json] = {"auto": "auto", "any": "required", "none": "none"}
_THINKING = {"type": "text", "budget_tokens": "number", "display": "text"}
_ERRORS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error", HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error", HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error", HTTPStatus.SERVICE_UNAVAILABLE: "overloaded_error",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout_error",
}  # fmt: skip


class Messages:
    """One request to `/v1/messages` and its answer."""

    def __init__(self) -> None:
        self._model: Json = ""

    def request(self, raw: bytes) -> bytes:
        """Return the request as a chat request.

        Raises:
            Refusal: it is malformed, or holds what the guard cannot look into.
        """
        given = known(read_object(raw), _FIELDS)
        self._model = given.get("model", "")
        chat: Fields = {name: given[name] for name in _SAME if name in given}
        if "max_tokens" not in given:
            raise wrong("max_tokens", "missing")
        _check_thinking(given.get("thinking"))
        chat["messages"] = [*system_of(given.get("system")), *messages_of(listed(given.get("messages"), "messages"))]
        if "stop_sequences" in given:
            chat["stop"] = given["stop_sequences"]
        if "metadata" in given:
            chat |= taken(known(given["metadata"], {"user_id": "text"}, "metadata"), {"user_id": "user"})
        if given.get("tools"):
            tools = enumerate(listed(given["tools"], "tools"))
            chat["tools"] = [_tool(each, f"tools[{number}]") for number, each in tools]
        if "tool_choice" in given:
            chat |= _tool_choice(given["tool_choice"])
        if chat.get("stream"):
            chat["stream_options"] = {"include_usage": True}
        return written(chat)

    def whole(self, chat: Fields) -> Fields:
        """Return a whole answer."""
        choice = cast("Fields", cast("list[Json]", chat["choices"])[0])
        more: Fields = {"jingwei": chat["jingwei"]} if "jingwei" in chat else {}
        return {
            "id": str(chat.get("id", "")), "type": "message", "role": "assistant",
            "model": chat.get("model") or self._model,
            "content": content_of(cast("Fields", choice["message"])), "stop_reason": stop_reason(choice),
            "stop_sequence": None, "usage": usage_of(chat.get("usage")), **more,
        }  # fmt: skip

    def error(self, status: int, error: Fields) -> Fields:
        """Return an error."""
        return as_error(error, _ERRORS.get(status, "invalid_request_error" if status < 500 else "api_error"))

    def stream(self) -> MessageEvents:
        """Return what turns pieces into events."""
        return MessageEvents(self._model)


def as_error(error: Fields, kind: str = "api_error") -> Fields:
    """Return an error of the gateway in Anthropic's shape."""
    told = cast("Fields", error["error"])
    return {"type": "error", "error": {**told, "type": kind}}


def _check_thinking(given: Json) -> None:
    """Accept the wish to think, which the model's server decides by itself; nothing of it goes there."""
    if given is not None:
        fields = known(given, _THINKING, "thinking")
        one_of(fields.get("type"), frozenset({"enabled", "disabled", "adaptive"}), "thinking.type")


def _tool(given: Json, place: str) -> Json:
    tool = known(given, _TOOL, place)
    if tool.get("type", "custom") != "custom":  # a tool that Anthropic's servers run: no gateway sees what it does
        raise wrong(f"{place}.type", "choice", allowed="custom")
    function = {"name": named(tool, "name", place), **taken(tool, {"description": "description"}),
                "parameters": tool.get("input_schema") or {"type": "object"}}  # fmt: skip
    return {"type": "function", "function": function}


def _tool_choice(given: Json) -> Fields:
    choice = known(given, _CHOICE, "tool_choice")
    kind = one_of(choice.get("type"), frozenset({*_CHOICES, "tool"}), "tool_choice.type")
    if kind == "tool":
        name = named(choice, "name", "tool_choice")
        wanted: Json = {"type": "function", "function": {"name": name}}
    elif "name" in choice:
        raise mistyped("tool_choice.name", "object")
    else:
        wanted = _CHOICES[kind]
    parallel: Fields = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    return {"tool_choice": wanted, **parallel}
