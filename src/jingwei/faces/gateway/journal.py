"""The journal: events on disk before an answer's last byte, at the price of one disk sync for many requests.

While one batch is being synced in a thread the next one gathers; each caller waits for the batch its events are in.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from jingwei.core.errors import Unavailable
from jingwei.core.event import Event
from jingwei.core.spool import SpoolWriter
from jingwei.faces.gateway.refusal import Code, Refusal

MAX_RUNS = 64
MAX_EVENTS_PER_RUN = 2000
"""How much is kept in memory for the runs that ask for their own events."""


class Journal:
    """Writes events in groups; remembers those of assessment runs that reached the disk."""

    def __init__(self, writer: SpoolWriter) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._waiting: list[tuple[Event, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._runs: OrderedDict[str, list[Event]] = OrderedDict()

    def submit(self, event: Event) -> asyncio.Future[None]:
        """Hand an event in; the future is done once it is on disk."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return future

    async def rotate(self, seconds: float) -> None:
        """Close old segments now and then, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(seconds)
            await loop.run_in_executor(self._thread, self._writer.rotate)

    async def close(self) -> None:
        """Write what waits and close the segment."""
        if self._flushing:
            await self._flushing
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown(wait=True)

    def of_run(self, run_id: str) -> tuple[Event, ...]:
        """Return the events of an assessment run that reached the disk."""
        return tuple(self._runs.get(run_id, ()))

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            problem: Exception | None = None
            try:
                await loop.run_in_executor(self._thread, self._writer.write, [event for event, _ in batch])
            except (Unavailable, OSError) as error:
                problem = error
            for event, future in batch:
                if problem is None:
                    self._remember(event)
                if future.cancelled():
                    continue
                if problem is None:
                    future.set_result(None)
                else:
                    future.set_exception(Refusal(Code.SPOOL))
                    future.exception()  # seen: a request that was cancelled meanwhile does not ask for it
        self._flushing = None

    def _remember(self, event: Event) -> None:
        if not event.trial:
            return
        events = self._runs.setdefault(event.run_id, [])
        if len(events) < MAX_EVENTS_PER_RUN:
            events.append(event)
        if len(self._runs) > MAX_RUNS:
            self._runs.popitem(last=False)
