"""An MCP server on the network: asked with a key of its own, bounded in time and size, believed in nothing."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
import orjson

from jingwei.core.canonical import Json
from jingwei.core.policy import ToolServer
from jingwei.core.upstream import upstream_key
from jingwei.faces.gateway.mcp.events import EventReader
from jingwei.faces.gateway.mcp.message import Message, Problem, Reply, WrongMessageError, read_reply
from jingwei.faces.gateway.settings import GatewaySettings

SESSION = "mcp-session-id"
MAX_SESSION = 1024
PARAMETER = "mcp-param-"
"""How the name of a header begins that repeats an argument."""


def _repeating(headers: Mapping[str, str], message: Message) -> dict[str, str]:
    """Leave out a header that repeats an argument which this message, as it goes out, does not have."""
    arguments = message.params.get("arguments")
    values = {spoken(each) for each in (arguments if isinstance(arguments, dict) else {}).values()}
    return {name: value for name, value in headers.items()
            if not name.startswith(PARAMETER) or decoded(value) in values}  # fmt: skip


def spoken(value: Json) -> str:
    """Write an argument as a header does."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def decoded(value: str | None) -> str | None:
    """Read a header's value: plain, or as `=?base64?…?=`."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except (binascii.Error, ValueError):
        return None


class Asked(NamedTuple):
    """A server's answer, and the session it opened with it."""

    reply: Reply
    session: str


@dataclass(slots=True)
class McpServer:
    """One server, asked on behalf of one session."""

    http: aiohttp.ClientSession
    server: ToolServer
    settings: GatewaySettings
    headers: Mapping[str, str] = field(default_factory=dict)
    """Protocol headers of this request: version, method, name."""
    session: str = ""
    """The id that the server knows the session by."""

    async def ask(self, message: Message) -> Reply:
        """Ask, and return the answer.

        Raises:
            WrongMessageError: the server is down, slow, refuses, or answers something else.
        """
        return (await self.asked(message)).reply

    async def asked(self, message: Message) -> Asked:
        """Do the same, and return the session that the server opened too."""
        wrong = WrongMessageError(Problem.UPSTREAM, "upstream-failed", identity=message.identity)
        try:
            async with self.http.post(self.server.url, data=orjson.dumps(message.body), headers=self._headers(message),
                                      allow_redirects=False) as response:  # fmt: skip
                if message.kind == "notification":
                    return Asked(Reply({}, None), "")
                reply = await self._read(response, message)
                session = response.headers.get(SESSION, "")
        except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
            raise wrong from error
        if len(session) > MAX_SESSION or not session.isascii() or not session.isprintable():
            raise wrong
        return Asked(reply, session)

    async def end(self) -> None:
        """Tell the server that the session is over; whether it listens is its own affair."""
        headers = {"Accept-Encoding": "identity", SESSION: self.session, **self._credential()}
        try:
            async with self.http.delete(self.server.url, headers=headers, allow_redirects=False):
                return
        except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError):
            return

    def _headers(self, message: Message) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity", **_repeating(self.headers, message), **self._credential(),
        }  # fmt: skip
        if "mcp-method" in headers:
            headers["mcp-method"] = message.method
            if not message.name:
                headers.pop("mcp-name", None)
        if self.session:
            headers[SESSION] = self.session
        return headers

    def _credential(self) -> dict[str, str]:
        key = upstream_key(self.server.key_env)
        return {"Authorization": f"Bearer {key}"} if key else {}

    async def _read(self, response: aiohttp.ClientResponse, message: Message) -> Reply:
        wrong = WrongMessageError(Problem.UPSTREAM, "upstream-failed", identity=message.identity)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise wrong
        if response.content_type == "text/event-stream" and response.status == HTTPStatus.OK:
            return await self._from_events(response, message)
        if response.content_type != "application/json":
            raise wrong
        raw = b""
        async for piece in response.content.iter_any():
            raw += piece
            if len(raw) > self.settings.max_answer_bytes:
                raise wrong
        reply = read_reply(raw, message.identity)
        if reply is None:
            raise wrong
        return reply

    async def _from_events(self, response: aiohttp.ClientResponse, message: Message) -> Reply:
        """Wait for the answer; what else the server sends along the way stays here."""
        reader = EventReader(self.settings.max_answer_bytes)
        async for piece in response.content.iter_any():
            for data in reader.feed(piece):
                if data and (reply := read_reply(data, message.identity)) is not None:
                    return reply
        raise WrongMessageError(Problem.UPSTREAM, "upstream-failed", identity=message.identity)
