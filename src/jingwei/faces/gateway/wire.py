"""The wire: ASGI messages as a request to read and an answer to send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson

from jingwei.faces.gateway.refusal import Code, Refusal

# Any: ASGI's own messages are open mappings.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
EVENTS = b"text/event-stream; charset=utf-8"


@lru_cache(maxsize=256)
def _name(raw: bytes) -> str:
    return raw.decode("latin-1").lower()


@dataclass(slots=True)
class Request:
    """One HTTP request; its headers by lower-case name."""

    method: str
    path: str
    query: str
    client: str
    """Address of the peer of this very connection; forwarding headers never change it."""
    headers: Mapping[str, list[str]]
    receive: Receive = field(repr=False)

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Request":
        """Read the head of a request."""
        headers: dict[str, list[str]] = {}
        for raw_name, value in scope["headers"]:
            name = _name(raw_name)
            if name in headers:
                headers[name].append(value.decode("latin-1"))
            else:
                headers[name] = [value.decode("latin-1")]
        raw_path = scope.get("raw_path") or scope["path"].encode()
        peer = scope.get("client")
        return cls(
            method=scope["method"],
            # The undecoded path: %2f and friends stay what they are, and match nothing.
            path=raw_path.partition(b"?")[0].decode("latin-1"),
            query=scope.get("query_string", b"").decode("latin-1"),
            client=str(peer[0]) if peer else "",
            headers=headers,
            receive=receive,
        )

    def header(self, name: str) -> str | None:
        """Return a header's first value."""
        values = self.headers.get(name)
        return values[0] if values else None

    def repeats(self, name: str) -> bool:
        """Tell whether a header was sent more than once."""
        return len(self.headers.get(name, ())) > 1

    async def body(self, *, limit: int, seconds: float) -> bytes:
        """Read the whole body.

        Raises:
            Refusal: it is too large, too slow, or the caller went away.
        """
        declared = self.header("content-length") or "0"
        if not declared.isdigit() or int(declared) > limit:
            raise Refusal(Code.BODY_TOO_LARGE, limit=limit)
        try:
            async with asyncio.timeout(seconds):
                return await self._read(limit)
        except TimeoutError as error:
            raise Refusal(Code.BODY_SLOW, seconds=seconds) from error

    async def _read(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Refusal(Code.CLIENT_GONE)
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise Refusal(Code.BODY_TOO_LARGE, limit=limit)
            pieces.append(piece)
            if not message.get("more_body"):
                return b"".join(pieces)


class Presence:
    """Notices when the caller goes away while an answer is under way.

    It listens only inside `ends`: an answer that is sent whole needs no listener.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.gone = False
        """True once the caller went away."""

    @asynccontextmanager
    async def ends(self, call: Callable[[], None]) -> AsyncIterator[None]:
        """Call something at once when the caller goes away meanwhile."""
        listener = asyncio.create_task(self._listen(call))
        try:
            yield
        finally:
            listener.cancel()

    async def _listen(self, call: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        call()


@dataclass(slots=True)
class Answer:
    """Sends one answer, whole or in pieces."""

    send: Send
    request_id: str
    begun: bool = False
    last: bool = False
    """True where the connection ends with the answer, because what the caller still sends is not wanted."""
    caller_id: str = ""
    """The caller's own id of the request, said back."""

    async def json(self, status: int, value: object, *, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Send a whole JSON answer."""
        await self.raw(status, orjson.dumps(value), headers=headers)

    async def raw(self, status: int, body: bytes, *, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Send a whole JSON answer that is written already."""
        self.begun = True
        more = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status,
                         "headers": [*self._headers(JSON), (b"content-length", str(len(body)).encode()),
                                     *more]})  # fmt: skip
        await self.send({"type": "http.response.body", "body": body})

    async def page(self, body: bytes, media_type: bytes) -> None:
        """Send a whole answer of another kind."""
        self.begun = True
        await self.send({"type": "http.response.start", "status": 200, "headers": self._headers(media_type)})
        await self.send({"type": "http.response.body", "body": body})

    async def empty(self, status: int) -> None:
        """Send an answer without a body."""
        self.begun = True
        await self.send({"type": "http.response.start", "status": status, "headers": self._headers(JSON)[1:]})
        await self.send({"type": "http.response.body", "body": b""})

    async def piece(self, data: bytes) -> None:
        """Send a piece of an event stream; the first one sends the head before it."""
        if not self.begun:
            self.begun = True
            await self.send({"type": "http.response.start", "status": 200, "headers": self._headers(EVENTS)})
        await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """End an event stream."""
        await self.send({"type": "http.response.body", "body": b""})

    def _headers(self, media_type: bytes) -> list[tuple[bytes, bytes]]:
        headers = [(b"content-type", media_type), (b"cache-control", b"no-store"),
                   (b"x-content-type-options", b"nosniff"),
                   (b"jingwei-request-id", self.request_id.encode())]  # fmt: skip
        if self.caller_id:
            headers.append((b"x-request-id", self.caller_id.encode()))
        return [*headers, (b"connection", b"close")] if self.last else headers
