"""Safe answers: what a person reads instead of what was stopped, and where it helps them on.

Somebody in distress is told where to turn before anything else is considered, whatever else was found.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.core.policy import Category, Decision, Policy
from jingwei.core.text import Both, text
from jingwei.deploy.guard.verdict import GuardFinding, Unjudged


class _Bearing(BaseModel):
    """What a category, or the rules whose id begins so, bears on in the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    controls: dict[str, tuple[str, ...]]
    crisis: tuple[str, ...]


@lru_cache(maxsize=1)
def _bearing() -> _Bearing:
    return _Bearing.model_validate(package_data("jingwei.deploy.guard", "findings.yaml"))


@lru_cache(maxsize=1024)
def control_ids(rule_id: str, category: Category) -> tuple[str, ...]:
    """Return the controls and risks of the catalogue that a finding of this rule bears on."""
    listed = _bearing().controls
    return listed.get(rule_id) or listed.get(category, ())


def shipped_answers(about: Both | None = None) -> dict[Category, Both]:
    """Return the helpful answer of each category; out of scope, one that says what the System is for."""
    answers = {category: text(f"deploy.guard:answer-{category}") for category in Category}
    if about is not None:
        answers[Category.TOPIC] = text("deploy.guard:answer-topic-about", about=about)
    return answers


def crisis_answer() -> dict[Category, Both]:
    """Return the one answer that no System goes without: where somebody in distress can turn."""
    return {Category.EMOTION: text("deploy.guard:answer-emotion")}


def answer_for(policy: Policy, decision: Decision, findings: Sequence[GuardFinding],
               unjudged: Iterable[Unjudged]) -> Both | None:  # fmt: skip
    """Return what a person reads instead; None where the text passes."""
    if decision.passes:
        return None
    if any(_is_crisis(each) for each in findings):
        return policy.safe_answers.get(Category.EMOTION) or text("deploy.guard:answer-emotion")
    if decision is Decision.HOLD:
        return text("deploy.guard:held-answer")
    deciding = [each for each in findings if each.decision is decision]
    for each in sorted(deciding, key=lambda each: (-each.severity.rank, -each.score)):
        if answer := _of_finding(each, policy):
            return answer
    waits = not deciding and any(each.decision is decision for each in unjudged)
    return text("deploy.guard:answer-unjudged") if waits else policy.safe_answer


def _of_finding(finding: GuardFinding, policy: Policy) -> Both | None:
    if finding.rule_id == "input.too-long":
        return text("deploy.guard:answer-too-long", limit=policy.max_input_characters)
    return policy.safe_answers.get(finding.category) if finding.category else None


def _is_crisis(finding: GuardFinding) -> bool:
    return finding.category is Category.EMOTION or finding.rule_id in _bearing().crisis
