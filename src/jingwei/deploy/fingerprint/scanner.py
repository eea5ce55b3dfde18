"""`jingwei scan exposure`: asks services, read-only, and says what they are, in which version, and if they are open."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Self, TextIO

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.clock import utc_now
from jingwei.core.errors import InputError
from jingwei.core.text import text
from jingwei.deploy.fingerprint.client import Patience, Silence
from jingwei.deploy.fingerprint.rule import strong
from jingwei.deploy.fingerprint.scope import Scope, read_scope
from jingwei.deploy.fingerprint.service import Examined, Manner, examine
from jingwei.deploy.fingerprint.targets import Place, listed, places
from jingwei.deploy.fingerprint.visit import MOST_REQUESTS
from jingwei.deploy.scanned import Scanned, plain

_AT_ONCE = 8
_MOST_SECONDS = 120.0


class Options(BaseModel):
    """What a scan of services can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: str = ""
    """File that names what may be asked besides this machine: owner, reason, until, hosts, networks."""
    log: str = ""
    """File that every request is appended to, one JSON object a line."""
    most_requests: int = Field(default=MOST_REQUESTS, ge=8, le=MOST_REQUESTS)
    """Requests made of one service."""
    per_second: float = Field(default=20.0, gt=0, le=1000)
    """Requests a second made of one service."""
    timeout_seconds: float = Field(default=8.0, gt=0, le=30)
    """Patience for one answer."""

    def manner(self) -> Manner:
        """Return how services are asked."""
        patience = Patience(connect=min(3.0, self.timeout_seconds), answer=self.timeout_seconds)
        return Manner(patience, self.per_second, self.most_requests)


def scan(target: str, options: Options) -> Iterator[Scanned]:
    """Give each service as soon as it is known; a host without a port is asked at every known port.

    Raises:
        InputError: the target is no address, or one that may not be asked; the scope file is no scope.
    """
    scope = scope_of(options.scope)
    with _log(options.log) as log:
        for line in listed(target):
            try:
                wanted = list(places(line, known_ports(), scope))
            except InputError as error:
                if line == target:
                    raise
                yield Scanned(path=plain(line), gaps=(text("deploy.fingerprint:gap-target").format(
                    target=plain(line), why=error.message),))  # fmt: skip
                continue
            yield from _asked(line, wanted, options, log)


def _asked(line: str, wanted: list[Place], options: Options, log: "_Log") -> Iterator[Scanned]:
    """Ask the places that one line names, a few at once; a closed port counts only where it was named."""
    closed = found = 0
    every = iter(wanted)
    while batch := list(islice(every, _AT_ONCE)):
        for one in asyncio.run(examine_all(batch, options.manner())):
            log.keep(one)
            if not one.place.expected and not one.there:
                closed += 1
                continue
            found += 1
            yield one.scanned
    if not found and closed:
        yield Scanned(path=plain(line), facts={"ports_closed": str(closed)})


async def examine_all(wanted: Sequence[Place], manner: Manner) -> list[Examined]:
    """Examine places at once; one that takes too long is told as such."""

    async def one(place: Place) -> Examined:
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                return await examine(place, manner)
        except TimeoutError:
            late = Scanned(path=place.url, gaps=(text("deploy.fingerprint:gap-slow", url=place.url),),
                           facts={"answered": Silence.TIMEOUT.value})  # fmt: skip
            return Examined(place, late, ())

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(place)) for place in wanted]
    return [task.result() for task in tasks]


def known_ports() -> tuple[int, ...]:
    """Return every port that a component listens on by default."""
    return tuple(sorted({port for rule in strong() for port in rule.ports}))


class _Log:
    """Appends requests to a file, where one was asked for."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def keep(self, one: Examined) -> None:
        """Append what was asked of one service."""
        if self._file is not None:
            self._file.writelines(f"{json.dumps(asdict(each))}\n" for each in one.log)
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _log(path: str) -> _Log:
    if not path:
        return _Log(None)
    try:
        return _Log(Path(path).open("a", encoding="utf-8"))
    except OSError as error:
        raise InputError("deploy.fingerprint:log-unwritable", field="log", path=path) from error


def scope_of(path: str) -> Scope | None:
    """Read the scope file where one is named."""
    return read_scope(path, utc_now()) if path else None
