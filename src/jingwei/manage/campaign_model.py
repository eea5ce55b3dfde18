"""What campaigns are made of, as values: targets, campaigns, tries, finds, ranks."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from jingwei.core.finding import Severity

TargetWay = Literal["gateway", "endpoint"]
CampaignState = Literal["draft", "open", "closed"]
TryState = Literal["sent", "answered", "failed"]
FindState = Literal["submitted", "accepted", "duplicate", "rejected", "mended"]
TriageDecision = Literal["accept", "duplicate", "reject"]

MOST_REQUESTS = 10_000
MOST_A_MINUTE = 60
LONGEST_PROMPT = 8_000
LONGEST_WINDOW = timedelta(days=90)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CampaignTarget(_Value):
    """Something that campaigns may attack, and who said so."""

    id: str
    system_id: str
    kind: TargetWay
    locator: str
    """Base address of the endpoint; empty for the System's gateway."""
    model: str
    reason: str
    approved_by: str
    approved_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None
    stands: bool
    """Whether campaigns may use it now."""


class CampaignTerms(_Value):
    """What a campaign is for and by which rules it is played."""

    title: str = Field(min_length=1, max_length=120)
    purpose: str = Field(min_length=1, max_length=4000)
    rules: str = Field(min_length=1, max_length=4000)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    requests: int
    """Budget: how many prompts all participants together may send."""
    per_minute: int = 10
    """How many of them one person may send in a minute."""
    leaderboard: bool = True
    named: bool = False
    """Whether participants go by their names; else by a number."""


class Campaign(CampaignTerms):
    """A campaign as it stands."""

    id: str
    system_id: str
    target_id: str
    state: CampaignState
    started_by: str
    created_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    used: int
    """Requests that were counted."""
    participants: int
    running: bool
    """Whether a prompt can be tried now."""


class CampaignTry(_Value):
    """One prompt and how it was answered; words are redacted, and shown to whom they concern."""

    id: str
    campaign_id: str
    number: int
    participant: str
    """`P1`, `P2` …, in the order of their first tries."""
    account_id: str
    """Empty where participants go by numbers and the reader is somebody else."""
    mine: bool
    at: datetime
    state: TryState
    prompt: str | None
    """None where the reader is neither the participant nor one who triages."""
    prompt_digest: str
    prompt_length: int
    answer: str | None
    answer_digest: str
    answer_length: int
    verdict: str
    """`attack_succeeded`, `resisted`, `undetermined`; empty before an answer. A hint: people decide."""
    score: float | None
    reasons: tuple[str, ...]


class CampaignFind(_Value):
    """A try that its participant submitted, and what others made of it."""

    id: str
    campaign_id: str
    system_id: str
    participant: str
    account_id: str
    mine: bool
    at: datetime
    category: str
    reason: str | None
    """None where the reader is neither the participant nor one who triages."""
    attempt: CampaignTry
    like_id: str
    """The earlier find it is most like; empty where there is none."""
    likeness: float
    state: FindState
    severity: Severity | None
    duplicate_of: str
    score: int
    note: str
    triaged_by: str
    triaged_at: datetime | None
    mend: str
    mended_by: str
    mended_at: datetime | None


class CampaignRank(_Value):
    """One participant's place on the leaderboard."""

    place: int
    participant: str
    account_id: str
    mine: bool
    tries: int
    submitted: int
    accepted: int
    score: int


class Heard(_Value):
    """What came back for a try, already redacted and judged; for the platform."""

    answer: str
    answer_digest: str
    answer_length: int
    verdict: str
    score: float | None = None
    reasons: tuple[str, ...] = ()
