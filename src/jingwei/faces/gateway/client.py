"""The client for models' servers: HTTP/1.1 over kept connections, no more than the gateway needs.

A gateway sends one kind of request, and passes nothing on of what stands around an answer. So there are no redirects,
cookies, proxies or packed answers here, which are what an HTTP client otherwise spends its time on, and what a server
could play on. Certificates are always checked. Each request has a time to connect in, a longest silence, and an end.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from socket import SOCK_STREAM
from typing import NamedTuple, cast

from aiohappyeyeballs import start_connection
from yarl import URL

from jingwei.faces.gateway.reply import Reply, Unanswered

KEPT_SECONDS = 4.0
"""An idle connection is kept so long: many a model's server closes its own after five seconds."""
REST_SECONDS = 1.0
"""How long the mere end of an answer may take whose last event was read; else its connection is closed."""
_NEXT_ADDRESS_SECONDS = 0.25
_VISIBLE = re.compile(rb"[\x21-\x7e]+")


class Unreachable(ConnectionError):  # noqa: N818 - says what happened, as `Refusal` does
    """No connection could be made."""


class Times(NamedTuple):
    """How long things may take, in seconds."""

    connect: float
    idle: float
    total: float


class Place(NamedTuple):
    """Where a server listens."""

    host: str
    port: int
    tls: bool


class Target(NamedTuple):
    """Where a request goes, with its head as far as the length of its body."""

    place: Place
    head: bytes


BEARER = "Authorization: Bearer "


@lru_cache(maxsize=1024)
def target_of(address: str, key: str, shown_as: str = BEARER) -> Target:
    """Return where a POST of JSON to an address goes.

    Args:
        address: where.
        key: shown there; empty: none.
        shown_as: header lines that end with the key.

    Raises:
        ValueError: the address is none, or the key could not stand in a header.
    """
    url = URL(address)
    if url.scheme not in {"http", "https"} or not url.raw_host or not url.port or url.user or url.password:
        raise ValueError(url.scheme)
    name = f"[{url.raw_host}]" if ":" in url.raw_host else url.raw_host
    host = name if url.is_default_port() else f"{name}:{url.port}"
    written = [url.raw_path_qs.encode("ascii"), host.encode("ascii"), key.encode("ascii") or b"-"]
    if not all(_VISIBLE.fullmatch(each) for each in written):
        raise ValueError(host)
    shown = b"%b%b\r\n" % (shown_as.encode("ascii"), written[2]) if key else b""
    head = (b"POST %b HTTP/1.1\r\nHost: %b\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
            b"Content-Type: application/json\r\n%bContent-Length: " % (written[0], written[1], shown))  # fmt: skip
    return Target(Place(url.raw_host, url.port, url.scheme == "https"), head)


class Connection(asyncio.Protocol):
    """One connection; it carries one request at a time.

    Args:
        times: how long things may take.
        left: told that it is closed.
        rested: told that an answer came to its end after it was given back.
    """

    def __init__(self, times: Times, *, left: "Callable[[Connection], None]",
                 rested: "Callable[[Connection], None]") -> None:  # fmt: skip
        self.reply: Reply | None = None
        self.place = Place("", 0, tls=False)
        self.kept_until = 0.0
        self._times = times
        self._left = left
        self._rested = rested
        self._rests = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._end = 0.0

    @property
    def closed(self) -> bool:
        """Tell whether nothing can be asked any more."""
        return self._transport is None or self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the server."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take some bytes of the server; those that nobody asked for end the connection."""
        reply, self._heard = self.reply, self._loop.time()
        if reply is None or not reply.feed(data) or (self._rests and reply.waiting):
            self.close()
        elif reply.ended:
            self._relax()
            if self._rests:
                self._rests = False
                self._rested(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that nothing more comes."""
        self._relax()
        self._transport = None
        if self.reply is not None:
            self.reply.lost(exc)
        self._left(self)

    def ask(self, request: bytes, end: float) -> Reply:
        """Send a request; its answer must have come by some moment of the loop's clock.

        Raises:
            Unanswered: the server has closed the connection.
        """
        if self._transport is None or self._transport.is_closing():
            raise Unanswered
        self.reply = reply = Reply(self._loop, self._flow)
        self._heard, self._end = self._loop.time(), end
        self._timer = self._loop.call_at(min(self._heard + self._times.idle, end), self._look)
        self._transport.write(request)
        return reply

    def rest(self) -> None:
        """Give the mere end of an answer a moment to come."""
        self._relax()
        self._rests = True
        self._end = min(self._end, self._loop.time() + REST_SECONDS)
        self._timer = self._loop.call_at(self._end, self._look)

    def close(self) -> None:
        """Close at once."""
        self._relax()
        if self._transport is not None:
            self._transport.abort()

    def _flow(self, on: bool) -> None:  # noqa: FBT001 - a callback's argument
        self._heard = self._loop.time()
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    def _look(self) -> None:
        """Look whether time is up; else look again when it may be."""
        now = self._loop.time()
        waits = self.reply is not None and self.reply.paused
        due = self._end if waits or self._rests else min(self._heard + self._times.idle, self._end)
        if now < due:
            self._timer = self._loop.call_at(due, self._look)
            return
        self._timer = None
        if self.reply is not None:
            self.reply.failed(TimeoutError())
        self.close()

    def _relax(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Client:
    """Asks servers over connections that it keeps for a while.

    Args:
        times: how long things may take.
        most: so many requests at one time; further ones wait.
    """

    def __init__(self, times: Times, *, most: int) -> None:
        self._times = times
        self._room = asyncio.Semaphore(most)
        self._idle: dict[Place, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None

    async def asked(self, target: Target, body: bytes) -> Connection:
        """Send a request and wait for the head of its answer; the connection must be given back.

        Raises:
            Unreachable: no connection could be made.
            TimeoutError: time was up.
            ConnectionError: the server hung up.
            ValueError: it answered something else than HTTP.
        """
        end = asyncio.get_running_loop().time() + self._times.total
        if self._room.locked():
            async with asyncio.timeout_at(end):
                await self._room.acquire()
        else:
            await self._room.acquire()
        try:
            request = b"%b%d\r\n\r\n%b" % (target.head, len(body), body)
            if kept := self._kept(target.place):
                with suppress(Unanswered):  # the server had closed it meanwhile: it is asked once more
                    return await _headed(kept, request, end)
            return await _headed(await self._connected(target.place, end), request, end)
        except BaseException:
            self._room.release()
            raise

    def given_back(self, connection: Connection, *, whole: bool) -> None:
        """Take a connection back.

        Args:
            connection: as it was given.
            whole: whether all was read that is wanted of the answer; else its server is to stop at once.
        """
        self._room.release()
        reply = connection.reply
        if reply is None or not whole or connection.closed:
            connection.close()
        elif reply.ended:
            self._keep(connection)
        else:
            connection.rest()

    async def close(self) -> None:
        """Close all connections."""
        if self._sweep is not None:
            self._sweep.cancel()
        for each in list(self._open):
            each.close()
        await asyncio.sleep(0)

    async def _connected(self, place: Place, end: float) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection(self._times, left=self._gone, rested=self._keep)
        connection.place = place
        try:
            async with asyncio.timeout_at(min(loop.time() + self._times.connect, end)):
                found = await loop.getaddrinfo(place.host, place.port, type=SOCK_STREAM)
                way = await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, loop=loop)
                try:
                    await loop.create_connection(lambda: connection, sock=way, ssl=_checking() if place.tls else None,
                                                 server_hostname=place.host if place.tls else None)  # fmt: skip
                except BaseException:
                    way.close()
                    raise
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            raise Unreachable(str(error)) from error
        self._open.add(connection)
        return connection

    def _kept(self, place: Place) -> Connection | None:
        idle, now = self._idle.get(place), asyncio.get_running_loop().time()
        while idle:
            connection = idle.pop()
            if now < connection.kept_until and not connection.closed:
                return connection
            connection.close()
        return None

    def _keep(self, connection: Connection) -> None:
        if connection.closed or connection.reply is None or not connection.reply.reusable:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.reply, connection.kept_until = None, loop.time() + KEPT_SECONDS
        self._idle.setdefault(connection.place, []).append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(KEPT_SECONDS, self._swept)

    def _swept(self) -> None:
        """Close what has been idle for too long."""
        loop = asyncio.get_running_loop()
        self._sweep, now = None, loop.time()
        for place, idle in list(self._idle.items()):
            for connection in [each for each in idle if each.kept_until <= now]:
                connection.close()
            left = [each for each in idle if each.kept_until > now]
            if left:
                self._idle[place] = left
            else:
                del self._idle[place]
        if self._idle:
            self._sweep = loop.call_later(KEPT_SECONDS, self._swept)

    def _gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        idle = self._idle.get(connection.place, [])
        if connection in idle:
            idle.remove(connection)


async def _headed(connection: Connection, request: bytes, end: float) -> Connection:
    try:
        await connection.ask(request, end).head()
    except BaseException:
        connection.close()
        raise
    return connection


@lru_cache(maxsize=1)
def _checking() -> ssl.SSLContext:
    """Return what checks certificates and names."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
