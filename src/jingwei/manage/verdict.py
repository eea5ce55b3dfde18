"""The gate's verdict: a pure function of the decision, the evidence, what is in use, and the present moment.

The same inputs give the same verdict, and `inputs_digest` names those inputs, so a verdict can be replayed years later.
A verdict never asks who may sign: signatures come on top of a gate that passes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from jingwei.catalog import EvidenceType
from jingwei.core.canonical import digest
from jingwei.core.clock import stamp
from jingwei.core.evidence import BoundTo, Evidence
from jingwei.core.finding import Finding, Severity
from jingwei.core.text import Both, text
from jingwei.manage.campaign_risks import RULE
from jingwei.manage.decision import GradeDecision
from jingwei.manage.standing import Change, InUse, Standing, State, standing

RESPONSIBILITY_FROM_GRADE = 2
"""From this grade on, an open responsibility chain closes the gate; below it is only shown."""


class Item(BaseModel):
    """One demanded evidence type and how it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    title: Both
    kind: str
    state: State
    evidence_ids: tuple[str, ...] = ()
    """What it rests on, or the newest that fell short."""
    expires_at: datetime | None = None
    changes: tuple[Change, ...] = ()
    checks: tuple[str, ...] = ()
    """Checks that can produce it."""
    mend: Both | None = None
    """What would change it; none where it is valid."""


class Blocker(BaseModel):
    """A reason other than evidence why the gate is closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    """`stop`, `responsibility`, `risk`, `no-policy`, `policy-below-grade`, `no-model`, `not-graded`, `retired`."""
    subject: str = ""
    says: Both


class Circumstances(BaseModel):
    """What else the gate looks at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: str
    policy_grade: int | None = None
    """Grade that the policy in force was compiled for; none without a policy."""
    graded_rules: str | None = None
    """Rule digest of the newest recorded grading; none where it was never graded."""
    graded_facts: str | None = None
    graded_at_grade: int | None = None


class GateVerdict(BaseModel):
    """Whether the gate is open, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: bool
    grade: int
    items: tuple[Item, ...]
    blockers: tuple[Blocker, ...]
    evidence_ids: tuple[str, ...]
    """Evidence that the verdict rests on, sorted: what signatures cover."""
    evidence_digest: str
    expires_at: datetime | None
    """When the first of that evidence expires."""
    inputs_digest: str
    at: datetime

    @property
    def open_items(self) -> tuple[Item, ...]:
        """Return what is demanded and not yet valid."""
        return tuple(item for item in self.items if item.state is not State.VALID)


def judge(decision: GradeDecision, *, kinds: Mapping[str, EvidenceType], evidence: Sequence[Evidence], in_use: InUse,
          findings: Sequence[Finding], circumstances: Circumstances, now: datetime) -> GateVerdict:  # fmt: skip
    """Judge whether a System may be released.

    Args:
        decision: the grade in force and what it demands.
        kinds: the catalogue's evidence types.
        evidence: all evidence of the System and of the organisation.
        in_use: what is in use.
        findings: of the responsibility chain, and open risks that campaigns found.
        circumstances: status, policy and recorded grading.
        now: the present moment.
    """
    items = tuple(_item(kinds[wanted], evidence, in_use=in_use, grade=decision.grade, now=now)
                  for wanted in decision.evidence)  # fmt: skip
    blockers = tuple(_blockers(decision, in_use, findings, circumstances))
    used = tuple(sorted({each for item in items if item.state is State.VALID for each in item.evidence_ids}))
    expiries = [item.expires_at for item in items if item.expires_at is not None]
    inputs = {
        "rules": decision.rules_digest, "facts": decision.facts_digest, "grade": decision.grade,
        "evidence": sorted(each.id for each in evidence), "in_use": in_use_digest(in_use),
        "findings": sorted(each.fingerprint for each in findings),
        "circumstances": circumstances.model_dump(mode="json"), "now": stamp(now),
    }  # fmt: skip
    return GateVerdict(
        passed=not blockers and all(item.state is State.VALID for item in items),
        grade=decision.grade,
        items=items,
        blockers=blockers,
        evidence_ids=used,
        evidence_digest=digest(list(used)),
        expires_at=min(expiries, default=None),
        inputs_digest=digest(inputs),
        at=now,
    )


def in_use_digest(in_use: InUse) -> str:
    """Return the digest of everything in use: what a signature also covers."""
    return digest({to.value: list(digests) for to, digests in in_use.digests.items()})


def _item(kind: EvidenceType, evidence: Sequence[Evidence], *, in_use: InUse, grade: int, now: datetime) -> Item:
    standings = [standing(each, kind=kind, now=now, in_use=in_use, grade=grade)
                 for each in evidence if each.type == kind.id]  # fmt: skip
    newest = sorted(standings, key=lambda each: (each.finished_at, each.state.rank, each.evidence_id), reverse=True)
    wanted = in_use.digests.get(kind.bound_to, ())
    chosen = [next((each for each in newest if covered in each.covers), None) for covered in wanted]
    found = [each for each in chosen if each is not None]
    if chosen and len(found) == len(chosen):
        state = max((each.state for each in found), key=lambda state: state.rank)
        counted = found if state is State.VALID else [each for each in found if each.state is state]
    else:
        stale = [each for each in newest if each.state is State.STALE and not found]
        state, counted = (State.STALE, stale[:1]) if stale else (State.MISSING, [])
    expiries = [each.expires_at for each in counted if each.expires_at is not None]
    return Item(
        type=kind.id,
        title=kind.title,
        kind=kind.kind,
        state=state,
        checks=kind.checks,
        evidence_ids=tuple(sorted({each.evidence_id for each in counted})),
        expires_at=min(expiries, default=None),
        changes=tuple(change for each in counted for change in each.changes),
        mend=_mend(kind, state, wanted, counted),
    )


def _mend(kind: EvidenceType, state: State, wanted: Sequence[str], counted: Sequence[Standing]) -> Both | None:
    if state is State.VALID:
        return None
    if not wanted:
        return text("manage:mend-register", part=text(f"manage:bound-{kind.bound_to.value}"))
    if state is State.FAILED:
        return text("manage:mend-failed", title=kind.title)
    if state is State.UNOBSERVED:
        return text("manage:mend-unobserved", title=kind.title)
    parts = ", ".join(dict.fromkeys(change.part for each in counted for change in each.changes))
    if kind.kind == "auto":
        checks = ", ".join(kind.checks)
        again = (
            text("manage:mend-run", title=kind.title, checks=checks)
            if checks
            else text("manage:mend-no-check", title=kind.title)
        )
    else:
        again = text("manage:mend-enter", title=kind.title)
    return text("manage:mend-stale", parts=parts, again=again) if state is State.STALE else again


def _blockers(
    decision: GradeDecision, in_use: InUse, findings: Sequence[Finding], seen: Circumstances
) -> list[Blocker]:
    found = [Blocker(code="stop", subject=stop.id, says=text("manage:blocker-stop", id=stop.id, why=stop.why))
             for stop in decision.stops]  # fmt: skip
    grave = [each for each in findings if each.severity.rank >= Severity.HIGH.rank]
    if decision.grade >= RESPONSIBILITY_FROM_GRADE:
        found += [Blocker(code="responsibility", subject=each.location.path, says=each.title)
                  for each in grave if each.rule_id != RULE]  # fmt: skip
    found += [Blocker(code="risk", subject=each.location.path, says=text("manage:blocker-risk", what=each.title,
                      find=each.location.path)) for each in grave if each.rule_id == RULE]  # fmt: skip
    if not in_use.digests.get(BoundTo.MODEL_VERSION):
        found.append(Blocker(code="no-model", says=text("manage:blocker-no-model")))
    if seen.policy_grade is None:
        found.append(Blocker(code="no-policy", says=text("manage:blocker-no-policy")))
    elif seen.policy_grade < decision.grade:
        found.append(Blocker(code="policy-below-grade", says=text("manage:blocker-policy-below-grade",
                             policy=seen.policy_grade, grade=decision.grade)))  # fmt: skip
    recorded = (seen.graded_rules, seen.graded_facts, seen.graded_at_grade)
    if recorded != (decision.rules_digest, decision.facts_digest, decision.grade):
        found.append(Blocker(code="not-graded", says=text("manage:blocker-not-graded")))
    if seen.status == "retired":
        found.append(Blocker(code="retired", says=text("manage:blocker-retired")))
    return found
