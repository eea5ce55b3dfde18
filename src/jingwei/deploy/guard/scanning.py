"""Scanning under watch: each detector is timed and may fail on its own, and a failure is never taken for silence.

Three kinds of work, and where each is done:

- **rules** of our own (`Bundle.swift`: words, patterns, signs) are bounded and linear in the text, so on a text of
  ordinary length they run in line: a hop to a thread and back costs more than they do;
- **models** (`Bundle.models`) take milliseconds: a thread, under a hard limit of time;
- **anything else** (a detector of somebody's own) may hang: a thread too, and the guard stops waiting for it.

Code that hangs cannot be interrupted. Threads that hang fill the pool, and from then on what needs a thread is
unjudged, which a closed fail mode turns into a block.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter

from jingwei.core.policy import Category
from jingwei.deploy.guard.known import Known, mark_of
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.plans import GROUNDS, PARTLY_JUDGED, Detectors, Plan, Task
from jingwei.deploy.guard.verdict import Why
from jingwei.detect import Folded, Hit

INLINE_CHARACTERS = 16_384
"""Longer texts are no work for an event loop, whatever is looked for in them; and a detector's time grows with them."""

QUEUE_SECONDS = 2.0
"""How long work may wait for a free thread."""


@dataclass(slots=True)
class Scan:
    """The hits of each text, category by category, and which categories failed."""

    hits: list[list[Hit]]
    failed: dict[Category, Why] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Tell whether every category was judged and nothing was found."""
        return not self.failed and not any(self.hits)


def scan_here(passages: Sequence[Passage], bundle: Detectors, plan: Plan) -> Scan:
    """Scan in the calling thread with what may run in line; what may not is said to be out of reach."""
    scan = Scan([[] for _ in passages])
    if (folded := read(passages, bundle, (*plan.inline, *plan.threaded), scan)) is not None:
        for task in plan.inline:
            run(task, folded, scan.hits, scan.failed)
        scan.failed.update({task.rule.category: "not-reached" for task in plan.threaded})
    return scan


def scan_watched(passages: Sequence[Passage], bundle: Detectors, plan: Plan, pool: ThreadPoolExecutor, *,
                 known: Known | None = None) -> Scan:  # fmt: skip
    """Scan, and give up on what needs a thread when its time is over."""
    return watched(Work(passages, bundle, plan, known=known), pool)


async def scan_awaited(passages: Sequence[Passage], bundle: Detectors, plan: Plan, pool: ThreadPoolExecutor, *,
                       known: Known | None = None) -> Scan:  # fmt: skip
    """Do the same from an event loop, which goes on meanwhile."""
    work = Work(passages, bundle, plan, known=known)
    return await awaited(work, pool) if work.needs_thread else work.scan


def watched(work: "Work", pool: ThreadPoolExecutor) -> Scan:
    """Finish some work in a thread, waiting for it."""
    if not work.needs_thread:
        return work.scan
    future = pool.submit(work.scan_rest)
    patience = Patience(work)
    while (seconds := patience.left()) > 0:
        try:
            future.result(timeout=seconds)
        except TimeoutError:
            continue
        return work.scan
    future.cancel()
    return work.given_up()


async def awaited(work: "Work", pool: ThreadPoolExecutor) -> Scan:
    """Finish some work in a thread, while the event loop goes on."""
    if not work.needs_thread:
        return work.scan
    future = asyncio.get_running_loop().run_in_executor(pool, work.scan_rest)
    patience = Patience(work)
    while (seconds := patience.left()) > 0:
        done, _ = await asyncio.wait((future,), timeout=seconds)
        if done:
            return work.scan
    future.cancel()
    return work.given_up()


class Patience:
    """How long some work may take: its own time once it has begun, and a while to wait for a free thread before.

    A busy moment is no failure of a detector: the clock of a detector runs while it runs.
    """

    def __init__(self, work: "Work") -> None:
        self._work = work
        self._asked = perf_counter()

    def left(self) -> float:
        """Return the seconds until the next look; zero or less when patience is over."""
        now, begun = perf_counter(), self._work.begun
        if begun is None:
            return min(self._work.seconds, self._asked + QUEUE_SECONDS - now)
        return begun + self._work.seconds - now


class Work:
    """One scan: its rules are through when it is made, unless the text is long; the rest waits for a thread.

    Args:
        passages: the texts.
        bundle: the detectors.
        plan: which of them run where.
        known: texts that the rules of this plan need not read again.
    """

    def __init__(self, passages: Sequence[Passage], bundle: Detectors, plan: Plan, *,
                 known: Known | None = None) -> None:  # fmt: skip
        self.scan = Scan([[] for _ in passages])
        self._bundle = bundle
        inline, threaded, models = plan
        self._rest = [*threaded, *models]
        self._known = known if inline else None
        self._marks: list[bytes] = []
        self._fresh: list[int] = []
        self._all = self._new = _Texts(passages, self.scan.hits)
        if self._known is not None:
            self._marks = [mark_of(each) for each in passages]
            self._fresh = self._known.fresh(self._marks)
            self._new = self._all if len(self._fresh) == len(passages) else self._all.only(self._fresh)
        self._unreadable = False
        self._done = 0
        self.begun: float | None = None
        """When a thread took it up."""
        self.seconds, self._stretch, self._rules = 0.0, 1.0, 0
        if self._new.characters > INLINE_CHARACTERS:
            self._rest, self._rules = [*inline, *self._rest], len(inline)
        else:
            self._run(inline, self._new)
            self._learn()
        if self._rest:
            self._stretch = max(1.0, self._all.characters / INLINE_CHARACTERS)
            self.seconds = sum(task.rule.timeout_milliseconds for task in self._rest) * self._stretch / 1000

    @property
    def needs_thread(self) -> bool:
        """Tell whether something is left that must not run in an event loop."""
        return bool(self._rest) and not self._unreadable

    def scan_rest(self) -> None:
        """Do what is left, one after another, in a thread."""
        self.begun = perf_counter()
        for place, task in enumerate(self._rest):
            began = perf_counter()
            self._run((task,), self._new if place < self._rules else self._all)
            if (perf_counter() - began) * 1000 > task.rule.timeout_milliseconds * self._stretch:
                self.scan.failed[task.rule.category] = "timed-out"
            self._done += 1
        self._learn()

    def given_up(self) -> Scan:
        """Return what is there, in a copy: the thread may still be at it."""
        pending = [task.rule.category for task in self._rest[self._done :]] or [self._rest[-1].rule.category]
        failed: dict[Category, Why] = dict(self.scan.failed)
        failed |= dict.fromkeys(pending, "not-reached")
        failed[pending[0]] = "timed-out"
        return Scan([list(hits) for hits in self.scan.hits], failed)

    def _run(self, tasks: Sequence[Task], texts: "_Texts") -> None:
        if not tasks or self._unreadable or not texts.passages:
            return
        if texts.folded is None:
            texts.folded = read(texts.passages, self._bundle, (*tasks, *self._rest), self.scan)
        if texts.folded is None:
            self._unreadable = True
            return
        for task in tasks:
            run(task, texts.folded, texts.hits, self.scan.failed)

    def _learn(self) -> None:
        """Remember the texts in which there was nothing, where all rules have read them."""
        if self._known is None or self.scan.failed:
            return
        for number in self._fresh:
            if not self.scan.hits[number]:
                self._known.add(self._marks[number])


@dataclass(slots=True)
class _Texts:
    """Some texts, folded once, and what was found in each."""

    passages: Sequence[Passage]
    hits: Sequence[list[Hit]]
    folded: list[Folded] | None = None

    def only(self, numbers: Sequence[int]) -> "_Texts":
        """Return some of them."""
        return _Texts([self.passages[each] for each in numbers], [self.hits[each] for each in numbers])

    @property
    def characters(self) -> int:
        """Return how long they are together."""
        return sum([len(each.text) for each in self.passages])


def read(passages: Sequence[Passage], bundle: Detectors, tasks: Sequence[Task], scan: Scan) -> list[Folded] | None:
    """Fold some texts once for all detectors; None where that fails, and then no category is judged."""
    try:
        folded = [bundle.read(each.text, role=each.role) for each in passages]
        for text, passage in zip(folded, passages, strict=True):
            if passage.grounds:
                text.shared[GROUNDS] = passage.grounds
    except Exception:  # noqa: BLE001 - nothing could be judged: every category says so
        scan.failed.update({task.rule.category: "crashed" for task in tasks})
        return None
    return folded


def run(task: Task, folded: Sequence[Folded], hits_of: Sequence[list[Hit]], failed: dict[Category, Why]) -> None:
    """Run one detector over some texts and add what it found, or that it failed."""
    category, detect = task.rule.category, task.detect
    try:
        for hits, each in zip(hits_of, folded, strict=True):
            found = detect(each) if detect else _absent(category)
            if category in each.shared.get(PARTLY_JUDGED, ()):
                failed[category] = "too-long"
            if len(found) == 0:  # what has no length is no answer: it fails here
                continue
            if not all(_is_sound(hit, category, each) for hit in found):
                failed[category] = "nonsense"
                return
            hits.extend(found)
    except Exception:  # noqa: BLE001 - a detector may be anyone's code; its fail mode says what follows, and an event is written
        failed[category] = "crashed"


def _absent(category: Category) -> tuple[Hit, ...]:
    raise KeyError(category)


def _is_sound(hit: object, category: Category, text: Folded) -> bool:
    """Tell whether a hit can be one: of this category, inside the text, with a score from 0 to 1."""
    if not isinstance(hit, Hit):
        return False
    return hit.category == category and 0 <= hit.start <= hit.end <= len(text.original) and 0 <= hit.score <= 1
