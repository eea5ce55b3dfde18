"""The stages of a stream: which detectors read every piece, which a wider context, which whole sentences."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple

from jingwei.core.policy import Category
from jingwei.deploy.guard.guard import Guard, pool
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.scanning import Plan, Scan, Work, awaited, scan_here, watched
from jingwei.deploy.guard.verdict import GuardVerdict

_AT_PLACES = frozenset({Category.KEYWORD, Category.PII, Category.SECRET, Category.INJECTION, Category.HARM})
"""What is looked for in every piece; any other category is about whole sentences."""

_SIGNS = frozenset({Category.INJECTION, Category.HARM})
"""What may show only in several signs together."""

Finish = Callable[[Work], Awaitable[Scan]]


class Stages(NamedTuple):
    """A guard's detectors by when they read a stream."""

    pieces: Plan
    """For every piece."""
    signs: Plan
    """For what is about to leave, with much that has left."""
    sentences: Plan
    """For whole sentences, behind the rest."""


def stages(guard: Guard) -> Stages:
    """Sort a guard's detectors."""
    rules = [rule for rule in guard.scanned if rule.category is not Category.GROUNDING]
    plan = Plan.of(guard.bundle, rules)
    rest = frozenset(Category) - _AT_PLACES
    whole = _only(plan, rest)._replace(models=plan.models)
    return Stages(_only(plan, _AT_PLACES), _only(plan, _SIGNS), whole)


def glance(guard: Guard, text: str) -> GuardVerdict:
    """Judge a short text that goes out by the rules alone, at once; what may not run in line counts as not judged."""
    passage, began = Passage((), text, role="assistant"), perf_counter()
    rules = [rule for rule in guard.scanned if rule.category is not Category.GROUNDING]
    return guard.decided(passage, scan_here((passage,), guard.bundle, rules), "outbound", began)[0]


def _only(plan: Plan, categories: frozenset[Category]) -> Plan:
    inline = tuple(task for task in plan.inline if task.rule.category in categories)
    return Plan(inline, tuple(task for task in plan.threaded if task.rule.category in categories), ())


async def in_a_thread(work: Work) -> Scan:
    """Finish some work while the event loop goes on."""
    return await awaited(work, pool())


async def waited_for(work: Work) -> Scan:
    """Finish some work where there is no event loop."""
    return watched(work, pool())
