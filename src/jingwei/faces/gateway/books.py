"""Books: what this process keeps about requests beside their events, shared with the other gateways of its host.

They are opened when the gateway starts to serve; before that, nothing is counted and nobody is admitted.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from jingwei.core.clock import Clock
from jingwei.faces.gateway.afterwards import RECORDINGS, Afterwards
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.limits import Limiter
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.seats import Seat
from jingwei.faces.gateway.serving import Serving
from jingwei.faces.gateway.settings import GatewaySettings

FOLDER = "gateways"
"""Beside the spool."""


class Books:
    """Counts requests while they are under way, and what they used."""

    def __init__(self, settings: GatewaySettings, serving: Serving, *, clock: Clock) -> None:
        self._serving = serving
        self.afterwards = Afterwards(settings.spool_path.parent / RECORDINGS, clock=clock)
        self._folder = settings.spool_path.parent / FOLDER
        self._clock = clock
        self._seat: Seat | None = None
        self._limiter: Limiter | None = None

    def open(self) -> None:
        """Take a seat among the gateways of this host.

        Raises:
            Unavailable: the folder beside the spool cannot be written.
        """
        self._seat = Seat(self._folder)
        self._limiter = Limiter(self._folder, self._seat, clock=self._clock)

    def close(self) -> None:
        """Give the seat back."""
        if self._limiter and self._seat:
            self.afterwards.close()
            self._limiter.close()
            self._seat.leave()

    @contextmanager
    def counted(self, exchange: Exchange) -> Iterator[None]:
        """Count a request while it is under way, and its tokens when it ends.

        Raises:
            Refusal: its key may not make it now.
        """
        if self._limiter is None:
            raise Refusal(Code.INTERNAL)
        with self._limiter.counted(exchange.access):
            try:
                yield
            finally:
                self._limiter.spent(exchange.access, exchange.used.tokens)
                if exchange.seen:
                    self.afterwards.take(exchange, self._serving.shadow(exchange.access.served))
