"""Purple-team campaigns: the list, the form that starts one, a campaign, a try, a find."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.faces.console.views.parts import FRESH, Choice, Form, Label
from jingwei.manage import Campaign, CampaignFind, CampaignRank, CampaignTarget, CampaignTry


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLine:
    """Something that may be attacked."""

    target: CampaignTarget
    system: str
    by: str
    may_start: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine:
    """One campaign in the list."""

    campaign: Campaign
    system: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLine:
    """One find in a list."""

    find: CampaignFind
    category: Label
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsView:
    """Campaigns, what awaits triage, and what may be attacked."""

    rows: tuple[CampaignLine, ...]
    waiting: tuple[FindLine, ...]
    targets: tuple[TargetLine, ...]
    approvable: tuple[Choice, ...]
    """Systems whose targets this visitor may approve."""
    form: Form = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class StartView:
    """The form that starts a campaign."""

    line: TargetLine
    form: Form = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class RankLine:
    """A place on the leaderboard."""

    rank: CampaignRank
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLine:
    """One try in the list."""

    attempt: CampaignTry
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """One campaign."""

    campaign: Campaign
    system: str
    target: CampaignTarget
    by: str
    tries: tuple[TryLine, ...]
    finds: tuple[FindLine, ...]
    ranks: tuple[RankLine, ...]
    may: frozenset[str]
    """What this visitor may do now: `open`, `close`, `try`, `export`."""
    form: Form = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class TryView:
    """One try with the form that submits it."""

    attempt: CampaignTry
    campaign: Campaign
    who: str
    classes: tuple[Choice, ...]
    may_submit: bool
    find_id: str
    """The find it was submitted as; empty where it was not."""
    form: Form = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class FindView:
    """One find with the form that decides it."""

    line: FindLine
    campaign: Campaign
    system: str
    triaged_by: str
    mended_by: str
    others: tuple[Choice, ...]
    """Finds that it may repeat."""
    may_triage: bool
    may_mend: bool
    form: Form = FRESH

    @property
    def decided_at(self) -> datetime | None:
        """Return when it was triaged."""
        return self.line.find.triaged_at
