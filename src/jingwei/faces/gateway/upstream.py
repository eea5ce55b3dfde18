"""The model's server: asked over a pooled connection, bounded in time and size, believed in nothing.

No header of the caller is passed on, and none of the server's answer: what a caller and a model's server exchange is
the chat body alone. Error texts of the server are replaced by ours, because they may quote what must not be seen. A
packed answer is refused: it was not asked for, and a small one can unpack to a very large one.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple, cast

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from jingwei.core.snapshot import Served
from jingwei.core.upstream import upstream_key
from jingwei.faces.gateway.attempts import Attempts
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.request import ChatBody
from jingwei.faces.gateway.settings import GatewaySettings
from jingwei.faces.gateway.sse import DataReader

KEPT_SECONDS = 4.0
"""An idle connection is kept so long: many a model's server closes its own after five seconds."""

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

    def __init__(self, response: aiohttp.ClientResponse, max_bytes: int) -> None:
        self._response = response
        self._reader = DataReader(max_bytes)

    def cancel(self) -> None:
        """Close the connection to the model's server at once; whoever waits for more gets a Refusal."""
        self._response.close()

    async def batches(self) -> AsyncGenerator[list[bytes]]:
        """Give the data of the stream in batches, as they arrive.

        Raises:
            Refusal: a line or the whole is too large.
        """
        async for piece in self._response.content.iter_any():
            if batch := self._reader.feed(piece):
                yield batch


class Upstream:
    """Asks models' servers."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._max_bytes = settings.max_answer_bytes
        self._attempts = Attempts(settings)
        timeout = aiohttp.ClientTimeout(
            total=settings.total_seconds,
            sock_connect=settings.connect_seconds,
            sock_read=settings.idle_seconds,
        )
        self._session = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(limit=settings.max_upstream_connections, keepalive_timeout=KEPT_SECONDS),
            skip_auto_headers=("User-Agent",),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    @property
    def breakers(self) -> Mapping[str, str]:
        """Return how the breaker of each server stands."""
        return self._attempts.breakers.states

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def complete(self, served: Served, body: ChatBody) -> Whole:
        """Return a whole answer.

        Raises:
            Refusal: the server is down, slow, busy, refuses, or answers something else.
        """
        async with self._asked(served, body) as response:
            raw = await self._read(response)
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(Code.UPSTREAM_GARBAGE) from error
        if not isinstance(answer, dict) or not isinstance(answer.get("choices"), list) or not answer["choices"]:
            raise Refusal(Code.UPSTREAM_GARBAGE)
        return Whole(cast("ChatBody", answer), raw)

    @asynccontextmanager
    async def stream(self, served: Served, body: ChatBody) -> AsyncIterator[Stream]:
        """Give a streamed answer; leaving the context ends the request and its connection.

        Raises:
            Refusal: as for `complete`, at the start or in the middle.
        """
        async with self._asked(served, body) as response:
            if response.content_type != "text/event-stream":
                raise Refusal(Code.UPSTREAM_GARBAGE)
            yield Stream(response, self._max_bytes)

    async def embed(self, served: Served, body: ChatBody) -> ChatBody:
        """Return the answer to a request for embeddings.

        Raises:
            Refusal: as for `complete`.
        """
        async with self._asked(served, body, EMBEDDINGS) as response:
            raw = await self._read(response)
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(Code.UPSTREAM_GARBAGE) from error
        if not isinstance(answer, dict):
            raise Refusal(Code.UPSTREAM_GARBAGE)
        return cast("ChatBody", answer)

    @asynccontextmanager
    async def _asked(self, served: Served, body: ChatBody, path: str = CHAT) -> AsyncIterator[aiohttp.ClientResponse]:
        headers, data = _headers(upstream_key(served.upstream_key_env)), orjson.dumps(body)

        async def ask(server: str) -> aiohttp.ClientResponse:
            with _translated():
                response = await self._opened(_address(server, path), data, headers)
                try:
                    _demand_success(response)
                except Refusal:
                    response.close()
                    raise
                return response

        response = await self._attempts.made(served.upstream_url, ask, by_hand=served.policy.manual_fallback)
        with _translated():
            async with response:
                yield response

    async def _opened(self, url: URL, data: bytes, headers: CIMultiDict[str]) -> aiohttp.ClientResponse:
        """Send a request; once more where the server had closed the connection that was kept from an earlier one."""
        try:
            return await self._session.post(url, data=data, headers=headers, allow_redirects=False)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            return await self._session.post(url, data=data, headers=headers, allow_redirects=False)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        declared = response.content_length
        if declared is not None and declared <= self._max_bytes:
            return await response.read()  # what its head declares is all that the connection gives
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > self._max_bytes:
                raise Refusal(Code.UPSTREAM_GARBAGE)
            pieces.append(piece)
        return b"".join(pieces)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what may go wrong with a connection into a refusal."""
    try:
        yield
    except TimeoutError as error:
        raise Refusal(Code.UPSTREAM_SLOW) from error
    except aiohttp.ClientConnectorError as error:
        raise Refusal(Code.UPSTREAM_DOWN) from error
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError) as error:
        raise Refusal(Code.UPSTREAM_STOPPED) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise Refusal(Code.UPSTREAM_GARBAGE) from error


@lru_cache(maxsize=1024)
def _address(base: str, path: str) -> URL:
    return URL(base.rstrip("/") + path)


@lru_cache(maxsize=1024)
def _headers(key: str) -> CIMultiDict[str]:
    headers = CIMultiDict({"Content-Type": "application/json", "Accept-Encoding": "identity"})
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _demand_success(response: aiohttp.ClientResponse) -> None:
    if response.status == HTTPStatus.OK:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refusal(Code.UPSTREAM_GARBAGE)
        return
    wait = response.headers.get("Retry-After", "")
    seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0
    raise Refusal(_REFUSED.get(response.status, Code.UPSTREAM_GARBAGE), status=response.status, retry_seconds=seconds)
