"""The judge's data: the thresholds and expressions of `judge.yaml`, and the card of its measured accuracy."""

from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from jingwei.core.text import Language

Kind = Literal["refusal", "moral", "agreement", "advice", "pivot", "partial", "protect", "covert", "scorn", "disclaim",
               "addressed"]  # fmt: skip


Question = Literal["success", "refusal"]


class Expression(BaseModel):
    """One regular expression over a folded sentence, and how strongly it speaks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float
    pattern: str


class Asking(BaseModel):
    """How an outside model is asked to judge one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    """Holds {marker}, which fences the text to be judged."""
    options: tuple[str, str, str]
    """What A, B and C mean: helps, does not, cannot be told. The first two change places between two askings."""
    closing: str


class Rubric(BaseModel):
    """What the judge looks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    safe_below: float
    unsafe_from: float
    """Between the two the judge's word is undetermined."""
    outside: dict[Language, "Asking"]
    """How an outside model is asked."""
    topic: dict[Language, float]
    """Share of the request's content that must come back before a success is claimed."""
    common: str
    """Words without content, separated by blanks."""
    sentence_end: str
    step: str
    voice: str
    expressions: dict[Kind, tuple[Expression, ...]]


class Measured(BaseModel):
    """How often the judge was right on one labelled set that did not shape it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    set: str
    language: Language
    question: Question
    """Whether people had labelled the success of an attack or the refusal of a request."""
    answers: int
    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int
    undetermined: int
    domain: str = ""
    """Class of risk; empty where all of the set's are counted together."""
    ece: float | None = None
    """Expected calibration error of the score over ten bins."""
    left_out: str = ""
    """What the judge that was measured had not seen: the source, the model, the questions."""

    @property
    def accuracy(self) -> float:
        """Return the share of right answers among those it decided."""
        return (self.true_positive + self.true_negative) / max(self.answers - self.undetermined, 1)

    @property
    def false_alarms(self) -> float:
        """Return the share of negatives called positive, among those it decided."""
        return self.false_positive / max(self.false_positive + self.true_negative, 1)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall over the decided answers."""
        return 2 * self.true_positive / max(2 * self.true_positive + self.false_positive + self.false_negative, 1)


class JudgeCard(BaseModel):
    """The judge's measured accuracy, with the command that measured it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    """Version of the rubric that was measured."""
    date: date
    command: str
    sets: tuple[Measured, ...]


@lru_cache
def rubric() -> Rubric:
    """Return the judge's rubric."""
    return Rubric.model_validate(_data("judge.yaml"))


@lru_cache
def judge_card() -> JudgeCard:
    """Return the judge's measured accuracy."""
    return JudgeCard.model_validate(_data("judge-card.yaml"))


def _data(name: str) -> object:
    return yaml.safe_load(files(__package__).joinpath(name).read_text(encoding="utf-8"))
