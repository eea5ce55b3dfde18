"""Candidate policies: the list, the editor, one candidate with its trial and its signatures."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.policy import CategoryRule, Policy, ToolRule
from jingwei.core.text import Both
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Label, Link
from jingwei.faces.console.views.policy import ChangeLine


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateLine:
    """One candidate in the list."""

    id: str
    system_id: str
    system: str
    reason: str
    by: str
    at: datetime
    state: str
    trial: str
    """State of its replay; empty before the first."""
    share: float | None
    budget: float
    signed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesView:
    """All candidates, newest first, and the Systems whose policy can be edited."""

    rows: tuple[CandidateLine, ...]
    systems: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorView:
    """The policy in force as a form, and what the present edits come to."""

    system_id: str
    system: str
    policy: Policy
    form: Form = FRESH
    previewed: bool = False
    changes: tuple[ChangeLine, ...] = ()
    weaker: tuple[Label, ...] = ()
    lapses: tuple[Link, ...] = ()
    may_propose: bool = False

    @property
    def rules(self) -> tuple[CategoryRule, ...]:
        """Return the rules, in their order."""
        return self.policy.rules

    @property
    def tools(self) -> tuple[ToolRule, ...]:
        """Return the tools, in their order."""
        return self.policy.tools


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLine:
    """What a replay found for a direction, or for one category of it."""

    direction: str
    category: str
    texts: int
    before: int
    after: int
    newly_stopped: int
    newly_passed: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleLine:
    """A recorded text that would be decided otherwise; its text where the recording still is."""

    text: str
    direction: str
    before: str
    after: str
    rules: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """A replay, finished or under way."""

    state: str
    done: int
    total: int
    texts: int
    passing: int
    least: int
    newly_stopped: int
    newly_passed: int
    changed: int
    unjudged: int
    everyday_texts: int
    everyday_newly_stopped: int
    share: float
    low: float
    high: float
    lines: tuple[TrialLine, ...]
    samples: tuple[SampleLine, ...]
    first_at: datetime | None
    last_at: datetime | None
    finished_at: datetime | None
    error: Both | None

    @property
    def whole(self) -> tuple[TrialLine, ...]:
        """Return the lines that count every text of a direction."""
        return tuple(line for line in self.lines if not line.category)

    @property
    def by_category(self) -> tuple[TrialLine, ...]:
        """Return the lines of categories in which something changes or is stopped."""
        return tuple(line for line in self.lines if line.category)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """One person's yes."""

    name: str
    at: datetime
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedLine:
    """How often the shadow would have decided so, where that was enforced."""

    enforced: str
    shadow: str
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateView:
    """One candidate."""

    id: str
    system_id: str
    system: str
    state: str
    reason: str
    by: str
    at: datetime
    digest: str
    covered: str
    budget: float
    fits: bool
    """True where its trial is one that can be signed."""
    changes: tuple[ChangeLine, ...]
    weaker: tuple[Label, ...]
    lapses: tuple[Link, ...]
    trial: TrialView | None
    compared: tuple[ComparedLine, ...]
    signatures: tuple[SignatureLine, ...]
    needed: int
    may: frozenset[str]
    """What this visitor may do now: `try`, `sign`, `promote`, `withdraw`."""
    why_not: Label = ""
    """Why this visitor may not sign."""
    needs_code: bool = False
    form: Form = FRESH

    @property
    def open(self) -> bool:
        """Tell whether something can still be done with it."""
        return self.state in {"draft", "shadow"}

    @property
    def signed(self) -> int:
        """Return how many signatures hold."""
        return sum(each.holds for each in self.signatures)

    @property
    def step(self) -> int:
        """Return how far it is: 1 proposed, 2 replayed within its budget, 3 signed, 4 in force."""
        if self.state == "promoted":
            return 4
        if not self.fits:
            return 1
        return 3 if self.signed >= self.needed else 2
