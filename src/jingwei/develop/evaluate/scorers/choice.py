"""Choice: questions with options, whichever way the answer names the one it takes."""

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jingwei.core.evidence import Measure
from jingwei.core.interval import wilson
from jingwei.core.text import text
from jingwei.develop.evaluate.result import Result, Tally
from jingwei.develop.evaluate.said.options import chosen
from jingwei.develop.evaluate.scorers import Scene
from jingwei.develop.evaluate.verdict import State, Verdict


class ChoiceFacts(BaseModel):
    """The options of a question, in the order of their letters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    options: tuple[str, ...] = Field(min_length=2, max_length=8)
    answer: int = Field(ge=0)
    """Which of them is right, from 0."""
    unknown: int | None = Field(default=None, ge=0)
    """Which of them says that it cannot be told."""

    @model_validator(mode="after")
    def _exist(self) -> Self:
        if max(self.answer, self.unknown or 0) >= len(self.options):
            raise ValueError(f"there are {len(self.options)} options, counted from 0")
        return self


class Choice:
    """Judges which option was taken."""

    id: ClassVar[str] = "choice"
    version: ClassVar[str] = "1"
    facts: ClassVar[type[BaseModel]] = ChoiceFacts

    async def score(self, scene: Scene) -> Verdict:
        """Judge the last answer."""
        answer = scene.transcript.answer
        if answer is None:
            return _told(self, State.ERROR, "no-answer")
        facts = ChoiceFacts.model_validate(dict(scene.attempt.case.facts))
        if answer.blocked:
            return _told(self, State.ABSTAINED, "blocked")
        found = chosen(answer.text, facts.options, unknown=facts.unknown)
        if found.option is None:
            return _told(self, State.ABSTAINED if found.way == "unknown" else State.UNDETERMINED, found.way)
        return _told(self, State.CORRECT if found.option == facts.answer else State.INCORRECT, found.way)

    def measures(self, results: Sequence[Result]) -> Sequence[Measure]:
        """Return the accuracy."""
        tally = Tally(results)
        rate = wilson(tally.count(State.CORRECT), tally.judged)
        return (Measure(name="accuracy", title=text("develop.evaluate:fact-accuracy"), value=rate.value, low=rate.low,
                        high=rate.high, samples=rate.samples),)  # fmt: skip


def _told(scorer: Choice, state: State, *reasons: str) -> Verdict:
    return Verdict(state=state, reasons=reasons, scorer=f"{scorer.id}@{scorer.version}")
