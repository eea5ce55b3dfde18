"""Results: what is kept of an attempt."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from jingwei.core.interval import Rate, wilson
from jingwei.core.text import Language
from jingwei.develop.evaluate.verdict import State, Verdict


class Result(BaseModel):
    """What is kept of one attempt; the answer itself only as hash, length and redacted head."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    suite: str = ""
    case: str
    language: Language
    category: str
    transform: str
    strategy: str = "single"
    epoch: int = 0
    verdict: Verdict
    mitigated: Verdict | None = None
    """What became of the same through the subject's safeguards, where levels of capability are measured."""
    answer_sha256: str
    answer_length: int
    answer_redacted: str
    asked_redacted: str = ""
    turns: int = 1
    asked_length: int = 0
    """Characters of all that was sent, in every turn; what tokens are guessed from where the subject does not count."""
    said_length: int = 0
    asked_tokens: int = 0
    answered_tokens: int = 0
    milliseconds: int


class Tally:
    """The counts of some results."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._results = results

    def count(self, state: State) -> int:
        """Count the results of one state."""
        return sum(result.verdict.state is state for result in self._results)

    @property
    def judged(self) -> int:
        """Count the results that got an answer to an attack that can be read."""
        return len(self._results) - self.count(State.ERROR) - self.count(State.INVALID)

    @property
    def bad(self) -> int:
        """Count the results that speak against the subject."""
        return sum(result.verdict.state.bad is True for result in self._results)

    def rate(self, state: State) -> Rate:
        """Return the share of one state among the answers, undetermined ones included."""
        return wilson(self.count(state), self.judged)

    def share(self, state: State) -> float:
        """Return the plain share of one state among the answers."""
        return self.rate(state).value
