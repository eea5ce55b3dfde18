"""Afterwards: what is done with texts once they were answered, and never before or in the way.

**Shadow**: a candidate policy judges the same texts; an event says what it would have decided, and nothing follows
from it. **Recording**: a share of the traffic is kept, redacted, to try candidates on. Both wait in one short queue;
when that is full, what comes is dropped and counted.
"""

import asyncio
import json
import logging
import random
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jingwei.core.clock import Clock
from jingwei.core.errors import InputError
from jingwei.core.event import EventKind
from jingwei.core.ids import new_id
from jingwei.core.policy import Category
from jingwei.core.recording import LONGEST_TEXT, RecordedHit, Recording, RecordingWriter, chosen
from jingwei.core.whereabouts import whereabouts
from jingwei.deploy.guard import Guard, Passage, ToolCall, ToolContext, rewrite
from jingwei.deploy.guard.arguments import leaves, read_arguments
from jingwei.detect import Hit, Role, redact
from jingwei.detect.normalize import fold
from jingwei.faces.gateway.exchange import Exchange

RECORDINGS = "recordings"
"""Beside the spool."""
MOST_WAITING = 256
MOST_CHARACTERS = 4_000_000
_HIDDEN = (Category.PII, Category.SECRET)
_MOST_HITS = 200
_log = logging.getLogger(__name__)


class _Job(NamedTuple):
    exchange: Exchange
    shadow: Guard | None
    recorded: bool
    characters: int


class Afterwards:
    """Takes exchanges that were answered.

    Args:
        folder: of the recordings.
        clock: the time.
    """

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._writer = RecordingWriter(folder, clock=clock)
        self._clock = clock
        self._chance = random.SystemRandom()
        self._waiting: deque[_Job] = deque()
        self._characters = 0
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0
        """Exchanges that found the queue full."""

    def take(self, exchange: Exchange, shadow: Guard | None) -> None:
        """Take one exchange; at once, and whatever it costs is paid later.

        Args:
            exchange: with what was seen of it.
            shadow: judges by the candidate policy; none: there is none, or it is still being built.
        """
        recorded = chosen(exchange.access.served.policy.record_share, self._chance)
        if not exchange.seen or not (shadow or recorded):
            return
        characters = sum(seen.characters for seen in exchange.seen)
        if len(self._waiting) >= MOST_WAITING or self._characters + characters > MOST_CHARACTERS:
            self.dropped += 1
            return
        self._waiting.append(_Job(exchange, shadow, recorded, characters))
        self._characters += characters
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def settle(self) -> None:
        """Wait until nothing waits."""
        if self._task:
            await self._task

    def close(self) -> None:
        """Close the file of recordings; what still waits is dropped."""
        if self._task:
            self._task.cancel()
        self._writer.close()

    async def _work(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            self._characters -= job.characters
            try:
                if job.shadow:
                    await _shadowed(job.exchange, job.shadow)
                if job.recorded:
                    await asyncio.to_thread(self._record, job.exchange)
            except Exception as error:  # noqa: BLE001 - the edge of a task: a candidate that crashes must not end the others
                _log.error("an exchange could not be looked at afterwards: %s", whereabouts(error))

    def _record(self, exchange: Exchange) -> None:
        for seen in exchange.seen or ():
            guard = exchange.access.guard
            for text, role, hits in _called(seen.call, guard) if seen.call else _said(seen.passages, guard):
                self._writer.write(Recording(
                    id=new_id("rec"), at=self._clock(), system_id=exchange.access.served.system_id,
                    direction=seen.direction, role=role, text=text[:LONGEST_TEXT], cut=len(text) > LONGEST_TEXT,
                    decision=seen.decision, policy_digest=exchange.access.served.policy.digest, tool=seen.tool[:120],
                    server=seen.server[:120],
                    hits=tuple(RecordedHit(category=hit.category, rule_id=hit.rule_id[:120], score=hit.score)
                               for hit in hits[:_MOST_HITS]),
                ))  # fmt: skip


def _said(passages: Sequence[Passage], guard: Guard) -> Iterator[tuple[str, Role, list[Hit]]]:
    """Give each text without its personal data and secrets, whose it is, and what was found."""
    for passage in passages:
        if passage.fixed or not passage.text.strip():  # a key, or texts that are recorded one by one
            continue
        hits = _hidden(passage, guard)
        yield redact(passage.text, hits), passage.role, hits


def _called(call: ToolCall, guard: Guard) -> Iterator[tuple[str, Role, list[Hit]]]:
    """Give a call's arguments, each redacted in its place; nothing where they are unreadable or a key holds data."""
    try:
        arguments = read_arguments(call.arguments)
        found = [(passage, _hidden(passage, guard)) for passage in leaves(arguments)]
    except (ValueError, RecursionError, InputError):
        return
    if any(hits for passage, hits in found if passage.fixed):
        return
    changes = [(passage.path, redact(passage.text, hits)) for passage, hits in found if hits]
    yield (json.dumps(rewrite(arguments, changes), ensure_ascii=False), "assistant",
           [hit for _, hits in found for hit in hits])  # fmt: skip


def _hidden(passage: Passage, guard: Guard) -> list[Hit]:
    found = guard.bundle.detectors
    folded = fold(passage.text, role=passage.role)
    return [hit for name in _HIDDEN if name in found for hit in found[name](folded)]


async def _shadowed(exchange: Exchange, guard: Guard) -> None:
    for seen in exchange.seen or ():
        if seen.call is not None:
            decided = await asyncio.to_thread(guard.judge_call, seen.call, seen.context or ToolContext())
            verdict = decided.verdict
        else:
            verdict = await guard.judged(seen.passages, direction=seen.direction)
        exchange.note(
            EventKind.SHADOW, direction=seen.direction, decision=verdict.decision, categories=verdict.categories,
            rule_ids=verdict.rule_ids, policy_digest=guard.policy.digest,
            latency_milliseconds=verdict.latency_milliseconds, details={"enforced": str(seen.decision)},
            tool=seen.tool, server=seen.server,
        )  # fmt: skip
    exchange.pending.clear()  # nobody waits for these
