"""Asking one path of one pinned address: GET, bounded in headers, body and time, and no redirect is followed here.

An own few lines over asyncio and llhttp (`httptools`): what a hostile server can make us keep is then ours to bound —
headers as a whole, a packed body before and after unpacking, an answer that never ends, a byte every second.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from jingwei.deploy.fingerprint.answer import READ_BYTES, Answer, read_answer
from jingwei.deploy.fingerprint.targets import Place

HEAD_BYTES = 64 * 1024
"""Most that comes before the body."""
_PIECE = 16 * 1024
_AGENT = "jingwei-scan (read-only inventory)"


class Silence(StrEnum):
    """Why there is no answer."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    """Hung up before it had said anything whole."""
    NOT_HTTP = "not-http"
    LONG_HEAD = "long-head"
    TLS = "tls"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    connect: float = 3.0
    answer: float = 6.0
    body: float = 2.0
    """For the body, once the headers are there: a stream of events never ends."""


class SilenceError(Exception):
    """There is no answer; says why."""

    def __init__(self, why: Silence) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(slots=True)
class _Reader:
    """Collects what llhttp reports."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    headed: bool = False
    whole: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1"), value.decode("utf-8", "replace")))

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, piece: bytes) -> None:
        room = READ_BYTES - len(self.content)
        self.content += piece[: max(0, room)]

    def on_message_complete(self) -> None:
        self.whole = True


async def fetch(place: Place, path: str, *, patience: Patience, tls: ssl.SSLContext | None = None,
                headers: Mapping[str, str] | None = None) -> Answer:  # fmt: skip
    """Ask one path.

    Raises:
        SilenceError: there is no answer that can be read.
    """
    reader, writer = await _connected(place, patience, tls)
    try:
        async with asyncio.timeout(patience.answer):
            writer.write(_request(place, path, headers or {}))
            await writer.drain()
            return await _answered(reader, path, patience)
    except TimeoutError as error:
        raise SilenceError(Silence.TIMEOUT) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise SilenceError(Silence.CLOSED) from error
    finally:
        writer.transport.abort()


async def _connected(place: Place, patience: Patience, tls: ssl.SSLContext | None
                     ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:  # fmt: skip
    try:
        async with asyncio.timeout(patience.connect):
            name = place.host if tls else None
            return await asyncio.open_connection(place.address, place.port, ssl=tls, server_hostname=name, limit=_PIECE)
    except TimeoutError as error:
        raise SilenceError(Silence.TIMEOUT) from error
    except ssl.SSLError as error:
        raise SilenceError(Silence.TLS) from error
    except ConnectionRefusedError as error:
        raise SilenceError(Silence.REFUSED) from error
    except (OSError, ValueError) as error:
        raise SilenceError(Silence.TLS if tls else Silence.UNREACHABLE) from error


def _request(place: Place, path: str, headers: Mapping[str, str]) -> bytes:
    told = {"Host": place.authority, "User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "gzip",
            "Connection": "close", **headers}  # fmt: skip
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"GET {place.prefix}{path} HTTP/1.1\r\n{lines}\r\n".encode()


async def _answered(stream: asyncio.StreamReader, path: str, patience: Patience) -> Answer:
    """Read until the answer is whole, the body long enough, or the other side has said nothing for too long."""
    read = _Reader()
    parser = HttpResponseParser(read)
    deadline: float | None = None
    received = 0
    clock = asyncio.get_running_loop().time
    while not read.whole and len(read.content) < READ_BYTES:
        try:
            async with asyncio.timeout_at(deadline):
                piece = await stream.read(_PIECE)
        except TimeoutError:
            break
        if not piece:
            break
        received += len(piece)
        feed(parser, read, piece)
        if read.headed and deadline is None:
            deadline = clock() + patience.body
        if not read.headed and received > HEAD_BYTES:
            raise SilenceError(Silence.LONG_HEAD)
    if not read.headed:
        raise SilenceError(Silence.CLOSED if not received else Silence.NOT_HTTP)
    return read_answer(path, parser.get_status_code(), read.headers, bytes(read.content), cut=_cut(read))


def feed(parser: HttpResponseParser, read: _Reader, piece: bytes) -> None:
    """Give the parser a piece; a fault behind whole headers ends the body and keeps what is there.

    Raises:
        SilenceError: this is not HTTP, or the headers are too long.
    """
    try:
        parser.feed_data(piece)
    except HttpParserUpgrade:
        read.whole = True
    except HttpParserError as error:
        if not read.headed:
            raise SilenceError(Silence.NOT_HTTP) from error
        read.whole = True
    if sum(len(name) + len(value) for name, value in read.headers) > HEAD_BYTES:
        raise SilenceError(Silence.LONG_HEAD)


def _cut(read: _Reader) -> bool:
    told = any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in read.headers)
    return len(read.content) >= READ_BYTES or (told and not read.whole)


def read_whole(raw: bytes, path: str = "/") -> Answer:
    """Read an answer that is all there, such as a recorded one.

    Raises:
        SilenceError: it cannot be read.
    """
    read = _Reader()
    parser = HttpResponseParser(read)
    for at in range(0, len(raw), _PIECE):
        feed(parser, read, raw[at : at + _PIECE])
        if read.whole or len(read.content) >= READ_BYTES:
            break
        if not read.headed and at > HEAD_BYTES:
            raise SilenceError(Silence.LONG_HEAD)
    if not read.headed:
        raise SilenceError(Silence.NOT_HTTP)
    return read_answer(path, parser.get_status_code(), read.headers, bytes(read.content), cut=_cut(read))
