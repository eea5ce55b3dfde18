"""Strategies: how one attempt is carried out, from one question to an agent at work, by the name a suite gives."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar, Protocol

from pydantic import JsonValue

from jingwei.core.errors import NotFound

if TYPE_CHECKING:
    from jingwei.develop.evaluate.attempt import Attempt
    from jingwei.develop.evaluate.exchange import Ask, Exchange, Transcript


@dataclass(frozen=True, slots=True)
class Talk:
    """The hands a strategy is given."""

    ask: "Callable[[Ask], Awaitable[Exchange]]"
    """Says something to the subject; counts against the budget."""
    system_prompt: str
    attacker: "Callable[[Ask], Awaitable[Exchange]] | None" = None
    """A model that writes the attack's next turn; without one, recorded or scripted turns serve."""
    options: Mapping[str, JsonValue] = field(default_factory=dict)


class Strategy(Protocol):
    """Carries out one attempt."""

    id: ClassVar[str]

    async def converse(self, attempt: "Attempt", talk: Talk) -> "Transcript":
        """Talk to the subject until the attempt is made; ends with the first fault."""
        ...


_WHERE = {
    "single": "jingwei.develop.evaluate.strategies.single:Single",
    "script": "jingwei.develop.evaluate.strategies.script:Script",
    "crescendo": "jingwei.develop.evaluate.strategies.turns:Crescendo",
    "foot-in-the-door": "jingwei.develop.evaluate.strategies.turns:FootInTheDoor",
    "many-shot": "jingwei.develop.evaluate.strategies.turns:ManyShot",
    "goat": "jingwei.develop.evaluate.strategies.turns:Goat",
    "pair": "jingwei.develop.evaluate.strategies.search:Pair",
    "tree": "jingwei.develop.evaluate.strategies.search:Tree",
    "best-of-n": "jingwei.develop.evaluate.strategies.search:BestOfN",
    "actor": "jingwei.develop.evaluate.strategies.turns:Actor",
    "bad-likert": "jingwei.develop.evaluate.strategies.turns:BadLikert",
    "sequential-break": "jingwei.develop.evaluate.strategies.turns:SequentialBreak",
    "agent": "jingwei.develop.evaluate.strategies.agent:AtWork",
    "framings": "jingwei.develop.evaluate.strategies.framings:Framings",
    "picture": "jingwei.develop.evaluate.strategies.picture:Picture",
}


@lru_cache
def strategy(name: str) -> Strategy:
    """Return a strategy by the name suites use.

    Raises:
        NotFound: there is no such strategy.
    """
    if name not in _WHERE:
        raise NotFound("develop.evaluate:strategy-unknown", field="strategy", name=name, known=", ".join(_WHERE))
    made: Strategy = resolve_name(_WHERE[name])()
    return made
