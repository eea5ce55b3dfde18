"""Verdicts: what the guard answers, and why. They never hold the text that was judged."""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.policy import Category, Decision
from jingwei.core.text import Both, Language, text

Direction = Literal["inbound", "outbound", "tool"]
Path = tuple[str | int, ...]
Why = Literal["crashed", "timed-out", "not-reached", "nonsense", "too-long", "unreadable"]


class Span(NamedTuple):
    """One place in a text: what was found there, and how sure that is."""

    category: Category
    rule: str
    start: int
    end: int
    score: float


class GuardFinding(BaseModel):
    """One rule that fired, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category | None
    """None for a rule of the guard itself, such as `tool.not-listed`."""
    rule_id: str
    severity: Severity
    decision: Decision
    path: str = ""
    """Where in the request or answer: `messages[2].content`."""
    start: int = 0
    end: int = 0
    score: float = 1.0
    """How sure, 0 to 1."""
    detector: str = ""
    """Version of the detectors that found it; empty for a rule of the guard itself."""
    control_ids: tuple[str, ...] = ()
    """Controls and risks of the catalogue that it bears on."""


class Unjudged(BaseModel):
    """One category that could not be judged, and what its fail mode made of that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category
    why: Why
    decision: Decision


class ExpertOutcome(BaseModel):
    """What the second check found: how many rules applied, how many were satisfied, and which were not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checked: int
    passed: int
    findings: tuple[GuardFinding, ...] = ()

    @property
    def pass_rate(self) -> float | None:
        """Return the share of rules satisfied; None where none applied."""
        return self.passed / self.checked if self.checked else None


class GuardVerdict(BaseModel):
    """The guard's answer on one message, answer or tool call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    direction: Direction
    decision: Decision
    findings: tuple[GuardFinding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    below_threshold: int = 0
    """Hits that were only counted."""
    scores: dict[Category, float] = {}
    """The highest score of each category that was found, below its threshold or not."""
    rewritten: tuple[tuple[Path, str], ...] = ()
    """Each passage that was redacted: its path and its new text."""
    second_check: ExpertOutcome | None = None
    """What the System's expert rules said; None where it has none."""
    policy_digest: str = ""
    answer: Both | None = None
    """What the person reads instead, where nothing may pass."""
    latency_milliseconds: float = 0.0

    @property
    def action(self) -> Decision:
        """Return the decision, by the name it has on the wire."""
        return self.decision

    @property
    def blocks(self) -> bool:
        """Tell whether nothing may pass: answered otherwise, held for a person, or blocked."""
        return not self.decision.passes

    @property
    def text(self) -> str | None:
        """Return the redacted text of a single passage, or None where nothing was redacted."""
        return self.rewritten[0][1] if self.rewritten else None

    @property
    def categories(self) -> tuple[Category, ...]:
        """Return the categories that were found or could not be judged, each once."""
        if not self.findings and not self.unjudged:
            return ()
        return tuple(dict.fromkeys((*self.found, *(each.category for each in self.unjudged))))

    @property
    def found(self) -> tuple[Category, ...]:
        """Return the categories that were found, each once."""
        return tuple(dict.fromkeys([each.category for each in self.findings if each.category]))

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """Return the rules that fired, each once."""
        return tuple(dict.fromkeys([each.rule_id for each in self.findings]))

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return every finding with its place, in characters of the text as it was given."""
        return tuple(
            Span(each.category, each.rule_id, each.start, each.end, each.score)
            for each in self.findings
            if each.category
        )

    @property
    def reason(self) -> Both:
        """Say the decision and what led to it."""
        if not self.findings and not self.unjudged:
            return text("deploy.guard:reason-clean")
        if not self.findings:
            return text("deploy.guard:reason-unjudged", categories=", ".join(self.categories))
        return text(f"deploy.guard:reason-{self.decision}", rules=", ".join(self.rule_ids[:5]))

    def safe_answer(self, language: Language) -> str:
        """Return what the person reads instead of what may not pass; empty where it passes."""
        return self.answer.of(language) if self.answer else ""


def written_path(path: Path) -> str:
    """Write a path as `messages[2].content[0].text`."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return written.removeprefix(".")
