"""The purse: what a run may spend, and what it has. Nothing is asked that the budget does not cover."""

from pydantic import BaseModel, ConfigDict, Field

from jingwei.develop.evaluate.evaluation import Budget, Spent
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault, Usage
from jingwei.develop.evaluate.result import Result

_CHARACTERS = 3
"""Characters of a token, where a subject does not count: between Chinese (1 to 2) and English (4)."""


class Prices(BaseModel):
    """What a million tokens cost, in any currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: float = Field(default=0.0, ge=0)
    answered: float = Field(default=0.0, ge=0)

    def of(self, usage: Usage) -> float:
        """Return what some tokens cost."""
        return (usage.asked * self.asked + usage.answered * self.answered) / 1_000_000


class SpentError(Exception):
    """The budget does not cover another request."""


class Purse:
    """Counts requests, tokens and money.

    Answers under way when a limit is reached are still paid for: tokens and money can end above the budget by what the
    requests under way cost, requests never.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._requests = self._asked = self._answered = 0
        self._money = 0.0

    def earlier(self, result: Result, *, prices: Prices) -> None:
        """Count what an attempt of an earlier, interrupted run has cost."""
        self._requests += result.turns
        usage = Usage(asked=result.asked_tokens, answered=result.answered_tokens)
        self._add(_estimated(usage, result.asked_length, result.said_length), prices)

    def draw(self) -> None:
        """Take one request out.

        Raises:
            SpentError: there is none left, or no tokens or money.
        """
        budget = self._budget
        spent = (
            (budget.requests and self._requests >= budget.requests)
            or (budget.tokens and self._asked + self._answered >= budget.tokens)
            or (budget.money and self._money >= budget.money)
        )
        if spent:
            raise SpentError
        self._requests += 1

    def pay(self, ask: Ask, found: Answer | Fault, *, prices: Prices) -> None:
        """Pay for the tokens of one request."""
        usage = found.usage if isinstance(found, Answer) else Usage()
        said = len(found.text) if isinstance(found, Answer) else 0
        self._add(_estimated(usage, sum(len(each.content) for each in ask.messages), said), prices)

    def spent(self, seconds: float) -> Spent:
        """Return what was used so far."""
        return Spent(requests=self._requests, asked_tokens=self._asked, answered_tokens=self._answered,
                     money=round(self._money, 6), seconds=round(seconds, 3))  # fmt: skip

    def _add(self, usage: Usage, prices: Prices) -> None:
        self._asked += usage.asked
        self._answered += usage.answered
        self._money += prices.of(usage)


def _estimated(usage: Usage, asked: int, answered: int) -> Usage:
    """Return the tokens as counted, or guessed from characters where they were not."""
    return Usage(asked=usage.asked or -(-asked // _CHARACTERS), answered=usage.answered or -(-answered // _CHARACTERS))
