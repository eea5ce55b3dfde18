"""Limits: how much each API key may use, counted for all gateway processes of a host together.

Requests a minute (a bucket that fills steadily), requests at one time, tokens a day (UTC). What a key has of its own
counts, else what the policy says. Check runs have a right of their own and are not counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from math import ceil
from pathlib import Path

from jingwei.core.clock import Clock
from jingwei.core.policy import Limits
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.seats import Seat
from jingwei.faces.gateway.tallies import Tallies, Tally

FILE = "tallies"
_DAY = 86_400
_SOON = 1
_NONE = Limits()
_BUSY = 60


class Limiter:
    """Counts what keys use, and says no.

    Args:
        folder: shared by the gateway processes of this host.
        seat: of this process.
        clock: the time.
    """

    def __init__(self, folder: Path, seat: Seat, *, clock: Clock) -> None:
        self._tallies = Tallies(folder / FILE, seat)
        self._clock = clock

    def close(self) -> None:
        """Count nothing any more."""
        self._tallies.close()

    @contextmanager
    def counted(self, access: Access) -> Iterator[None]:
        """Count a request while it is under way.

        Raises:
            Refusal: its key may not make it now; it says when to come again.
        """
        limits = limits_of(access)
        if access.key is None or limits == _NONE:
            yield
            return
        refusal = self._entered(access.key.hash, limits)
        if refusal:
            refusal.system_id = access.served.system_id
            raise refusal
        try:
            yield
        finally:
            self._left(access.key.hash)

    def spent(self, access: Access, tokens: int) -> None:
        """Count the tokens of a request that was answered."""
        if access.key is None or tokens <= 0 or not limits_of(access).tokens_per_day:
            return
        with self._tallies.changing():
            tally = self._tallies.of(access.key.hash)
            if tally:
                self._today(tally, self._clock())
                tally.tokens += tokens
                self._tallies.put(tally)

    def _entered(self, key_hash: str, limits: Limits) -> Refusal | None:
        now = self._clock()
        with self._tallies.changing():
            tally = self._tallies.of(key_hash)
            if tally is None:
                return Refusal(Code.RATE, retry_seconds=_BUSY)
            self._filled(tally, limits.requests_per_minute, now.timestamp())
            self._today(tally, now)
            refusal = self._refused(tally, limits, now)
            if refusal is None:
                tally.allowance -= 1 if limits.requests_per_minute else 0
                self._tallies.change(tally, 1)
            self._tallies.put(tally)
            return refusal

    def _refused(self, tally: Tally, limits: Limits, now: datetime) -> Refusal | None:
        if limits.requests_per_minute and tally.allowance < 1:
            seconds = ceil((1 - tally.allowance) * 60 / limits.requests_per_minute)
            return Refusal(Code.RATE, retry_seconds=max(seconds, _SOON))
        if limits.tokens_per_day and tally.tokens >= limits.tokens_per_day:
            return Refusal(Code.TOKENS, retry_seconds=_DAY - int(now.timestamp()) % _DAY)
        most = limits.concurrent_requests
        if most and self._tallies.under_way(tally) >= most and self._tallies.under_way(tally, living=True) >= most:
            return Refusal(Code.CONCURRENT, retry_seconds=_SOON)
        return None

    def _left(self, key_hash: str) -> None:
        with self._tallies.changing():
            tally = self._tallies.of(key_hash)
            if tally:
                self._tallies.change(tally, -1)

    @staticmethod
    def _filled(tally: Tally, per_minute: int, now: float) -> None:
        passed = max(now - tally.at, 0.0) if tally.at else 60.0
        tally.allowance = min(tally.allowance + passed * per_minute / 60, per_minute)
        tally.at = now

    @staticmethod
    def _today(tally: Tally, now: datetime) -> None:
        day = int(now.timestamp()) // _DAY
        if day != tally.day:
            tally.day, tally.tokens = day, 0


def limits_of(access: Access) -> Limits:
    """Return what a caller may use: its key's own limits, else the policy's."""
    own = access.key.limits if access.key else None
    return own if own is not None else access.served.policy.limits
