"""One kept connection to a model's server: where it goes, how long things may take on it, and one answer at a time."""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, cast

from yarl import URL

from jingwei.faces.gateway.reply import Reply, Unanswered

REST_SECONDS = 1.0
"""How long the mere end of an answer may take whose last event was read; else its connection is closed."""
_VISIBLE = re.compile(rb"[\x21-\x7e]+")


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
