"""One System: what it is graded and why, what is proven, who answers for it, what happened."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.finding import Finding
from jingwei.core.text import Both
from jingwei.faces.console.views.access import KeyLine, TokenLine
from jingwei.faces.console.views.parts import Label, Link, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One grading rule that fired."""

    rule_id: str
    why: Label
    effect: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """One change of a fact and the grade it would give."""

    fact: Label
    before: Label
    after: Label
    grade: int
    stops: Label = ""
    """Hard stops it would add or lift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeCard:
    """The grade in force, explained."""

    grade: int
    computed: int
    lane: Label
    signers: tuple[str, ...]
    """Role names."""
    valid_days: int
    fired: tuple[Fired, ...]
    stops: tuple[Fired, ...]
    """Hard stops: no grade and no signature lifts them."""
    counterfactuals: tuple[Counterfactual, ...]
    rules_digest: str
    at: datetime
    override_reason: str = ""

    @property
    def changes(self) -> tuple[tuple[int, tuple[Counterfactual, ...]], ...]:
        """Return the changes of one fact by the grade they would give, lowest first."""
        grades = sorted({each.grade for each in self.counterfactuals})
        return tuple((grade, tuple(each for each in self.counterfactuals if each.grade == grade)) for grade in grades)


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """One evidence type that the lane demands, and how it stands."""

    type: str
    name: Label
    standing: str
    """A `manage` State, or `running`."""
    why: Label = ""
    """What is wrong, where something is."""
    evidence_id: str = ""
    at: datetime | None = None
    expires_at: datetime | None = None
    kind: str = "auto"
    """auto, record or document."""
    action: Link | None = None
    """Where a person mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Attack success of one red-team run."""

    guarded: bool
    value: float
    low: float
    high: float
    samples: int
    evidence_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component and who answers for it."""

    id: str
    kind: str
    name: str
    release: str
    digest: str
    observed: bool
    party: str
    rests_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactLine:
    """One fact that holds."""

    title: Label
    value: Label
    from_scan: bool
    evidence_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The live release token."""

    token_id: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """The page of one System."""

    id: str
    name: str
    purpose: str
    domain: str
    owner: str
    status: str
    upstream: str
    grade: GradeCard | None
    required: tuple[Required, ...]
    rates: tuple[Rate, ...]
    parts: tuple[Part, ...]
    gaps: tuple[Both, ...]
    """Links missing in the chain of responsibility."""
    facts: tuple[FactLine, ...]
    history: tuple[Row, ...]
    release: Release | None = None
    policy_digest: str = ""
    may: frozenset[str] = frozenset()
    """What this visitor may do here: answer, check, enter, attach, request, edit, key, revoke, suspend, retire."""
    problem: Both | None = None
    missing: int = 0
    """How many check runs would give evidence that is missing."""
    keys: tuple[KeyLine, ...] = ()
    tokens: tuple[TokenLine, ...] = ()
    due: tuple[Both, ...] = ()
    """Why it must be assessed again."""
    risks: tuple[Finding, ...] = ()
    """Accepted finds of campaigns that nobody has mended."""

    @property
    def proven(self) -> int:
        """Return how many of the required kinds of evidence stand."""
        return sum(1 for line in self.required if line.standing == "valid")

    def standings(self) -> tuple[tuple[str, int], ...]:
        """Return how many kinds of evidence stand each way, those that occur only."""
        order = ("valid", "running", "unobserved", "incomplete", "expired", "stale", "failed", "missing")
        counts = ((name, sum(1 for line in self.required if line.standing == name)) for name in order)
        return tuple(pair for pair in counts if pair[1])
