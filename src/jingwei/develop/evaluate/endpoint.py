"""The one HTTP client: bounded in size, time and retries, polite to a busy server, and never fooled by a bad answer.

What a server did wrong comes back as a `Fault`, a value; only one that cannot be reached, or that does not accept the
key, is an error. A server that says when to come back is believed, by every request that waits.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import aiohttp

from jingwei.core.errors import Unavailable
from jingwei.develop.evaluate.exchange import Fault

_LARGEST = 1024 * 1024
"""Bytes of a response, unpacked; an answer of 4,000 tokens has some 20 KB."""
_LONGEST_WAIT = 120.0
"""Seconds a server may ask us to stay away; who asks for more gets no further try."""
UNREACHABLE = "unreachable"
_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_PASSING = frozenset({UNREACHABLE, "status-429", "timeout", "cut-off"})


def passing(fault: Fault) -> bool:
    """Tell whether another try may go better: no connection, too many requests, a server error, a cut."""
    return fault.reason in _PASSING or fault.reason.startswith("status-5")


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the client is, and how fast it may ask."""

    timeout_seconds: float = 60.0
    retries: int = 3
    backoff_seconds: float = 0.5
    requests_per_minute: float = 0.0
    """0 is no limit."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it is sent."""

    method: str
    url: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Reply(NamedTuple):
    """What came back, whatever its status; the body unpacked and within bounds."""

    status: int
    content: bytes
    headers: Mapping[str, str]
    cookies: Mapping[str, str]

    @property
    def fault(self) -> Fault | None:
        """Return what the status says went wrong; None where it says nothing did."""
        return None if HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES else Fault(
            reason=f"status-{self.status}"
        )  # fmt: skip


class Client:
    """Sends requests; keeps one session open while anything is under way, or as long as `async with` lasts."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._users = 0
        self._not_before = 0.0
        self.sent = 0
        """Requests that went out, tries again included."""

    async def __aenter__(self) -> Self:
        """Keep the connections open from here on."""
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Close the connections with the last request."""
        self._users -= 1
        await self._close_unused()

    async def send(self, request: Request, *, limits: Limits) -> Reply | Fault:
        """Send a request, again where another try may go better.

        Raises:
            Unavailable: the server cannot be reached.
        """
        found: Reply | Fault = Fault(reason=UNREACHABLE)
        for turn in range(limits.retries + 1):
            if turn:
                await asyncio.sleep(min(limits.backoff_seconds * 2 ** (turn - 1), 8.0))
            await self._turn(limits)
            found = await self._tried(request, limits=limits)
            if not _again(found) or not self._told_to_wait(found):
                break
        if found == Fault(reason=UNREACHABLE):
            raise Unavailable("develop.evaluate:endpoint-unreachable", field="target", url=place_of(request.url))
        return found

    async def _turn(self, limits: Limits) -> None:
        """Wait until this request may go out: the server's own word, and the pace that was set."""
        clock = asyncio.get_running_loop().time
        begins = max(self._not_before, clock())
        if limits.requests_per_minute:
            self._not_before = begins + 60.0 / limits.requests_per_minute
        if begins > clock():
            await asyncio.sleep(begins - clock())

    def _told_to_wait(self, found: Reply | Fault) -> bool:
        """Heed a `Retry-After`; return False where it asks for more than anyone waits."""
        seconds = _retry_after(found.headers.get("Retry-After", "")) if isinstance(found, Reply) else 0.0
        if seconds > _LONGEST_WAIT:
            return False
        if seconds:
            self._not_before = max(self._not_before, asyncio.get_running_loop().time() + seconds)
        return True

    async def _tried(self, request: Request, *, limits: Limits) -> Reply | Fault:
        """Make one request; whatever goes wrong is a value."""
        self.sent += 1
        try:
            return await self._once(request, limits=limits)
        except aiohttp.ClientConnectorError:
            return Fault(reason=UNREACHABLE)
        except TimeoutError:
            return Fault(reason="timeout")
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError):
            return Fault(reason="cut-off")
        except OverflowError:
            return Fault(reason="too-large")
        except (aiohttp.ClientError, ValueError, zlib.error):
            return Fault(reason="protocol")

    async def _once(self, request: Request, *, limits: Limits) -> Reply:
        async with (
            self._open() as session,
            session.request(
                request.method,
                request.url,
                data=request.content or None,
                headers={"Accept-Encoding": "identity", **request.headers},
                timeout=aiohttp.ClientTimeout(total=limits.timeout_seconds),
                allow_redirects=False,
            ) as response,
        ):
            raw = bytearray()
            async for piece in response.content.iter_any():
                raw += piece
                if len(raw) > _LARGEST:
                    raise OverflowError
            packing = response.headers.get("Content-Encoding", "identity").strip().lower()
            cookies = {name: morsel.value for name, morsel in response.cookies.items()}
            return Reply(response.status, _unpacked(bytes(raw), packing), response.headers, cookies)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[aiohttp.ClientSession]:
        self._users += 1
        try:
            if self._session is None:
                self._session = aiohttp.ClientSession(
                    trust_env=False,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                    connector=aiohttp.TCPConnector(limit=0),
                )
            yield self._session
        finally:
            self._users -= 1
            await self._close_unused()

    async def _close_unused(self) -> None:
        if not self._users and self._session is not None:
            session, self._session = self._session, None
            await session.close()


def answered(reply: Reply, url: str) -> bytes | Fault:
    """Return the body of a good reply, or what its status says went wrong.

    Raises:
        Unavailable: the server does not accept the key.
    """
    if reply.status in _DENIED:
        raise Unavailable("develop.evaluate:endpoint-denied", field="secret", url=place_of(url), status=reply.status)
    return reply.fault or reply.content


def place_of(url: str) -> str:
    """Return an address without the parts in which a key may lie: user, password, query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _again(found: Reply | Fault) -> bool:
    """Tell whether to try again: an answer that was begun, or waited for in vain, has cost the server its work."""
    fault = found.fault if isinstance(found, Reply) else found
    return fault is not None and passing(fault) and fault.reason not in {"timeout", "cut-off"}


def _retry_after(given: str) -> float:
    """Read a `Retry-After` in either of its forms; 0 where it is neither."""
    if given.strip().isascii() and given.strip().isdigit():
        return float(given.strip()[:9])
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _unpacked(raw: bytes, packing: str) -> bytes:
    """Unpack a body within bounds, for servers that pack it although they were asked not to.

    Raises:
        OverflowError: it is larger than an answer may be.
        ValueError: it is packed in a way that was not asked for, or broken.
    """
    if packing in {"", "identity"}:
        return raw
    if packing not in _PACKED:
        raise ValueError(packing)
    unpacking = zlib.decompressobj(_PACKED[packing])
    content = unpacking.decompress(raw, _LARGEST + 1)
    if len(content) > _LARGEST:
        raise OverflowError
    if not unpacking.eof:
        raise aiohttp.ClientPayloadError
    return content
