"""The stages of a stream: how what the rules may not decide in line is waited for, and a look at what is short."""

from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from typing import TypeVar

from jingwei.deploy.guard.guard import Guard, pool
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.scanning import Scan, Work, awaited, scan_here, watched
from jingwei.deploy.guard.verdict import GuardVerdict

Done = TypeVar("Done")
Finish = Callable[[Work], Awaitable[Scan]]


def glance(guard: Guard, text: str) -> GuardVerdict:
    """Judge a short text that goes out by the rules alone, at once; what may not run in line counts as not judged."""
    passage, began = Passage((), text, role="assistant"), perf_counter()
    return guard.decided(passage, scan_here((passage,), guard.bundle, guard.plans.plain), "outbound", began)[0]


async def in_a_thread(work: Work) -> Scan:
    """Finish some work while the event loop goes on."""
    return await awaited(work, pool())


async def waited_for(work: Work) -> Scan:
    """Finish some work where there is no event loop."""
    return watched(work, pool())


def at_once(step: Coroutine[None, None, Done]) -> Done:
    """Run a coroutine that never waits for an event loop."""
    try:
        step.send(None)
    except StopIteration as done:
        finished: Done = done.value
        return finished
    step.close()
    raise RuntimeError
