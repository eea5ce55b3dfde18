"""Patience with slow callers: how long, and how large, the head of a request may be.

The server below bounds how long a connection may idle between requests, and the gateway how long a body may take. What
is left is a caller that opens a connection and says nothing, or sends a head that never ends. Each such connection
would cost memory for ever; here it is closed.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 10.0
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """The server's HTTP protocol, with an end to its patience."""

    head_seconds = HEAD_SECONDS
    _due: float | None = None
    """When the head must be there, by the loop's clock."""
    _timer: asyncio.TimerHandle | None = None
    _rest_due: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Expect the head of a first request."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rest_is_over()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Expect the rest of the head."""
        super().on_message_begin()
        self._expect()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._due = None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Where a request was refused before its body was read, let the caller send that, but not for ever."""
        if self.cycle.more_body and self._rest_due is None:
            self._rest_due = self.loop.call_later(self.head_seconds, self.transport.close)
        super().on_response_complete()

    def on_message_complete(self) -> None:
        """The body is there."""
        self._rest_is_over()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Take some bytes."""
        super().data_received(data)
        if self._due is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._end(_TOO_LARGE)

    def _expect(self) -> None:
        if self._due is None:
            self._head_bytes = 0
            self._due = self.loop.time() + self.head_seconds
            if self._timer is None:  # one timer serves many requests: it looks again as late as it may
                self._timer = self.loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._look)
            return
        self._end(_TOO_SLOW)

    def _rest_is_over(self) -> None:
        if self._rest_due is not None:
            self._rest_due.cancel()
            self._rest_due = None

    def _end(self, answer: bytes) -> None:
        self._due = None
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
