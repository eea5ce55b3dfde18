"""The client for models' servers: HTTP/1.1 over kept connections, no more than the gateway needs.

A gateway sends one kind of request, and passes nothing on of what stands around an answer. So there are no redirects,
cookies, proxies or packed answers here, which are what an HTTP client otherwise spends its time on, and what a server
could play on. Certificates are always checked. Each request has a time to connect in, a longest silence, and an end.
"""

import asyncio
import ssl
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from socket import SOCK_STREAM, socket

from aiohappyeyeballs import addr_to_addr_infos, start_connection

from jingwei.faces.gateway.connection import Connection, Place, Target, Times
from jingwei.faces.gateway.reply import Unanswered

KEPT_SECONDS = 4.0
"""An idle connection is kept so long: many a model's server closes its own after five seconds."""
_NEXT_ADDRESS_SECONDS = 0.25


class Unreachable(ConnectionError):  # noqa: N818 - says what happened, as `Refusal` does
    """No connection could be made."""


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
                way = await _way(place)
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


async def _way(place: Place) -> socket:
    """Connect to the first address of a place that answers; an address needs no resolver and no thread."""
    loop = asyncio.get_running_loop()
    known = addr_to_addr_infos((place.host, place.port)) if _is_address(place.host) else None
    found = known or await loop.getaddrinfo(place.host, place.port, type=SOCK_STREAM)
    return await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, loop=loop)


@lru_cache(maxsize=1024)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


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
