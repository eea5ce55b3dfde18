"""The circuit breaker of a model's server: one that fails again and again is left alone for a while.

    closed ──several failures in a row──► open ──after a while──► half-open: one request tries
      ▲                                     ▲                        │
      └────────────── it answered ──────────┴── it failed again ◄────┘

Callers are told at once, and how people go on without the model, instead of each waiting for the same failure.
"""

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half-open"]
MOST = 1024


class Breaker:
    """Watches one model's server.

    Args:
        failures: so many in a row open it.
        seconds: so long it stays open.
        now: a clock that never goes back.
    """

    def __init__(self, failures: int, seconds: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._seconds = seconds
        self._now = now
        self._failed = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def state(self) -> State:
        """Return how it stands."""
        if self._opened_at is None:
            return "closed"
        return "half-open" if self._now() - self._opened_at >= self._seconds else "open"

    @property
    def remaining_seconds(self) -> float:
        """Return how long it stays open."""
        return max(self._opened_at + self._seconds - self._now(), 0.0) if self._opened_at is not None else 0.0

    def enter(self) -> bool:
        """Tell whether the server may be asked now; whoever enters must say how it went."""
        if self.state == "open" or (self.state == "half-open" and self._trying):
            return False
        self._trying = self._opened_at is not None
        return True

    def succeeded(self) -> None:
        """Say that the server answered."""
        self._failed, self._opened_at, self._trying = 0, None, False

    def failed(self) -> None:
        """Say that it did not."""
        self._failed += 1
        if self._trying or self._failed >= self._most:
            self._opened_at = self._now()
        self._trying = False

    def left(self) -> None:
        """Say that nobody can tell: the caller went away, or asked for something that no server answers."""
        self._trying = False


class Breakers:
    """The breakers of all servers that were asked."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._failures = failures
        self._seconds = seconds
        self._found: dict[str, Breaker] = {}

    def of(self, url: str) -> Breaker:
        """Return the breaker of a server."""
        if url not in self._found:
            if len(self._found) >= MOST:
                self._found.pop(next(iter(self._found)))
            self._found[url] = Breaker(self._failures, self._seconds)
        return self._found[url]

    @property
    def states(self) -> dict[str, State]:
        """Return how each stands, by the server's address."""
        return {url: breaker.state for url, breaker in self._found.items()}
