"""The journal: events on disk before an answer's last byte, at the price of one disk sync for many requests.

Lines gather in a batch. When somebody waits for one of them, or after a moment, the batch goes to the writer's thread;
while it is being synced the next one gathers. Each caller waits for the batch its events are in.
"""

import asyncio
import queue
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from jingwei.core.errors import Unavailable
from jingwei.core.spool import SpoolWriter
from jingwei.faces.gateway.refusal import Code, Refusal

LINGER_SECONDS = 0.1
"""An event that nobody waits for is on disk a moment later."""
MAX_RUNS = 64
MAX_EVENTS_PER_RUN = 2000
"""How much is kept in memory for the runs that ask for their own events."""


@dataclass(slots=True, eq=False)
class Batch:
    """Lines that are synced together."""

    lines: list[bytes] = field(default_factory=list)
    runs: list[tuple[str, bytes]] = field(default_factory=list)
    """The lines that belong to an assessment run, with its id."""
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    written: bool | None = None
    """None while under way; false when the disk did not take it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """A wish that the writer closes its segment."""

    done: asyncio.Future[None]
    now: bool


class Journal:
    """Writes events in groups; remembers those of assessment runs that reached the disk."""

    def __init__(self, writer: SpoolWriter) -> None:
        self._writer = writer
        self._gathering = Batch()
        self._writing: Batch | None = None
        self._due: asyncio.Handle | None = None
        self._hurried = False
        self._work: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, Batch | _Turn] | None]
        self._work = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="spool", daemon=True)
        self._runs: OrderedDict[str, list[bytes]] = OrderedDict()

    def submit(self, line: bytes, *, run_id: str = "") -> Batch:
        """Hand a canonical event line in; return the batch to wait for.

        Args:
            line: as `event_line` writes it.
            run_id: the assessment run that may read it again, if any.
        """
        batch = self._gathering
        if not batch.lines and self._due is None:
            self._due = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._flush)
        batch.lines.append(line)
        if run_id:
            batch.runs.append((run_id, line))
        return batch

    async def settled(self, batch: Batch) -> None:
        """Wait until a batch is on disk.

        Raises:
            Refusal: the disk does not take it; nothing more may be answered.
        """
        if batch.written is None:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            batch.waiters.append(waiter)
            if batch is self._gathering and not self._hurried:
                self._hurried = True
                if self._writing is None:  # what else this turn of the loop brings goes along
                    loop.call_soon(self._flush)
            await waiter
        if not batch.written:
            raise Refusal(Code.SPOOL)

    async def rotate(self, seconds: float) -> None:
        """Close old segments now and then, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.turn()

    async def turn(self, *, now: bool = False) -> None:
        """Let the writer close its segment if that is old enough, or in any case."""
        loop = asyncio.get_running_loop()
        turn = _Turn(loop.create_future(), now=now)
        self._queue(loop, turn)
        await turn.done

    async def close(self) -> None:
        """Write what waits and close the segment."""
        while self._gathering.lines or self._writing:
            batch = self._writing or self._gathering
            try:
                await self.settled(batch)
            except Refusal:  # the disk does not take it: its requests were told, and nobody else waits
                continue
        if self._thread.ident is not None:
            self._work.put(None)
            await asyncio.to_thread(self._thread.join)
        self._writer.close()

    def of_run(self, run_id: str) -> tuple[bytes, ...]:
        """Return the lines of an assessment run that reached the disk."""
        return tuple(self._runs.get(run_id, ()))

    def _queue(self, loop: asyncio.AbstractEventLoop, work: Batch | _Turn) -> None:
        if self._thread.ident is None:
            self._thread.start()
        self._work.put((loop, work))

    def _flush(self) -> None:
        if self._due:
            self._due.cancel()
            self._due = None
        if self._writing is not None:
            self._hurried = True
            return
        if not self._gathering.lines:
            self._hurried = False
            return
        self._writing, self._gathering, self._hurried = self._gathering, Batch(), False
        self._queue(asyncio.get_running_loop(), self._writing)

    def _write(self) -> None:
        """Run in the writer's thread: the only place that touches the disk."""
        while (work := self._work.get()) is not None:
            loop, job = work
            written = True
            try:
                if isinstance(job, Batch):
                    self._writer.append(job.lines)
                elif job.now:
                    self._writer.close()
                else:
                    self._writer.rotate()
            except (Unavailable, OSError):
                written = False
            loop.call_soon_threadsafe(self._done, job, written)

    def _done(self, job: Batch | _Turn, written: bool) -> None:  # noqa: FBT001 - a callback's argument
        if not isinstance(job, Batch):
            if not job.done.done():
                job.done.set_result(None)
            return
        job.written, self._writing = written, None
        if written:
            for run_id, line in job.runs:
                self._remember(run_id, line)
        for waiter in job.waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._hurried:
            self._flush()

    def _remember(self, run_id: str, line: bytes) -> None:
        lines = self._runs.setdefault(run_id, [])
        if len(lines) < MAX_EVENTS_PER_RUN:
            lines.append(line)
        if len(self._runs) > MAX_RUNS:
            self._runs.popitem(last=False)
