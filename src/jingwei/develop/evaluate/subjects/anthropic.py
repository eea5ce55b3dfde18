"""Any endpoint that speaks the Anthropic messages API."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import JsonValue, SecretStr

from jingwei.develop.evaluate.endpoint import Client, Limits, Request, answered
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault, Message
from jingwei.develop.evaluate.reading import call_of, read_object, usage_of, writable
from jingwei.develop.evaluate.subjects.openai import first_model

_VERSION = "2023-06-01"


class AnthropicSubject:
    """Asks `URL/messages`.

    Args:
        client: what sends the requests.
        url: base address of the API, such as `https://api.example.org/v1`.
        model: name of the model; where there is none, the first that the endpoint lists.
        key: sent as `x-api-key`.
        parameters: sent with each request; a null takes a default away.
        headers: sent with each request.
        limits: how patient it is.
    """

    def __init__(self, client: Client, url: str, *, model: str = "", key: SecretStr | None = None,
                 parameters: Mapping[str, JsonValue] | None = None, headers: Mapping[str, str] | None = None,
                 limits: Limits | None = None) -> None:  # fmt: skip
        self._client = client
        self._url = url.rstrip("/")
        self._model = model
        given = {"max_tokens": 512, **(parameters or {})}
        self._parameters = {name: value for name, value in given.items() if value is not None and name != "seed"}
        self._headers = {"anthropic-version": _VERSION, **(headers or {})}
        if key is not None and key.get_secret_value():
            self._headers["x-api-key"] = key.get_secret_value()
        self._limits = limits or Limits()
        self._naming = asyncio.Lock()

    async def ask(self, ask: Ask) -> Answer | Fault:
        """Ask for one message.

        Raises:
            Unavailable: the endpoint cannot be reached or does not accept the key.
        """
        told = "\n\n".join(each.content for each in ask.messages if each.role == "system")
        body: dict[str, Any] = {
            "model": await self.model(),
            "messages": [_message(each) for each in ask.messages if each.role != "system"],
        }
        if told:
            body["system"] = told
        if ask.tools:
            body["tools"] = [_tool(each) for each in ask.tools]
        found = await self._json(Request("POST", f"{self._url}/messages", content=orjson.dumps(body | self._parameters),
                                         headers={"Content-Type": "application/json", **self._headers}))  # fmt: skip
        return found if isinstance(found, Fault) else message_answer(found)

    async def model(self) -> str:
        """Return the model's name: the given one, or the first the endpoint lists, or an empty string.

        Raises:
            Unavailable: the endpoint cannot be reached or does not accept the key.
        """
        async with self._naming:
            if not self._model:
                listed = await self._json(Request("GET", f"{self._url}/models", headers=self._headers))
                self._model = "" if isinstance(listed, Fault) else first_model(listed)
        return self._model

    async def close(self) -> None:
        """Do nothing: the client is its maker's."""

    async def _json(self, request: Request) -> dict[str, Any] | Fault:
        reply = await self._client.send(request, limits=self._limits)
        raw = reply if isinstance(reply, Fault) else answered(reply, request.url)
        return raw if isinstance(raw, Fault) else read_object(raw)


def message_answer(found: Mapping[str, Any]) -> Answer | Fault:
    """Read an answer out of a message; anything of the wrong shape is a fault."""
    try:
        blocks = list(found["content"])
        said = "".join(each["text"] for each in blocks if each["type"] == "text")
        thought = "".join(each["thinking"] for each in blocks if each["type"] == "thinking")
        calls = tuple(
            call_of(each["name"], each.get("input"), given_id=each.get("id"))
            for each in blocks
            if each["type"] == "tool_use"
        )
    except (KeyError, TypeError, AttributeError):
        return Fault(reason="no-answer")
    return Answer(
        text=writable(said),
        calls=calls,
        reasoning=writable(thought),
        blocked=found.get("stop_reason") == "refusal" and not said,
        usage=usage_of(found.get("usage"), "input_tokens", "output_tokens"),
    )


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        block = {"type": "tool_result", "tool_use_id": message.call_id, "content": message.content}
        return {"role": "user", "content": [block]}
    blocks: list[dict[str, Any]] = [
        {"type": "image", "source": {"type": "base64", "media_type": each.media_type,
                                     "data": base64.b64encode(each.content).decode()}}
        for each in message.images
    ]  # fmt: skip
    blocks += [{"type": "text", "text": message.content}] if message.content else []
    blocks += [
        {"type": "tool_use", "id": each.id, "name": each.name, "input": dict(each.arguments)} for each in message.calls
    ]
    return {"role": message.role, "content": blocks or [{"type": "text", "text": "-"}]}


def _tool(definition: JsonValue) -> dict[str, Any]:
    """Turn a definition in the chat API's shape into this one's; anything else is passed on as it is."""
    function = definition.get("function") if isinstance(definition, dict) else None
    if not isinstance(function, dict):
        return definition if isinstance(definition, dict) else {}
    return {
        "name": function.get("name", ""),
        "description": function.get("description", ""),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
