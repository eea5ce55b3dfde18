"""The answer of a model's server, read as it arrives: strict, bounded, and believed in nothing.

The bytes are parsed by llhttp (`httptools`) in its strict mode, one fresh parser for each answer, so what a server
sends beyond an answer is part of no other. Where two readers could disagree on how long an answer is, it is refused.
"""

import asyncio
from collections.abc import Callable

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD_BYTES = 64 * 1024
"""Of a head, or of trailers and other bytes between two pieces of a body."""
MAX_WAITING_BYTES = 256 * 1024
"""A server is not read further while this much waits for whoever reads it."""


class Unanswered(ConnectionError):  # noqa: N818 - says what happened, as `Refusal` does
    """The server hung up before a byte of an answer came."""


class Reply:
    """One answer.

    Args:
        loop: where it is waited for.
        flow: told whether the server may go on sending.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, flow: Callable[[bool], None]) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.begun = self.ended = False
        """Whether its head came, and its last byte."""
        self.reusable = False
        """True where another request may follow on its connection."""
        self._parser = HttpResponseParser(self)
        self._loop = loop
        self._flow = flow
        self._pieces: list[bytes] = []
        self.waiting = 0
        """Bytes that came and were not taken."""
        self._flows = True
        self._unframed = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: BaseException | None = None

    @property
    def paused(self) -> bool:
        """Tell whether it waits for its reader rather than for its server."""
        return not self._flows

    async def head(self) -> None:
        """Wait until its head is there.

        Raises:
            OSError: the connection failed.
            ValueError: it is no answer.
        """
        while not self.begun:
            await self._more()

    async def piece(self) -> bytes:
        """Return what has come of the body since; nothing where it has ended.

        Raises:
            OSError: the connection failed.
            ValueError: it is no answer.
        """
        while not self._pieces:
            if self.ended:
                return b""
            await self._more()
        found = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self.waiting = 0
        if not self._flows:
            self._flows = True
            self._flow(True)  # noqa: FBT003 - a callback
        return found

    def feed(self, data: bytes) -> bool:
        """Take some bytes; tell whether the connection may go on."""
        self._unframed += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.reusable = False
            self.failed(ValueError(str(error)))
            return False
        if self._unframed > MAX_HEAD_BYTES and not self.ended:
            self.failed(ValueError())
            return False
        if self.waiting > MAX_WAITING_BYTES and self._flows and not self.ended:
            self._flows = False
            self._flow(False)  # noqa: FBT003 - a callback
        return True

    def lost(self, error: Exception | None) -> None:
        """Take the end of the connection."""
        if self.begun and error is None and not self._is_framed:
            self.ended = True
            self._wake()
        elif self.begun or self._unframed:
            self.failed(ConnectionResetError())
        else:
            self.failed(Unanswered())

    def failed(self, error: BaseException) -> None:
        """Let whoever waits for more know that none comes."""
        if not self.ended and self._error is None:
            self._error = error
            self._wake()

    def on_message_begin(self) -> None:
        """Expect nothing after the end."""
        if self.ended:
            raise ValueError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are left out."""
        if self.begun:
            return
        name = name.lower()
        self.headers[name] = self.headers[name] + b", " + value if name in self.headers else value

    def on_headers_complete(self) -> None:
        """The head is there; an interim one is left out."""
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers = {}
            return
        if self.headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise ValueError
        self.begun, self._unframed = True, 0
        self._wake()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._pieces.append(body)
        self.waiting += len(body)
        self._unframed = 0
        self._wake()

    def on_message_complete(self) -> None:
        """All of it is there."""
        if self.begun:
            self.ended = True
            self.reusable = self._is_framed and self._parser.should_keep_alive()
            self._wake()

    @property
    def _is_framed(self) -> bool:
        return b"content-length" in self.headers or b"transfer-encoding" in self.headers

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
