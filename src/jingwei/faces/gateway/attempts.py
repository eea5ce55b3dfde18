"""Attempts: which model's server is asked, how often, and what is said when none of them can be.

A request is sent again only where nothing of an answer has come: the server could not be reached, or said that it is
busy. Servers named as fallbacks must run the same model: what was assessed is what answers.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from math import ceil
from typing import TypeVar

from jingwei.core.text import Both
from jingwei.faces.gateway.breaker import Breaker, Breakers
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.settings import GatewaySettings

Answered = TypeVar("Answered")
RETRIES = 2
_AGAIN = frozenset({Code.UPSTREAM_DOWN, Code.UPSTREAM_BUSY})
_FAILURES = frozenset({Code.UPSTREAM_DOWN, Code.UPSTREAM_SLOW, Code.UPSTREAM_STOPPED, Code.UPSTREAM_GARBAGE})
_LONGEST_WAIT = 2.0
_FIRST_WAIT = 0.1


class Attempts:
    """Asks one server after the other, a few times at most.

    Args:
        settings: fallbacks, limits of time, and what people are told.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.breakers = Breakers(settings.breaker_failures, settings.breaker_seconds)
        self._settings = settings
        self._chance = random.SystemRandom()

    async def made(
        self, url: str, ask: Callable[[str], Awaitable[Answered]], *, by_hand: Both | None = None
    ) -> Answered:
        """Return the first answer.

        Args:
            url: the server that is to be asked.
            ask: asks the server at an address; it raises before anything of an answer has come, or not at all.
            by_hand: how people of this System go on without it; by default what the gateway says for all.

        Raises:
            Refusal: no server answered; where all of them are left alone, it says how to go on without.
        """
        servers = (url, *self._settings.fallback_upstreams.get(url, ()))
        last: Refusal | None = None
        began, tried = time.monotonic(), 0
        for number in range(RETRIES + len(servers)):
            server = servers[number % len(servers)]
            breaker = self.breakers.of(server)
            if tried > RETRIES or not breaker.enter():
                continue
            if tried and number >= len(servers) and not await self._waited(tried, began, last):
                breaker.left()
                break
            tried += 1
            try:
                return await self._one(breaker, server, ask)
            except Refusal as refusal:
                last = refusal
                if refusal.code not in _AGAIN and not (refusal.code in _FAILURES and len(servers) > 1):
                    break
        raise last or self._left_alone(url, by_hand)

    @staticmethod
    async def _one(breaker: Breaker, server: str, ask: Callable[[str], Awaitable[Answered]]) -> Answered:
        try:
            answer = await ask(server)
        except Refusal as refusal:
            (breaker.failed if refusal.code in _FAILURES else breaker.left)()
            raise
        except BaseException:  # the caller went away meanwhile
            breaker.left()
            raise
        breaker.succeeded()
        return answer

    async def _waited(self, tried: int, began: float, last: Refusal | None) -> bool:
        """Wait a little, or as long as the server asked for; tell whether there is time for that."""
        asked_for = float(last.retry_seconds) if last else 0.0
        wait = asked_for or self._chance.uniform(0, _FIRST_WAIT * 2**tried)
        if wait > _LONGEST_WAIT or time.monotonic() - began + wait > self._settings.total_seconds:
            return False
        await asyncio.sleep(wait)
        return True

    def _left_alone(self, url: str, by_hand: Both | None) -> Refusal:
        seconds = max(ceil(self.breakers.of(url).remaining_seconds), 1)
        refusal = Refusal(Code.UPSTREAM_OPEN, retry_seconds=seconds)
        refusal.message = by_hand or self._settings.manual_fallback or refusal.message
        return refusal
