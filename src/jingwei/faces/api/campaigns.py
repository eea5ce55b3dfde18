"""Purple-team campaigns: what they may attack, by which rules, and the prompts that are tried."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, Field

from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, OfSystem, SystemId, Text
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, line, said
from jingwei.manage import (
    LONGEST_PROMPT,
    Campaign,
    CampaignTarget,
    CampaignTerms,
    CampaignTry,
    TargetWay,
)
from jingwei.platform import FindSuite

router = APIRouter(tags=["campaigns"], route_class=KeyedRoute, responses=refusals())

_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_MOST = 10_000
"""Tries of a campaign that are listed: the largest budget."""
TargetId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-target"))]
CampaignId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-campaign"))]
TryId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-try"))]


class NewTarget(Given):
    """What may be attacked, and why."""

    kind: TargetWay
    reason: Text
    locator: str = Field(default="", max_length=500)
    """Base address of a test endpoint; empty for the System's own gateway."""
    model: str = Field(default="", max_length=200)
    expires_at: AwareDatetime | None = None


class NewCampaign(Given):
    """What a campaign is for and by which rules it is played."""

    title: str = Field(min_length=1, max_length=120)
    purpose: Text
    rules: Text
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    requests: int = Field(ge=1, le=10_000)
    per_minute: int = Field(default=10, ge=1, le=60)
    leaderboard: bool = True
    named: bool = False


class NewTry(Given):
    """A prompt to try."""

    prompt: str = Field(min_length=1, max_length=LONGEST_PROMPT)


@router.post(
    "/systems/{system_id}/campaign-targets", status_code=HTTPStatus.CREATED, **said("faces.api:approve-target")
)
def approve_target(
    caller: Asking, system_id: SystemId, wanted: Annotated[NewTarget, given("approve-target")]
) -> CampaignTarget:
    """Allow campaigns on a System's gateway, or on a test endpoint of it."""
    with caller.work("campaign.target") as work:
        return work.campaign_targets.approve(system_id, kind=wanted.kind, reason=wanted.reason, model=wanted.model,
                                             locator=wanted.locator, expires_at=wanted.expires_at,
                                             actor=caller.actor)  # fmt: skip


@router.get("/campaign-targets", **said("faces.api:list-targets"))
def list_targets(caller: Asking, system_id: OfSystem = None) -> list[CampaignTarget]:
    """List what campaigns may attack."""
    with caller.reading() as work:
        return work.campaign_targets.targets(system_id)


@router.get("/campaign-targets/{target_id}", **said("faces.api:show-target"))
def show_target(caller: Asking, target_id: TargetId) -> CampaignTarget:
    """Show one target."""
    with caller.reading() as work:
        return work.campaign_targets.target(target_id)


@router.post("/campaign-targets/{target_id}/withdraw", **said("faces.api:withdraw-target"))
def withdraw_target(caller: Asking, target_id: TargetId) -> CampaignTarget:
    """Take an approval back; no campaign sends anything there any more."""
    with caller.work("campaign.withdraw-target") as work:
        found = work.campaign_targets.withdraw(target_id, actor=caller.actor)
    caller.publish()
    return found


@router.post(
    "/campaign-targets/{target_id}/campaigns", status_code=HTTPStatus.CREATED, **said("faces.api:draft-campaign")
)
def draft_campaign(
    caller: Asking, target_id: TargetId, wanted: Annotated[NewCampaign, given("draft-campaign")]
) -> Campaign:
    """Write down a campaign on an approved target."""
    terms = CampaignTerms(**wanted.model_dump())
    with caller.work("campaign.draft") as work:
        return work.campaigns.draft(target_id, terms, actor=caller.actor)


@router.get("/campaigns", **said("faces.api:list-campaigns"))
def list_campaigns(caller: Asking, system_id: OfSystem = None) -> list[Campaign]:
    """List campaigns, newest first."""
    with caller.reading() as work:
        return work.campaigns.campaigns(system_id)


@router.get("/campaigns/{campaign_id}", **said("faces.api:show-campaign"))
def show_campaign(caller: Asking, campaign_id: CampaignId) -> Campaign:
    """Show one campaign."""
    with caller.reading() as work:
        return work.campaigns.campaign(campaign_id)


@router.post("/campaigns/{campaign_id}/open", **said("faces.api:open-campaign"))
def open_campaign(caller: Asking, campaign_id: CampaignId) -> Campaign:
    """Open a draft."""
    with caller.work("campaign.open") as work:
        return work.campaigns.open(campaign_id, actor=caller.actor)


@router.post("/campaigns/{campaign_id}/close", **said("faces.api:close-campaign"))
def close_campaign(caller: Asking, campaign_id: CampaignId) -> Campaign:
    """Close a campaign."""
    with caller.work("campaign.close") as work:
        found = work.campaigns.close(campaign_id, actor=caller.actor)
    caller.publish()
    return found


@router.post("/campaigns/{campaign_id}/tries", status_code=HTTPStatus.CREATED, **said("faces.api:try-prompt"))
def try_prompt(caller: Asking, campaign_id: CampaignId, wanted: Annotated[NewTry, given("try-prompt")]) -> CampaignTry:
    """Send a prompt to the approved target, counted against the budget."""
    return caller.platform.campaigning.attempt(campaign_id, wanted.prompt, actor=caller.actor)


@router.get("/campaigns/{campaign_id}/tries", **said("faces.api:list-tries"))
def list_tries(caller: Asking, campaign_id: CampaignId, offset: Offset = 0, limit: Limit = PAGE) -> Page[CampaignTry]:
    """List the tries of a campaign, newest first, as far as the caller may read them."""
    with caller.reading() as work:
        most = min(_MOST, offset + limit + 1)
        return page(
            work.campaign_tries.attempts(campaign_id, actor=caller.actor, limit=most), offset=offset, limit=limit
        )


@router.get("/campaigns/tries/{try_id}", **said("faces.api:show-try"))
def show_try(caller: Asking, try_id: TryId) -> CampaignTry:
    """Show one try, as far as the caller may read it."""
    with caller.reading() as work:
        return work.campaign_tries.attempt(try_id, actor=caller.actor)


@router.post("/campaigns/{campaign_id}/suite", **said("faces.api:export-campaign"))
def export_campaign(caller: Asking, campaign_id: CampaignId) -> FindSuite:
    """Write the accepted finds as a suite."""
    with caller.work("campaign.export") as work:
        return work.find_suites.export(campaign_id, actor=caller.actor)
