"""The guard: one policy and one bundle of detectors, judging messages, answers and tool calls.

texts → detectors (timed, each for itself) → hits above their threshold → action of category and direction
      → strictest of all, fail modes of what could not be judged included → verdict, redacted text
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import get_args

from jingwei.core.canonical import Json
from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.policy import Category, CategoryRule, Decision, FailMode, Policy, ToolRule
from jingwei.deploy.guard.passages import Passage
from jingwei.deploy.guard.scanning import Detectors, Scan, scan_awaited, scan_here, scan_watched
from jingwei.deploy.guard.verdict import Direction, GuardFinding, GuardVerdict, Path, Unjudged, written_path
from jingwei.detect import Bundle, Hit, redact

MAX_ARGUMENT_CHARACTERS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges for one System; safe to share between requests."""

    policy: Policy
    bundle: Detectors
    rules: dict[Category, CategoryRule] = field(init=False)
    tools: dict[str, ToolRule] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", {rule.category: rule for rule in self.policy.rules})
        object.__setattr__(self, "tools", {tool.name: tool for tool in self.policy.tools})

    @classmethod
    def build(cls, policy: Policy) -> "Guard":
        """Compile the detectors that a policy needs; takes up to seconds for a large lexicon."""
        bundle = Bundle.build(policy.words, allowed_words=policy.allowed_words, canaries=policy.canaries)
        bundle.scan("warm")  # some detectors compile on first use; a first request must not time out on that
        return cls(policy, bundle)

    def judge(self, text: str, *, direction: Direction) -> GuardVerdict:
        """Judge one text."""
        return self.judge_passages((Passage((), text),), direction=direction)

    def judge_passages(self, passages: Sequence[Passage], *, direction: Direction) -> GuardVerdict:
        """Judge all texts of a request or an answer as one; each detector is watched from outside."""
        began = perf_counter()
        too_long = self._too_long(passages, direction)
        if too_long:
            return too_long
        scan = scan_watched([each.text for each in passages], self.bundle, self.policy.rules, _pool())
        return self._verdict(passages, scan, direction, began)

    async def judged(self, passages: Sequence[Passage], *, direction: Direction) -> GuardVerdict:
        """Do the same from an event loop, which goes on meanwhile."""
        began = perf_counter()
        too_long = self._too_long(passages, direction)
        if too_long:
            return too_long
        scan = await scan_awaited([each.text for each in passages], self.bundle, self.policy.rules, _pool())
        return self._verdict(passages, scan, direction, began)

    def judge_here(self, text: str, *, direction: Direction) -> tuple[GuardVerdict, tuple[Hit, ...]]:
        """Judge a short text in the calling thread, for streams; also return the hits that decide."""
        began = perf_counter()
        passages = (Passage((), text),)
        scan = scan_here([text], self.bundle, self.policy.rules)
        if not scan.failed and not scan.hits[0]:
            return _CLEAN[direction], ()
        verdict = self._verdict(passages, scan, direction, began)
        acting = [hit for hit in scan.hits[0] if self._action(hit, direction).rank >= Decision.REDACT.rank]
        return verdict, tuple(sorted(acting))

    def judge_tool_call(self, name: str, arguments: str) -> GuardVerdict:
        """Judge one tool call: listed, readable, clean, and not one that a person must confirm."""
        began = perf_counter()
        tool = self.tools.get(name)
        if tool is None:
            return _refused("tool.not-listed", began)
        if len(arguments) > MAX_ARGUMENT_CHARACTERS:
            return _refused("tool.arguments-too-long", began)
        try:
            parsed = json.loads(arguments or "{}", object_pairs_hook=_unique)
            passages = tuple(_leaves(parsed, ()))
        except (ValueError, RecursionError, InputError):
            return _refused("tool.arguments-unreadable", began)
        if not isinstance(parsed, dict):
            return _refused("tool.arguments-unreadable", began)
        verdict = self.judge_passages(passages, direction="tool")
        if tool.needs_person and not verdict.blocks:
            held = _finding("tool.needs-person", Decision.HOLD, Severity.INFO)
            verdict = verdict.model_copy(
                update={"decision": Decision.HOLD, "findings": (*verdict.findings, held), "rewritten": ()}
            )
        return verdict

    def action(self, category: Category, direction: Direction) -> Decision:
        """Return what the policy does about a category; what goes into a tool is treated as going out."""
        rule = self.rules[category]
        return rule.inbound if direction == "inbound" else rule.outbound

    def _action(self, hit: Hit, direction: Direction) -> Decision:
        if hit.score < self.rules[hit.category].threshold:
            return Decision.ALLOW
        return self.action(hit.category, direction)

    def _too_long(self, passages: Sequence[Passage], direction: Direction) -> GuardVerdict | None:
        characters = sum(len(each.text) for each in passages if not each.fixed)
        if direction == "inbound" and characters > self.policy.max_input_characters:
            finding = _finding("input.too-long", Decision.BLOCK, Severity.LOW)
            return GuardVerdict(direction=direction, decision=Decision.BLOCK, findings=(finding,))
        return None

    def _verdict(self, passages: Sequence[Passage], scan: Scan, direction: Direction, began: float) -> GuardVerdict:
        findings: list[GuardFinding] = []
        rewritten: list[tuple[Path, str]] = []
        below = 0
        for passage, hits in zip(passages, scan.hits, strict=True):
            judged = [(hit, self._decided(hit, passage, direction)) for hit in sorted(hits)]
            below += sum(hit.score < self.rules[hit.category].threshold for hit, _ in judged)
            findings += [_found(hit, decision, passage) for hit, decision in judged if decision is not Decision.ALLOW]
            hidden = [hit for hit, decision in judged if decision is Decision.REDACT]
            if hidden:
                rewritten.append((passage.path, redact(passage.text, hidden)))
        unjudged = tuple(self._unjudged(category, scan) for category in scan.failed)
        decisions = [each.decision for each in findings] + [each.decision for each in unjudged]
        decision = max(decisions, key=lambda each: each.rank, default=Decision.ALLOW)
        return GuardVerdict(
            direction=direction,
            decision=decision,
            findings=tuple(findings),
            unjudged=unjudged,
            below_threshold=below,
            rewritten=tuple(rewritten) if decision is Decision.REDACT else (),
            latency_milliseconds=(perf_counter() - began) * 1000,
        )

    def _decided(self, hit: Hit, passage: Passage, direction: Direction) -> Decision:
        decision = self._action(hit, direction)
        if not passage.fixed or decision is not Decision.REDACT:
            return decision
        elsewhere = passage.seams and not passage.crosses_seam(hit.start, hit.end)
        return Decision.ALLOW if elsewhere else Decision.BLOCK

    def _unjudged(self, category: Category, scan: Scan) -> Unjudged:
        open_mode = self.rules[category].on_failure is FailMode.OPEN
        return Unjudged(
            category=category,
            why=scan.failed[category],
            decision=Decision.ALLOW if open_mode else Decision.BLOCK,
        )


_CLEAN: dict[Direction, GuardVerdict] = {
    direction: GuardVerdict(direction=direction, decision=Decision.ALLOW) for direction in get_args(Direction)
}


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="guard")


def _finding(rule_id: str, decision: Decision, severity: Severity) -> GuardFinding:
    return GuardFinding(category=None, rule_id=rule_id, severity=severity, decision=decision)


def _found(hit: Hit, decision: Decision, passage: Passage) -> GuardFinding:
    return GuardFinding(category=hit.category, rule_id=hit.rule_id, severity=hit.severity, decision=decision,
                        path=written_path(passage.path), start=hit.start, end=hit.end)  # fmt: skip


def _refused(rule_id: str, began: float) -> GuardVerdict:
    return GuardVerdict(direction="tool", decision=Decision.BLOCK,
                        findings=(_finding(rule_id, Decision.BLOCK, Severity.HIGH),),
                        latency_milliseconds=(perf_counter() - began) * 1000)  # fmt: skip


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Refuse an object that names a key twice: two readers would see two different calls."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _leaves(value: Json, path: Path) -> list[Passage]:
    if len(path) > 16:
        raise InputError("deploy.guard:too-deep", field="arguments", place="arguments", limit=16)
    if isinstance(value, str):
        return [Passage(path, value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [Passage(path, str(value))]
    if isinstance(value, list):
        return [leaf for place, entry in enumerate(value) for leaf in _leaves(entry, (*path, place))]
    if isinstance(value, dict):
        keys = [Passage((*path, "(key)"), key, fixed=True) for key in value]
        return keys + [leaf for key, entry in value.items() for leaf in _leaves(entry, (*path, key))]
    return []
