"""From hits to a verdict: thresholds, conditions, fail modes, and the strictest of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import get_args

from jingwei.core.finding import Severity
from jingwei.core.policy import Category, Decision, FailMode, Policy
from jingwei.deploy.guard.answers import answer_for, control_ids
from jingwei.deploy.guard.conditions import Rules, facts_of
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.scanning import Scan
from jingwei.deploy.guard.verdict import (
    Direction,
    ExpertOutcome,
    GuardFinding,
    GuardVerdict,
    Path,
    Unjudged,
    written_path,
)
from jingwei.detect import Hit, redact


@dataclass(frozen=True, slots=True)
class Judgement:
    """One scan on its way to a verdict."""

    policy: Policy
    rules: Rules
    direction: Direction
    detector: str
    """Version of the detectors."""
    session_risk: float = 0.0

    def verdict(self, passages: Sequence[Passage], scan: Scan, began: float, *,
                second: ExpertOutcome | None = None) -> GuardVerdict:  # fmt: skip
        """Decide.

        Args:
            passages: what was scanned.
            scan: what was found in it.
            began: when judging began, by the performance counter.
            second: what the expert rules said of an answer.
        """
        if second is None and not scan.failed and not any(scan.hits):
            return self._clean(began)
        findings: list[GuardFinding] = []
        rewritten: list[tuple[Path, str]] = []
        below = 0
        for passage, hits in zip(passages, scan.hits, strict=True):
            judged = self._judged(passage, hits)
            below += sum(decision is None for _, decision in judged)
            findings += [self._found(hit, decision, passage) for hit, decision in judged
                         if decision not in {None, Decision.ALLOW}]  # fmt: skip
            hidden = [hit for hit, decision in judged if decision is Decision.REDACT]
            if hidden:
                rewritten.append((passage.path, redact(passage.text, hidden)))
        findings += second.findings if second else ()
        unjudged = tuple(self._unjudged(category, scan) for category in scan.failed)
        decisions = [each.decision for each in findings] + [each.decision for each in unjudged]
        decision = max(decisions, key=lambda each: each.rank, default=Decision.ALLOW)
        return GuardVerdict(
            direction=self.direction,
            decision=decision,
            findings=tuple(findings),
            unjudged=unjudged,
            below_threshold=below,
            scores=_scores(scan),
            rewritten=tuple(rewritten) if decision is Decision.REDACT else (),
            second_check=second,
            policy_digest=self.policy.digest,
            answer=answer_for(self.policy, decision, findings, unjudged),
            latency_milliseconds=(perf_counter() - began) * 1000,
        )

    def _clean(self, began: float) -> GuardVerdict:
        """Return the verdict on what holds nothing: the most frequent one, so not checked again as it is made."""
        return _CLEAN[self.direction].model_copy(update={
            "policy_digest": self.policy.digest, "latency_milliseconds": (perf_counter() - began) * 1000,
        })  # fmt: skip

    def acting(self, passage: Passage, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Return the hits that take text away or stop it, in the order of the text."""
        judged = self._judged(passage, hits)
        return tuple(hit for hit, decision in judged if decision and decision.rank >= Decision.REDACT.rank)

    def _judged(self, passage: Passage, hits: Sequence[Hit]) -> list[tuple[Hit, Decision | None]]:
        if not hits:
            return []
        conditional = self.rules.conditional
        facts = facts_of(passage, hits, self.direction, self.session_risk) if conditional else None
        return [(hit, self._decided(hit, passage, self.rules.decision(hit, facts, self.direction)))
                for hit in sorted(hits)]  # fmt: skip

    @staticmethod
    def _decided(hit: Hit, passage: Passage, decision: Decision | None) -> Decision | None:
        if not passage.fixed or decision is not Decision.REDACT:
            return decision
        elsewhere = passage.seams and not passage.crosses_seam(hit.start, hit.end)
        return Decision.ALLOW if elsewhere else Decision.BLOCK

    def _found(self, hit: Hit, decision: Decision | None, passage: Passage) -> GuardFinding:
        return GuardFinding(category=hit.category, rule_id=hit.rule_id, severity=hit.severity,
                            decision=decision or Decision.ALLOW, path=written_path(passage.path), start=hit.start,
                            end=hit.end, score=hit.score, detector=self.detector,
                            control_ids=control_ids(hit.rule_id, hit.category))  # fmt: skip

    def _unjudged(self, category: Category, scan: Scan) -> Unjudged:
        rules = self.rules.by_category[category]
        closed = any(each.rule.on_failure is FailMode.CLOSED for each in rules)
        return Unjudged(category=category, why=scan.failed[category],
                        decision=Decision.BLOCK if closed else Decision.ALLOW)  # fmt: skip


_CLEAN: dict[Direction, GuardVerdict] = {
    direction: GuardVerdict(direction=direction, decision=Decision.ALLOW) for direction in get_args(Direction)
}


def _scores(scan: Scan) -> dict[Category, float]:
    scores: dict[Category, float] = {}
    for hits in scan.hits:
        for hit in hits:
            scores[hit.category] = max(hit.score, scores.get(hit.category, 0.0))
    return scores


def own_finding(rule_id: str, decision: Decision, severity: Severity) -> GuardFinding:
    """Return a finding of the guard itself, such as a tool that is not listed."""
    return GuardFinding(category=None, rule_id=rule_id, severity=severity, decision=decision)
