"""One visit to one service: every request asked once, counted, paced and logged; nothing is asked beyond the budget."""

import asyncio
import secrets
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from jingwei.deploy.fingerprint.answer import Answer
from jingwei.deploy.fingerprint.client import Patience, Silence, SilenceError, fetch
from jingwei.deploy.fingerprint.rule import MISSING, ROOT
from jingwei.deploy.fingerprint.targets import Place

MOST_REQUESTS = 40
"""For one service, redirects and TLS handshakes included."""
_AT_ONCE = 4
_HOPS = 3
_LONGER = 3
"""How much more time an answer gets that was late, and that tells a version."""
_SILENT = 6
"""Requests that may time out before the visit ends."""
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the log keeps it."""

    at: str
    method: str
    url: str
    told: str
    """The status, or why there was no answer."""
    size: int = 0


@dataclass(slots=True)
class Visit:
    """Asks one place; what it was answered is kept by path."""

    place: Place
    patience: Patience = field(default_factory=Patience)
    per_second: float = 20.0
    most: int = MOST_REQUESTS
    tls: ssl.SSLContext | None = None
    fetch: Callable[..., Awaitable[Answer]] = fetch
    """How one path is asked; the tests replay recorded answers here."""
    log: list[Asked] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    used: int = 0
    _unknown: str = field(default_factory=lambda: f"/{secrets.token_hex(6)}")
    _free: float = 0.0

    @property
    def left(self) -> int:
        """Return how many requests may still be made."""
        if sum(why is Silence.TIMEOUT for why in self.silences.values()) >= _SILENT:
            return 0
        return max(0, self.most - self.used)

    def knows(self, path: str) -> bool:
        """Tell whether a path was asked."""
        return path in self.answers or path in self.silences

    async def ask(self, paths: Iterable[str]) -> None:
        """Ask every path that was not asked yet, a few at once, as far as the budget goes."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(path: str) -> None:
            async with gate:
                if self.left:
                    await self._one(path)

        async with asyncio.TaskGroup() as group:
            for path in dict.fromkeys(paths):
                if not self.knows(path):
                    group.create_task(one(path))

    async def ask_again(self, paths: Iterable[str]) -> None:
        """Ask once more what was not answered in time: some servers write a large answer once and then keep it."""
        late = [path for path in dict.fromkeys(paths) if self.silences.get(path) is Silence.TIMEOUT]
        for path in late:
            del self.silences[path]
        self.patience = replace(self.patience, answer=self.patience.answer * _LONGER)
        await self.ask(late)

    async def once_more(self, path: str, headers: dict[str, str]) -> Answer | None:
        """Ask with headers of its own; kept nowhere."""
        if not self.left:
            return None
        try:
            return await self._fetched(path, headers)
        except SilenceError:
            return None

    def count(self, told: str) -> None:
        """Count and log a handshake."""
        self.used += 1
        self.log.append(Asked(_now(), "TLS", self.place.url, told))

    async def _one(self, path: str) -> None:
        try:
            asked = self._unknown if path == MISSING else path
            answer = await self._fetched(asked, {})
            if path == ROOT:
                answer = await self._followed(answer)
            elif moved := answer.header("location"):
                answer = replace(answer, moved=(moved[:500],))
        except SilenceError as error:
            self.silences[path] = error.why
        else:
            self.answers[path] = replace(answer, path=path)

    async def _followed(self, answer: Answer) -> Answer:
        """Follow the start page's redirects, on the same service only."""
        moved: list[str] = []
        path = ROOT
        for _ in range(_HOPS):
            if answer.status not in _MOVED or not (told := answer.header("location")):
                break
            moved.append(told[:500])
            path = self._same_service(path, told)
            if not path or not self.left:
                break
            try:
                answer = await self._fetched(path, {})
            except SilenceError:
                break
        return replace(answer, moved=tuple(moved))

    def _same_service(self, here: str, told: str) -> str:
        """Return the path of a redirect that stays; nothing where it leads elsewhere."""
        base = f"{self.place.scheme or 'http'}://{self.place.authority}"
        try:
            parts = urlsplit(urljoin(f"{base}{self.place.prefix}{here}", told.strip()))
        except ValueError:
            return ""
        if f"{parts.scheme}://{parts.netloc}".casefold() != base.casefold() or len(told) > 500:
            return ""
        if not parts.path.startswith(self.place.prefix or "/"):
            return ""
        path = parts.path[len(self.place.prefix) :] + (f"?{parts.query}" if parts.query else "")
        return path if path.isascii() and path.isprintable() and " " not in path else ""

    async def _fetched(self, path: str, headers: dict[str, str]) -> Answer:
        self.used += 1
        await self._paced()
        asked = Asked(_now(), "GET", f"{self.place.url}{path}", "")
        try:
            answer = await self.fetch(self.place, path, patience=self.patience, tls=self.tls, headers=headers)
        except SilenceError as error:
            self.log.append(replace(asked, told=error.why.value))
            raise
        self.log.append(replace(asked, told=str(answer.status), size=len(answer.content)))
        return answer

    async def _paced(self) -> None:
        """Wait for this request's turn."""
        now = asyncio.get_running_loop().time()
        self._free = max(self._free, now) + 1 / self.per_second
        await asyncio.sleep(self._free - 1 / self.per_second - now)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
