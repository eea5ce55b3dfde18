"""The model's server: asked over a pooled connection, bounded in time and size, believed in nothing.

No header of the caller is passed on, and none of the server's answer: what a caller and a model's server exchange is
the chat body alone. Error texts of the server are replaced by ours, because they may quote what must not be seen. A
packed answer is refused: it was not asked for, and a small one can unpack to a very large one.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple, cast

import orjson

from jingwei.core.snapshot import Served
from jingwei.core.upstream import upstream_key
from jingwei.faces.gateway.anthropic import MESSAGES, SHOWN_AS, ChunkReader, as_completion, as_messages
from jingwei.faces.gateway.attempts import Attempts
from jingwei.faces.gateway.client import Client, Unreachable
from jingwei.faces.gateway.connection import BEARER, Connection, Times, target_of
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.reply import Reply
from jingwei.faces.gateway.request import ChatBody
from jingwei.faces.gateway.settings import GatewaySettings
from jingwei.faces.gateway.sse import DataReader

_MOST_DIGITS = 6
_UNPACKED = frozenset({b"", b"identity", b"Identity"})
CHAT, EMBEDDINGS = "/chat/completions", "/embeddings"
_REFUSED: dict[int, Code] = {
    HTTPStatus.UNAUTHORIZED: Code.UPSTREAM_DENIED,
    HTTPStatus.FORBIDDEN: Code.UPSTREAM_DENIED,
    HTTPStatus.TOO_MANY_REQUESTS: Code.UPSTREAM_BUSY,
    HTTPStatus.BAD_REQUEST: Code.UPSTREAM_REJECTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.UPSTREAM_REJECTED,
    HTTPStatus.UNPROCESSABLE_ENTITY: Code.UPSTREAM_REJECTED,
    HTTPStatus.SERVICE_UNAVAILABLE: Code.UPSTREAM_DOWN,
}


class Whole(NamedTuple):
    """A whole answer, and the bytes it was read from."""

    answer: ChatBody
    raw: bytes


class Stream:
    """A streamed answer under way."""

    def __init__(self, connection: Connection, reply: Reply, max_bytes: int, *,
                 read: Callable[[Sequence[bytes]], list[bytes]] | None = None) -> None:  # fmt: skip
        self._read = read
        self._connection = connection
        self._reply = reply
        self._reader = DataReader(max_bytes)

    def cancel(self) -> None:
        """Close the connection to the model's server at once; whoever waits for more gets a Refusal."""
        self._connection.close()

    async def batch(self) -> list[bytes]:
        """Return the data of the next events; nothing where the stream has ended.

        Raises:
            Refusal: a line or the whole is too large.
        """
        while piece := await self._reply.piece():
            found = self._reader.feed(piece)
            if found and self._read is not None:
                found = self._read(found)
            if found:
                return found
        return []


class Upstream:
    """Asks models' servers."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._max_bytes = settings.max_answer_bytes
        self._attempts = Attempts(settings)
        self._speaks = settings.upstream_dialects
        times = Times(settings.connect_seconds, settings.idle_seconds, settings.total_seconds)
        self._client = Client(times, most=settings.max_upstream_connections)

    @property
    def breakers(self) -> Mapping[str, str]:
        """Return how the breaker of each server stands."""
        return self._attempts.breakers.states

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def complete(self, served: Served, body: ChatBody) -> Whole:
        """Return a whole answer.

        Raises:
            Refusal: the server is down, slow, busy, refuses, or answers something else.
        """
        raw = await self._read(served, body, CHAT)
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(Code.UPSTREAM_GARBAGE) from error
        if isinstance(answer, dict) and self._is_anthropic(served):
            answer = as_completion(answer)
        if not isinstance(answer, dict) or not isinstance(answer.get("choices"), list) or not answer["choices"]:
            raise Refusal(Code.UPSTREAM_GARBAGE)
        return Whole(cast("ChatBody", answer), raw)

    @asynccontextmanager
    async def stream(self, served: Served, body: ChatBody) -> AsyncIterator[Stream]:
        """Give a streamed answer; leaving the context ends the request, and on an error its connection.

        Raises:
            Refusal: as for `complete`, at the start or in the middle.
        """
        connection, reply = await self._asked(served, body, CHAT)
        whole = False
        try:
            if reply.headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"text/event-stream":
                raise Refusal(Code.UPSTREAM_GARBAGE)
            with _TRANSLATED:
                read = ChunkReader().read if self._is_anthropic(served) else None
                yield Stream(connection, reply, self._max_bytes, read=read)
            whole = True
        finally:
            self._client.given_back(connection, whole=whole)

    async def embed(self, served: Served, body: ChatBody) -> ChatBody:
        """Return the answer to a request for embeddings.

        Raises:
            Refusal: as for `complete`.
        """
        raw = await self._read(served, body, EMBEDDINGS)
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(Code.UPSTREAM_GARBAGE) from error
        if not isinstance(answer, dict):
            raise Refusal(Code.UPSTREAM_GARBAGE)
        return cast("ChatBody", answer)

    async def _asked(self, served: Served, body: ChatBody, path: str) -> tuple[Connection, Reply]:
        key, shown_as = upstream_key(served.upstream_key_env), BEARER
        if self._is_anthropic(served):
            if path != CHAT:
                raise Refusal(Code.UPSTREAM_REJECTED, status=int(HTTPStatus.NOT_FOUND))
            path, shown_as, body = MESSAGES, SHOWN_AS, as_messages(body)
        data = orjson.dumps(body)

        async def ask(server: str) -> tuple[Connection, Reply]:
            with _TRANSLATED:
                connection = await self._client.asked(target_of(server.rstrip("/") + path, key, shown_as), data)
            reply = connection.reply
            if (
                reply is None
                or reply.status != HTTPStatus.OK
                or reply.headers.get(b"content-encoding", b"") not in _UNPACKED
            ):
                self._client.given_back(connection, whole=False)
                raise _refused(reply)
            return connection, reply

        by_hand = served.policy.manual_fallback
        return await self._attempts.made(served.upstream_url, ask, by_hand=by_hand)

    def _is_anthropic(self, served: Served) -> bool:
        return bool(self._speaks) and self._speaks.get(served.upstream_url) == "anthropic"

    async def _read(self, served: Served, body: ChatBody, path: str) -> bytes:
        connection, reply = await self._asked(served, body, path)
        pieces: list[bytes] = []
        size, whole = 0, False
        try:
            with _TRANSLATED:
                while piece := await reply.piece():
                    size += len(piece)
                    if size > self._max_bytes:
                        raise Refusal(Code.UPSTREAM_GARBAGE)
                    pieces.append(piece)
            whole = True
        finally:
            self._client.given_back(connection, whole=whole)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Translated:
    """Turns what may go wrong with a connection into a refusal."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(error, TimeoutError):
            raise Refusal(Code.UPSTREAM_SLOW) from error
        if isinstance(error, Unreachable):
            raise Refusal(Code.UPSTREAM_DOWN) from error
        if isinstance(error, OSError):
            raise Refusal(Code.UPSTREAM_STOPPED) from error
        if isinstance(error, ValueError):
            raise Refusal(Code.UPSTREAM_GARBAGE) from error


_TRANSLATED = _Translated()


def _refused(reply: Reply | None) -> Refusal:
    """Return what a caller is told of an answer that is none."""
    if reply is None or reply.status == HTTPStatus.OK:  # packed
        return Refusal(Code.UPSTREAM_GARBAGE)
    wait = reply.headers.get(b"retry-after", b"")
    seconds = int(wait) if wait.isdigit() and len(wait) < _MOST_DIGITS else 0
    return Refusal(_REFUSED.get(reply.status, Code.UPSTREAM_GARBAGE), status=reply.status, retry_seconds=seconds)
