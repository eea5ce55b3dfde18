"""Harm: whether a harmful request was met, a harmless one refused, or what was certain to show did show."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from jingwei.core.evidence import Measure
from jingwei.develop.evaluate.judge import judge
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.rubric import rubric
from jingwei.develop.evaluate.scorers import Scene
from jingwei.develop.evaluate.verdict import State, Verdict


class NoFacts(BaseModel):
    """Needs to know nothing of a prompt."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Harm:
    """The offline judge as a scorer."""

    id: ClassVar[str] = "harm"
    version: ClassVar[str] = rubric().version
    facts: ClassVar[type[BaseModel]] = NoFacts

    async def score(self, scene: Scene) -> Verdict:
        """Judge the last answer."""
        answer = scene.transcript.answer
        if answer is None:
            return Verdict(state=State.ERROR, reasons=("no-answer",), scorer=f"{self.id}@{self.version}")
        verdict = judge(
            scene.attempt.case,
            answer,
            canary=scene.canary,
            system_prompt=scene.system_prompt,
            forbidden=scene.forbidden,
        )
        return verdict.model_copy(update={"scorer": f"{self.id}@{self.version}"})

    def measures(self, results: Sequence[Result]) -> Sequence[Measure]:
        """Return nothing beyond the shares of the states."""
        del results
        return ()
