"""Replay: a candidate policy and the one in force, both judging the same recorded traffic; what would change, counted.

Personal data and secrets are gone from a recording; the rules that found them stand beside its text and are weighed by
both policies. What several turns or a tool's definition decide cannot be replayed from one text, and is not. A replay
is a job of short batches: a killed one goes on where it was. Nothing of a text is kept in the result, only ids of
recordings.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.policy import Category, CategoryRule, Decision, Policy
from jingwei.core.recording import RecordedHit, Recording
from jingwei.core.text import Both
from jingwei.deploy.guard import Guard, GuardVerdict, Passage, ToolCall, ToolContext
from jingwei.platform.recording import everyday

LEAST_PASSING = 100
"""Texts that pass now which a replay must have seen to say anything about a budget of a few per cent."""
MOST_SAMPLES = 50
_MOST_KNOWN = 4_000
TrialState = Literal["queued", "running", "finished", "failed"]


class TrialRow(BaseModel):
    """What changes in one direction for one category; the empty one counts every text of the direction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    direction: str
    category: str = ""
    texts: int = 0
    stopped_before: int = 0
    stopped_after: int = 0
    newly_stopped: int = 0
    newly_passed: int = 0
    changed: int = 0
    """Texts decided otherwise in any way, such as redacted instead of passed."""


class TrialSample(BaseModel):
    """A recording that the two policies decide otherwise; its text is read from the recording, where that still is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recording: str
    direction: str
    before: Decision
    after: Decision
    rule_ids: tuple[str, ...]


class Trial(BaseModel):
    """The result of a replay, or how far it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    state: TrialState
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None = None
    present: str = ""
    """Digest of the policy in force that the candidate was compared with."""
    done: int = 0
    total: int = 0
    texts: int = 0
    passing: int = 0
    """Texts that pass under the policy in force."""
    least: int = LEAST_PASSING
    newly_stopped: int = 0
    newly_passed: int = 0
    changed: int = 0
    unjudged: int = 0
    """Texts that a detector failed on; counted neither way."""
    everyday_texts: int = 0
    everyday_newly_stopped: int = 0
    rows: tuple[TrialRow, ...] = ()
    samples: tuple[TrialSample, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    error: Both | None = None

    @property
    def share(self) -> float:
        """Return the share of what passes now that the candidate would stop."""
        return self.newly_stopped / self.passing if self.passing else 0.0


@dataclass(frozen=True, slots=True)
class Judges:
    """The two policies, ready to judge."""

    before: Guard
    after: Guard
    known: dict[tuple[str, ...], GuardVerdict] = field(default_factory=dict)
    """Verdicts by policy, direction, role, tool and text: much of what people say has been said before."""

    @classmethod
    def of(cls, present: Policy, candidate: Policy) -> "Judges":
        """Compile both."""
        return cls(Guard.build(present), Guard.build(candidate))

    def counted(self, recordings: Iterable[Recording]) -> "Count":
        """Judge recordings by both and count what differs."""
        found = Count()
        for each in recordings:
            found.add(each, self._judged(self.before, each), self._judged(self.after, each))
        return found

    def everyday_stopped(self) -> int:
        """Return how many everyday texts pass now and would be stopped."""
        return sum(
            self.before.check(each.text).decision.passes and not self.after.check(each.text).decision.passes
            for each in everyday()
        )

    def _judged(self, guard: Guard, recording: Recording) -> "Judged":
        key = (guard.policy.digest, recording.direction, recording.role, recording.server, recording.tool,
               recording.text)  # fmt: skip
        if key not in self.known:
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            self.known[key] = _verdict(guard, recording)
        return Judged.of(self.known[key], recording, guard.policy)


@dataclass(frozen=True, slots=True)
class Judged:
    """One policy's answer on one recording."""

    decision: Decision
    categories: tuple[Category, ...]
    """Those that led to the decision."""
    rule_ids: tuple[str, ...]
    whole: bool

    @classmethod
    def of(cls, verdict: GuardVerdict, recording: Recording, policy: Policy) -> "Judged":
        """Take a verdict together with what had been redacted from the text."""
        found = [(each.decision, each.category, each.rule_id) for each in verdict.findings]
        found += [(_weighed(hit, recording, policy), hit.category, hit.rule_id) for hit in recording.hits]
        decision = max((each for each, _, _ in found), key=lambda each: each.rank, default=Decision.ALLOW)
        leading = [each for each in found if each[0] is decision and decision is not Decision.ALLOW]
        return cls(decision, tuple(dict.fromkeys(category for _, category, _ in leading if category)),
                   tuple(dict.fromkeys(rule for _, _, rule in leading))[:8], not verdict.unjudged)  # fmt: skip


class Count:
    """What differs, counted; counts of several batches add up."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.rows: dict[tuple[str, str], Counter[str]] = {}
        self.samples: list[TrialSample] = []

    def add(self, recording: Recording, before: Judged, after: Judged) -> None:
        """Count one recording."""
        self.totals["texts"] += 1
        if not (before.whole and after.whole):
            self.totals["unjudged"] += 1
            return
        was, then = before.decision, after.decision
        told = {
            "passing": was.passes, "newly_stopped": was.passes and not then.passes,
            "newly_passed": then.passes and not was.passes, "changed": was is not then,
            "stopped_before": not was.passes, "stopped_after": not then.passes,
        }  # fmt: skip
        for name in ("passing", "newly_stopped", "newly_passed", "changed"):
            self.totals[name] += told[name]
        leading = dict.fromkeys(chain([""], (each.value for each in (*before.categories, *after.categories))))
        for category in leading:
            row = self.rows.setdefault((recording.direction, category), Counter())
            row["texts"] += 1
            stopped = (not category or category in before.categories, not category or category in after.categories)
            row["stopped_before"] += told["stopped_before"] and stopped[0]
            row["stopped_after"] += told["stopped_after"] and stopped[1]
            for name in ("newly_stopped", "newly_passed", "changed"):
                row[name] += told[name]
        if was is not then and len(self.samples) < MOST_SAMPLES:
            rules = after.rule_ids if then.rank > was.rank else before.rule_ids
            self.samples.append(TrialSample(recording=recording.id, direction=recording.direction, before=was,
                                            after=then, rule_ids=rules))  # fmt: skip

    def dump(self) -> dict[str, object]:
        """Write the counts as JSON, for a job's journal."""
        return {"totals": dict(self.totals), "samples": [each.model_dump(mode="json") for each in self.samples],
                "rows": [[*key, dict(row)] for key, row in self.rows.items()]}  # fmt: skip

    @classmethod
    def summed(cls, dumps: Iterable[Mapping[str, object]]) -> "Count":
        """Add up the counts of batches."""
        found = cls()
        for each in dumps:
            part = _Dump.model_validate(each)
            found.totals.update(part.totals)
            for direction, category, row in part.rows:
                found.rows.setdefault((direction, category), Counter()).update(row)
            found.samples += part.samples[: MOST_SAMPLES - len(found.samples)]
        return found

    def told(self) -> dict[str, object]:
        """Return the fields of a trial that these counts fill."""
        names = ("texts", "unjudged", "passing", "newly_stopped", "newly_passed", "changed")
        rows = [TrialRow(direction=direction, category=category, **row)
                for (direction, category), row in sorted(self.rows.items())]  # fmt: skip
        return {**{name: self.totals[name] for name in names}, "rows": tuple(rows), "samples": tuple(self.samples)}


class _Dump(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    totals: dict[str, int]
    rows: tuple[tuple[str, str, dict[str, int]], ...]
    samples: tuple[TrialSample, ...]


def _verdict(guard: Guard, recording: Recording) -> GuardVerdict:
    """Judge a recording: a call as one that nobody in particular makes, in a session that has seen nothing."""
    if recording.tool and not recording.cut:
        call = ToolCall(recording.tool, recording.text, server=recording.server)
        return guard.judge_call(call, ToolContext()).verdict
    return guard.judge_passages((Passage((), recording.text, role=recording.role),), direction=recording.direction)


def _weighed(hit: RecordedHit, recording: Recording, policy: Policy) -> Decision:
    """Decide about what was redacted from a text, as the policy's rule of its category says."""
    rules: Sequence[CategoryRule] = [rule for rule in policy.rules if rule.category is hit.category]
    decisions = [
        (rule.inbound if recording.direction == "inbound" else rule.outbound)
        for rule in rules
        if hit.score >= rule.threshold and not rule.when.strip()
    ]
    return max(decisions, key=lambda each: each.rank, default=Decision.ALLOW)
