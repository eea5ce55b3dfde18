"""Any endpoint that speaks the OpenAI chat API, and our own gateway, which speaks it too."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import JsonValue, SecretStr

from jingwei.core.check import SignRequest
from jingwei.develop.evaluate.endpoint import Client, Limits, Request, answered
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault, Message
from jingwei.develop.evaluate.reading import call_of, read_object, thought_apart, usage_of, writable


class OpenAiSubject:
    """Asks `URL/chat/completions`.

    Args:
        client: what sends the requests; shared among subjects where one run has several.
        url: base address of the API, such as `http://127.0.0.1:8080/v1`.
        model: name of the model; where there is none, the first that the endpoint lists.
        key: sent as a bearer token.
        parameters: sent with each request; a null takes a default away.
        headers: sent with each request.
        sign: proves the caller of each request to a gateway.
        limits: how patient it is.
    """

    def __init__(self, client: Client, url: str, *, model: str = "", key: SecretStr | None = None,
                 parameters: Mapping[str, JsonValue] | None = None, headers: Mapping[str, str] | None = None,
                 sign: SignRequest | None = None, limits: Limits | None = None) -> None:  # fmt: skip
        self._client = client
        self._url = url.rstrip("/")
        self._model = model
        self._key = key
        self._parameters = {name: value for name, value in (parameters or {}).items() if value is not None}
        self._headers = dict(headers or {})
        self._sign = sign
        self._limits = limits or Limits()
        self._naming = asyncio.Lock()

    async def ask(self, ask: Ask) -> Answer | Fault:
        """Ask for one completion.

        Raises:
            Unavailable: the endpoint cannot be reached or does not accept the key.
        """
        body: dict[str, Any] = {"model": await self.model(), "messages": [_message(each) for each in ask.messages]}
        if ask.tools:
            body["tools"] = ask.tools
        content = orjson.dumps(body | self._parameters)
        url = f"{self._url}/chat/completions"
        reply = await self._client.send(
            Request("POST", url, content=content, headers=self._headed("POST", url, content)), limits=self._limits
        )
        if isinstance(reply, Fault):
            return reply
        if reply.status == 400 and _filtered(reply.content):
            return Answer(blocked=True)
        raw = answered(reply, url)
        found = raw if isinstance(raw, Fault) else read_object(raw)
        return found if isinstance(found, Fault) else completion(found)

    async def model(self) -> str:
        """Return the model's name: the given one, or the first the endpoint lists, or an empty string.

        Raises:
            Unavailable: the endpoint cannot be reached or does not accept the key.
        """
        if self._model:
            return self._model
        async with self._naming:
            if not self._model:
                listed = await self.get("models")
                self._model = "" if isinstance(listed, Fault) else first_model(listed)
        return self._model

    async def get(self, path: str) -> dict[str, Any] | Fault:
        """Read one JSON object below the base address, or at the server's root where the path begins with `/`.

        Raises:
            Unavailable: the endpoint cannot be reached or does not accept the key.
        """
        root = urlsplit(self._url)
        url = f"{root.scheme}://{root.netloc}{path}" if path.startswith("/") else f"{self._url}/{path}"
        reply = await self._client.send(Request("GET", url, headers=self._headed("GET", url, b"")), limits=self._limits)
        raw = reply if isinstance(reply, Fault) else answered(reply, url)
        return raw if isinstance(raw, Fault) else read_object(raw)

    async def close(self) -> None:
        """Do nothing: the client is its maker's."""

    def _headed(self, method: str, url: str, content: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if content else {}
        if self._key is not None and self._key.get_secret_value():
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        headers |= self._headers
        if self._sign is None:
            return headers
        return headers | self._sign(content, method=method, path=urlsplit(url).path)


def first_model(listed: Mapping[str, Any]) -> str:
    """Return the first model of a list; empty where there is none."""
    try:
        name = listed["data"][0]["id"]
    except (KeyError, IndexError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def completion(found: Mapping[str, Any]) -> Answer | Fault:
    """Read an answer out of a completion; anything of the wrong shape is a fault."""
    try:
        choice = found["choices"][0]
        message = choice["message"]
        said = message.get("content") or message.get("refusal") or ""
        listed = message.get("tool_calls") or []
        calls = tuple(
            call_of(each["function"]["name"], each["function"].get("arguments"), given_id=each.get("id"))
            for each in listed
        )
        traced = message.get("reasoning_content") or message.get("reasoning") or ""
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        return Fault(reason="no-answer")
    said = _joined(said) if isinstance(said, list) else said
    if not isinstance(said, str):
        return Fault(reason="no-answer")
    guard = found.get("jingwei")
    said_no = isinstance(guard, dict) and guard.get("decision") == "block"
    thought, said = thought_apart(writable(said))
    return Answer(
        text=said,
        calls=calls,
        reasoning=writable(traced) if isinstance(traced, str) and traced else thought,
        blocked=finish == "content_filter" and (said_no or not (said or calls)),
        usage=usage_of(found.get("usage"), "prompt_tokens", "completion_tokens"),
    )


def _joined(parts: list[Any]) -> str:
    """Return the text of an answer given in parts."""
    return "".join(
        each["text"] for each in parts if isinstance(each, dict) and isinstance(each.get("text"), str)
    )  # fmt: skip


def _filtered(raw: bytes) -> bool:
    """Tell whether an endpoint's own filter refused the prompt, which hosted services say with a 400."""
    found = read_object(raw)
    error = found.get("error") if isinstance(found, dict) else None
    return isinstance(error, dict) and error.get("code") == "content_filter"


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "content": message.content, "tool_call_id": message.call_id}
    if message.images:
        pictures = [
            {"type": "image_url",
             "image_url": {"url": f"data:{each.media_type};base64,{base64.b64encode(each.content).decode()}"}}
            for each in message.images
        ]  # fmt: skip
        return {"role": message.role, "content": [{"type": "text", "text": message.content}, *pictures]}
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        written["tool_calls"] = [
            {"id": call.id, "type": "function",
             "function": {"name": call.name, "arguments": orjson.dumps(dict(call.arguments)).decode()}}
            for call in message.calls
        ]  # fmt: skip
    return written
