"""An answer in the caller's dialect: what the chat says is read again and written anew, whole or piece by piece.

The chat knows nothing of it. It is given a chat request and an answer to write to, and everything that it lets out,
blocks and errors among them, comes through here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, cast

import orjson

from jingwei.core.canonical import Json
from jingwei.faces.gateway.dialects.reading import Fields
from jingwei.faces.gateway.wire import Answer, Send

_EMPTY: Mapping[str, str] = MappingProxyType({})
_ERROR = 400


class Stream(Protocol):
    """Turns the pieces of a chat answer into the events of a dialect."""

    def piece(self, chunk: Fields) -> bytes:
        """Return the events of one piece."""
        ...

    def error(self, error: Fields) -> bytes:
        """Return the event of an error in the middle."""
        ...

    def end(self) -> bytes:
        """Return the last events."""
        ...


class Dialect(Protocol):
    """One request and its answer in another shape than the chat's."""

    def request(self, raw: bytes) -> bytes:
        """Return the request as a chat request.

        Raises:
            Refusal: it is malformed; the text names the field, what is wrong and the mend.
        """
        ...

    def whole(self, chat: Fields) -> Fields:
        """Return a whole answer."""
        ...

    def error(self, status: int, error: Fields) -> Fields:
        """Return an error."""
        ...

    def stream(self) -> Stream:
        """Return what turns pieces into events."""
        ...


class Translated(Answer):
    """Sends an answer in a dialect."""

    __slots__ = ("_dialect", "_rest", "_stream")

    def __init__(self, send: Send, request_id: str, dialect: Dialect) -> None:
        super().__init__(send, request_id)
        self._dialect = dialect
        self._stream: Stream | None = None
        self._rest = b""

    async def json(self, status: int, value: object, *, headers: Mapping[str, str] = _EMPTY) -> None:
        """Send a whole answer or an error."""
        fields = cast("Fields", value)
        said = self._dialect.error(status, fields) if status >= _ERROR else self._dialect.whole(fields)
        await super().raw(status, orjson.dumps(said), headers=headers)

    async def raw(self, status: int, body: bytes, *, headers: Mapping[str, str] = _EMPTY) -> None:
        """Send a whole answer that is written already: by this program as JSON, or read as such before."""
        await self.json(status, orjson.loads(body), headers=headers)

    async def piece(self, data: bytes) -> None:
        """Send what some lines of a chat stream say."""
        if self._stream is None:
            self._stream = self._dialect.stream()
        *lines, self._rest = (self._rest + data).split(b"\n\n")
        events = b"".join(self._event(self._stream, line) for line in lines if line.startswith(b"data: "))
        if events:
            await super().piece(events)

    @staticmethod
    def _event(stream: Stream, line: bytes) -> bytes:
        said = line[6:]
        if said == b"[DONE]":
            return stream.end()
        chunk: dict[str, Json] = orjson.loads(said)
        return stream.error(chunk) if chunk.get("error") else stream.piece(chunk)


def dialect_of(path: str) -> Dialect | None:
    """Return the dialect that is spoken at an address; none where it is the chat's own."""
    if path == "/v1/messages":
        from jingwei.faces.gateway.dialects.messages import Messages  # noqa: PLC0415 - it imports this module

        return Messages()
    if path == "/v1/responses":
        from jingwei.faces.gateway.dialects.responses import Responses  # noqa: PLC0415 - as above

        return Responses()
    return None
