"""Books: what this process keeps about requests beside their events, shared with the other gateways of its host.

They are opened when the gateway starts to serve; before that, nothing is counted and nobody is admitted.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jingwei.core.clock import Clock
from jingwei.core.spool import CLOSED, OPEN
from jingwei.faces.gateway.afterwards import RECORDINGS, Afterwards
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.limits import Limiter
from jingwei.faces.gateway.metrics import Metrics, Outcome
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.seats import Seat
from jingwei.faces.gateway.serving import Serving
from jingwei.faces.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from jingwei.faces.gateway.telemetry import Telemetry

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
        self._settings = settings
        self._metrics: Metrics | None = None
        self._telemetry: Telemetry | None = None

    def open(self) -> None:
        """Take a seat among the gateways of this host.

        Raises:
            Unavailable: the folder beside the spool cannot be written, or what telemetry needs is not installed.
        """
        self._seat = Seat(self._folder)
        self._limiter = Limiter(self._folder, self._seat, clock=self._clock)
        self._metrics = Metrics(self._folder, self._seat)
        if self._settings.telemetry_url:
            from jingwei.faces.gateway.telemetry import Telemetry  # noqa: PLC0415 - few gateways want it

            self._telemetry = Telemetry(self._settings)

    def close(self) -> None:
        """Give the seat back."""
        if self._limiter and self._seat:
            self.afterwards.close()
            self._limiter.close()
            self._seat.leave()
        if self._telemetry:
            self._telemetry.close()

    async def write(self, breakers: Callable[[], Mapping[str, str]]) -> None:
        """Write the numbers for the other gateways of this host once a second, until cancelled."""
        while True:
            await asyncio.sleep(1)
            await asyncio.to_thread(self._written, breakers())

    def page(self) -> bytes:
        """Return the numbers of all gateways of this host, as Prometheus reads them."""
        return self._metrics.page() if self._metrics else b""

    def ended(self, outcome: Outcome, exchange: Exchange | None) -> None:
        """Count a request that ended."""
        if self._metrics:
            self._metrics.ended(outcome, exchange)
        if self._telemetry and exchange:
            self._telemetry.ended(outcome, exchange)

    def _written(self, breakers: Mapping[str, str]) -> None:
        if self._metrics is None:
            return
        finished = [path.stat() for path in self._spool() if path.exists()]
        now = self._clock().timestamp()
        self._metrics.show({
            "snapshot_age_seconds": self._serving.age_seconds or 0.0,
            "lexicon_age_seconds": now - self._serving.words_since.timestamp(),
            "lexicons_behind": self._serving.behind,
            "breaker_open": sum(state != "closed" for state in breakers.values()),
            "spool_waiting_bytes": sum(each.st_size for each in finished),
            "spool_oldest_seconds": max((now - each.st_mtime for each in finished), default=0.0),
            "dropped": self.afterwards.dropped,
        })  # fmt: skip
        self._metrics.write()

    def _spool(self) -> list[Path]:
        found = self._settings.spool_path.glob(f"*{CLOSED}") if self._settings.spool_path.is_dir() else ()
        return [path for path in found if not path.name.endswith(OPEN)]

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
