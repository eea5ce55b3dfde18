"""From hits to a verdict: thresholds, conditions, fail modes, and the strictest of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple

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


class _Judged(NamedTuple):
    """One hit, what is done about it, and in which text."""

    hit: Hit
    decision: Decision | None
    passage: Passage


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
        if second is None and scan.is_clean:
            return clean(self.direction, self.policy.digest, began)
        findings: list[GuardFinding] = []
        hidden: dict[Path, list[Hit]] = {}
        texts = {passage.path: passage for passage in passages if not passage.fixed}
        below = 0
        for passage, hits in zip(passages, scan.hits, strict=True):
            judged = [self._placed(found, passage, texts, hidden) for found in self._judged(passage, hits)]
            below += sum(each.decision is None for each in judged)
            findings += [self._found(*each) for each in judged if each.decision not in {None, Decision.ALLOW}]
            for hit, decision, place in judged:
                if decision is Decision.REDACT:
                    hidden.setdefault(place.path, []).append(hit)
        rewritten = [(path, redact(texts[path].text, hits)) for path, hits in hidden.items()]
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
        return Decision.REDACT if passage.piece(hit.start, hit.end) else Decision.BLOCK

    @staticmethod
    def _placed(found: tuple[Hit, Decision | None], passage: Passage, texts: Mapping[Path, Passage],
                hidden: Mapping[Path, Sequence[Hit]]) -> "_Judged":  # fmt: skip
        """Take what is to be redacted in several texts read as one to the text that it lies in.

        Often it was found there, too; where only the text before told what it is, it is redacted all the same.
        """
        hit, decision = found
        if not passage.fixed or decision is not Decision.REDACT:
            return _Judged(hit, decision, passage)
        path, offset = passage.piece(hit.start, hit.end) or ((), 0)
        place = texts.get(path)
        if place is None:
            return _Judged(hit, Decision.BLOCK, passage)
        moved = hit._replace(start=hit.start - offset, end=hit.end - offset)
        known = any(each.start <= moved.start and moved.end <= each.end for each in hidden.get(path, ()))
        return _Judged(moved, Decision.ALLOW if known else Decision.REDACT, place)

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


def clean(direction: Direction, policy_digest: str, began: float) -> GuardVerdict:
    """Return the verdict on what holds nothing, where judging began at some moment of the performance counter."""
    return _clean(direction, policy_digest, round((perf_counter() - began) * 100_000))


@lru_cache(maxsize=4096)
def _clean(direction: Direction, policy_digest: str, hundredths: int) -> GuardVerdict:
    """Return the verdict on what holds nothing: the most frequent one, made once for each duration."""
    return GuardVerdict(direction=direction, decision=Decision.ALLOW, policy_digest=policy_digest,
                        latency_milliseconds=hundredths / 100)  # fmt: skip


def _scores(scan: Scan) -> dict[Category, float]:
    scores: dict[Category, float] = {}
    for hits in scan.hits:
        for hit in hits:
            scores[hit.category] = max(hit.score, scores.get(hit.category, 0.0))
    return scores


def own_finding(rule_id: str, decision: Decision, severity: Severity) -> GuardFinding:
    """Return a finding of the guard itself, such as a tool that is not listed."""
    return GuardFinding(category=None, rule_id=rule_id, severity=severity, decision=decision)
