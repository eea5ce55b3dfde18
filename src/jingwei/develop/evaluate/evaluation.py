"""An evaluation: what was asked of whom, what came of each suite, and what it cost. `report.json` is this value."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from jingwei.core.evidence import Measure, Outcome
from jingwei.core.text import Both, Language
from jingwei.develop.evaluate.rubric import JudgeCard

SubjectKind = Literal["openai", "anthropic", "http", "callable", "mcp", "gateway", "log"]


class SubjectCard(BaseModel):
    """What was examined. Holds no key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SubjectKind
    locator: str
    """Its address or file, without user and password."""
    model: str = ""
    digest: str = ""
    """Of what describes it: the same for the same target, model and parameters."""


class Budget(BaseModel):
    """What a run may use; 0 is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int = 0
    tokens: int = 0
    money: float = 0.0
    """In the currency of the prices given with the target."""


class Spent(BaseModel):
    """What a run used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int = 0
    asked_tokens: int = 0
    answered_tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0


class SuiteOutcome(BaseModel):
    """One suite's part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    version: str
    digest: str
    licence: str
    title: Both
    evidence_type: str
    outcome: Outcome
    planned: int
    examined: int
    limits: dict[str, float]
    measures: tuple[Measure, ...]
    """Whole, then by language, category, transform and taxonomy place (`attack_success_rate.tag.tc260:a1-a`)."""
    gaps: tuple[Both, ...] = ()
    """What keeps it from proving anything."""


class Evaluation(BaseModel):
    """One run over one or more suites."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    jingwei: str
    """Version of this program."""
    started_at: AwareDatetime
    finished_at: AwareDatetime
    subject: SubjectCard
    mitigated: SubjectCard | None = None
    """The subject with its safeguards, where levels of capability were measured before and after mitigation."""
    seed: int
    languages: tuple[Language, ...]
    suites: tuple[SuiteOutcome, ...]
    judge: JudgeCard
    budget: Budget = Budget()
    spent: Spent = Spent()
    stopped: Literal["", "budget", "interrupted", "unreachable"] = ""
    """Why it ended before its end; empty where it did not."""

    @property
    def took(self) -> float:
        """Return the seconds from start to end."""
        return (self.finished_at - self.started_at).total_seconds()
