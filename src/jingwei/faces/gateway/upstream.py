"""The model's server: asked over a pooled connection, bounded in time and size, believed in nothing.

No header of the caller is passed on, and none of the server's answer: what a caller and a model's server exchange is
the chat body alone. Error texts of the server are replaced by ours, because they may quote what must not be seen.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import cast

import aiohttp
import orjson

from jingwei.core.canonical import Json
from jingwei.core.snapshot import Served
from jingwei.core.upstream import upstream_key
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.request import ChatBody
from jingwei.faces.gateway.settings import GatewaySettings

MAX_LINE_BYTES = 1024 * 1024
DONE = b"[DONE]"


class Upstream:
    """Asks models' servers."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._max_bytes = settings.max_answer_bytes
        timeout = aiohttp.ClientTimeout(
            total=settings.total_seconds,
            sock_connect=settings.connect_seconds,
            sock_read=settings.idle_seconds,
        )
        self._session = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(limit=512),
            skip_auto_headers=("User-Agent",),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def complete(self, served: Served, body: ChatBody) -> ChatBody:
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
        return cast("ChatBody", answer)

    @asynccontextmanager
    async def stream(self, served: Served, body: ChatBody) -> AsyncIterator[AsyncGenerator[list[bytes]]]:
        """Give the data of a streamed answer in batches, as they arrive; leaving the context ends the request.

        Raises:
            Refusal: as for `complete`, at the start or in the middle.
        """
        async with self._asked(served, body) as response:
            if response.content_type != "text/event-stream":
                raise Refusal(Code.UPSTREAM_GARBAGE)
            yield self._batches(response)

    @asynccontextmanager
    async def _asked(self, served: Served, body: ChatBody) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        key = upstream_key(served.upstream_key_env)
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url = served.upstream_url.rstrip("/") + "/chat/completions"
        try:
            async with self._session.post(
                url, data=orjson.dumps(body), headers=headers, allow_redirects=False
            ) as response:
                _demand_success(response.status)
                yield response
        except TimeoutError as error:
            raise Refusal(Code.UPSTREAM_SLOW) from error
        except aiohttp.ClientConnectorError as error:
            raise Refusal(Code.UPSTREAM_DOWN) from error
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionError) as error:
            raise Refusal(Code.UPSTREAM_STOPPED) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Refusal(Code.UPSTREAM_GARBAGE) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > self._max_bytes:
                raise Refusal(Code.UPSTREAM_GARBAGE)
            pieces.append(piece)
        return b"".join(pieces)

    async def _batches(self, response: aiohttp.ClientResponse) -> AsyncGenerator[list[bytes]]:
        rest = b""
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            if size > self._max_bytes or len(rest) > MAX_LINE_BYTES:
                raise Refusal(Code.UPSTREAM_GARBAGE)
            batch = [line[5:].strip() for line in lines if line.startswith(b"data:")]
            if batch:
                yield batch


def read_chunk(data: bytes) -> dict[str, Json]:
    """Read one piece of a stream.

    Raises:
        Refusal: it is no chunk of a chat completion, or an error in the middle.
    """
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Refusal(Code.UPSTREAM_GARBAGE) from error
    if not isinstance(chunk, dict):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    if "error" in chunk:
        raise Refusal(Code.UPSTREAM_STOPPED)
    if not isinstance(chunk.get("choices"), list):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    return cast("dict[str, Json]", chunk)


def _demand_success(status: int) -> None:
    if status == HTTPStatus.OK:
        return
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Refusal(Code.UPSTREAM_DENIED)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Refusal(Code.UPSTREAM_BUSY)
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}:
        raise Refusal(Code.UPSTREAM_REJECTED, status=int(status))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise Refusal(Code.UPSTREAM_DOWN)
    raise Refusal(Code.UPSTREAM_GARBAGE)
