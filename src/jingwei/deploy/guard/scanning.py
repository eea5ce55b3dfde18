"""Scanning under watch: each detector is timed and may fail on its own, and a failure is never taken for silence.

Detectors run in a thread of their own, because code that hangs cannot be interrupted; the guard stops waiting for it.
Threads that hang fill the pool, and from then on everything is unjudged, which a closed fail mode turns into a block.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from jingwei.core.policy import Category, CategoryRule
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.verdict import Why
from jingwei.detect import Folded, Hit, Role


class Detectors(Protocol):
    """What the guard needs of `detect.Bundle`."""

    @property
    def detectors(self) -> Mapping[Category, Callable[[str | Folded], tuple[Hit, ...]]]:
        """Return one scan function for each category."""
        ...

    @property
    def version(self) -> str:
        """Return the digest of all rule data."""
        ...

    def hold_back(self, text: str) -> int:
        """Return how many characters at the end of a stream must wait."""
        ...

    @staticmethod
    def read(text: str, *, role: Role = "user") -> Folded:
        """Fold a text once for several detectors."""
        ...


@dataclass(slots=True)
class Scan:
    """The hits of each text, category by category, and which categories failed."""

    hits: list[list[Hit]]
    failed: dict[Category, Why] = field(default_factory=dict)


def scan_here(passages: Sequence[Passage], bundle: Detectors, rules: Sequence[CategoryRule]) -> Scan:
    """Scan in the calling thread: crashes and slowness are noticed, but a detector that hangs is not."""
    scan = Scan([[] for _ in passages])
    folded = [bundle.read(each.text, role=each.role) for each in passages]
    for rule in rules:
        _scan_category(rule, folded, bundle, scan)
    return scan


def scan_watched(passages: Sequence[Passage], bundle: Detectors, rules: Sequence[CategoryRule],
                 pool: ThreadPoolExecutor) -> Scan:  # fmt: skip
    """Scan in a thread of the pool, and give up on it when the rules' time is over."""
    work = _Work(passages, bundle, rules)
    future = pool.submit(work.scan_all)
    try:
        future.result(timeout=work.seconds)
    except TimeoutError:
        future.cancel()
        return work.given_up()
    return work.scan


async def scan_awaited(passages: Sequence[Passage], bundle: Detectors, rules: Sequence[CategoryRule],
                       pool: ThreadPoolExecutor) -> Scan:  # fmt: skip
    """Do the same from an event loop, which goes on meanwhile."""
    work = _Work(passages, bundle, rules)
    future = asyncio.get_running_loop().run_in_executor(pool, work.scan_all)
    try:
        await asyncio.wait_for(future, work.seconds)
    except TimeoutError:
        return work.given_up()
    return work.scan


class _Work:
    """One scan in another thread, and how far it came."""

    def __init__(self, passages: Sequence[Passage], bundle: Detectors, rules: Sequence[CategoryRule]) -> None:
        self.scan = Scan([[] for _ in passages])
        self.seconds = sum(rule.timeout_milliseconds for rule in rules) / 1000
        self._passages = passages
        self._bundle = bundle
        self._rules = rules
        self._done: list[Category] = []

    def scan_all(self) -> None:
        try:
            folded = [self._bundle.read(each.text, role=each.role) for each in self._passages]
        except Exception:  # noqa: BLE001 - nothing could be judged: every category says so
            self.scan.failed.update({rule.category: "crashed" for rule in self._rules})
            return
        for rule in self._rules:
            _scan_category(rule, folded, self._bundle, self.scan)
            self._done.append(rule.category)

    def given_up(self) -> Scan:
        """Return what is there, in a copy: the thread may still be at it."""
        pending = [rule.category for rule in self._rules if rule.category not in self._done]
        failed: dict[Category, Why] = dict(self.scan.failed)
        failed |= dict.fromkeys(pending, "not-reached")
        failed[pending[0] if pending else self._rules[-1].category] = "timed-out"
        return Scan([list(hits) for hits in self.scan.hits], failed)


def _scan_category(rule: CategoryRule, folded: Sequence[Folded], bundle: Detectors, scan: Scan) -> None:
    began = perf_counter()
    try:
        detect = bundle.detectors[rule.category]
        found = [detect(each) for each in folded]
        sound = all(
            _is_sound(hit, rule.category, each) for each, hits in zip(folded, found, strict=True) for hit in hits
        )
    except Exception:  # noqa: BLE001 - a detector may be anyone's code; its fail mode says what follows, and an event is written
        scan.failed[rule.category] = "crashed"
        return
    if not sound:
        scan.failed[rule.category] = "nonsense"
        return
    for hits, new in zip(scan.hits, found, strict=True):
        hits.extend(new)
    if (perf_counter() - began) * 1000 > rule.timeout_milliseconds:
        scan.failed[rule.category] = "timed-out"


def _is_sound(hit: object, category: Category, text: Folded) -> bool:
    """Tell whether a hit can be one: of this category, inside the text, with a score from 0 to 1."""
    if not isinstance(hit, Hit):
        return False
    return hit.category == category and 0 <= hit.start <= hit.end <= len(text.original) and 0 <= hit.score <= 1
