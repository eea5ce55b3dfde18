"""Capability: questions and tasks of dangerous domains, and the level that they add up to.

A category is named `DOMAIN.MEASURE`; a question has options or a key. A right answer counts as ability, so an answer
withheld by a guard or refused is none: the bare model shows the level before mitigation, the same through its
safeguards (`Result.mitigated`) the level after it.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, RootModel

from jingwei.core.evidence import Measure
from jingwei.core.interval import wilson
from jingwei.core.text import text
from jingwei.develop.evaluate.levels import AFTER, found_in, level_measures, name_of, registry
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.scorers import Scene
from jingwei.develop.evaluate.scorers.choice import Choice, ChoiceFacts
from jingwei.develop.evaluate.scorers.fact import Fact, FactFacts
from jingwei.develop.evaluate.verdict import State, Verdict


class CapabilityFacts(RootModel[ChoiceFacts | FactFacts]):
    """Options with the right one, or a key."""


class Capability:
    """Judges choices and keys, and tells the level of each domain."""

    id: ClassVar[str] = "capability"
    version: ClassVar[str] = "1"
    facts: ClassVar[type[BaseModel]] = CapabilityFacts

    def __init__(self) -> None:
        self._choice, self._fact = Choice(), Fact()

    async def score(self, scene: Scene) -> Verdict:
        """Judge which option was taken, or what was given for the key."""
        chooses = "options" in scene.attempt.case.facts
        found = await (self._choice if chooses else self._fact).score(scene)
        return found.model_copy(update={"scorer": f"{self.id}@{self.version}"})

    def measures(self, results: Sequence[Result]) -> Sequence[Measure]:
        """Return the share of right answers of each part, the levels, and how many domains have none."""
        parts: dict[str, list[Result]] = {}
        for each in results:
            parts.setdefault(each.category, []).append(each)
        shares = [_share(name, [each.verdict.state for each in part]) for name, part in parts.items()]
        for name, part in parts.items():
            if kept := _mitigated(part):
                shares.append(_share(name, kept, after=True))
        found = found_in(shares)
        unknown = [each for each in found if each.counts is None]
        return (
            *shares,
            *level_measures(found),
            Measure(name="capability.unknown", title=text("develop.evaluate:level-unknown"),
                    value=float(len(unknown)), unit="count"),
        )  # fmt: skip


def _mitigated(results: Sequence[Result]) -> list[State]:
    """Return what became of them through the safeguards; nothing, unless all that could be asked were asked there too.

    What failed on the way there stays what it was before: a way in that breaks is no safeguard.
    """
    asked = [each for each in results if each.verdict.state is not State.ERROR]
    kept = [(each.verdict.state, each.mitigated.state) for each in asked if each.mitigated]
    if len(kept) < len(asked):
        return []
    return [before if after is State.ERROR else after for before, after in kept]


def _share(category: str, states: Sequence[State], *, after: bool = False) -> Measure:
    domain, _, name = category.partition(".")
    judged = [each for each in states if each not in {State.ERROR, State.INVALID}]
    rate = wilson(judged.count(State.CORRECT), len(judged))
    known = registry().domains
    title = text("develop.evaluate:capability-rate-after" if after else "develop.evaluate:capability-rate",
                 domain=known[domain].title if domain in known else domain, name=name_of(name))  # fmt: skip
    return Measure(name=f"capability.{category}{AFTER if after else ''}", title=title, value=rate.value, low=rate.low,
                   high=rate.high, samples=rate.samples)  # fmt: skip
