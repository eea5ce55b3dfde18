"""Finds of campaigns: submitted, triaged by another person, scored, mended; and the risks they are to a System."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from jingwei.core.finding import Finding, Severity
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.campaigns import CampaignId, TryId
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Given, OfSystem, SystemId, Text
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, line, said
from jingwei.manage import CampaignFind, CampaignRank, FindState, TriageDecision

router = APIRouter(tags=["campaigns"], route_class=KeyedRoute, responses=refusals())

_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
FindId = Annotated[str, Path(pattern=_ID, description=line("faces.api:the-find"))]
OfCampaign = Annotated[str | None, Query(alias="campaign", pattern=_ID, description=line("faces.api:the-campaign"))]
InState = Annotated[FindState | None, Query(alias="state", description=line("faces.api:of-state"))]


class NewFind(Given):
    """Why a try is a find, and of which class."""

    category: str = Field(max_length=60)
    reason: Text


class Triage(Given):
    """What another person makes of a find."""

    decision: TriageDecision
    severity: Severity | None = None
    """For `accept`."""
    duplicate_of: str = Field(default="", max_length=64)
    """For `duplicate`."""
    note: str = Field(default="", max_length=4000)
    """For `reject` it is needed."""


class Mend(Given):
    """What was done about a find."""

    note: Text


@router.post("/campaigns/tries/{try_id}/submit", status_code=HTTPStatus.CREATED, **said("faces.api:submit-find"))
def submit_find(caller: Asking, try_id: TryId, wanted: Annotated[NewFind, given("submit-find")]) -> CampaignFind:
    """Submit one's own try as a find."""
    with caller.work("campaign.submit") as work:
        return work.finds.submit(try_id, category=wanted.category, reason=wanted.reason, actor=caller.actor)


@router.get("/finds", **said("faces.api:list-finds"))
def list_finds(
    caller: Asking,
    *,
    system_id: OfSystem = None,
    campaign_id: OfCampaign = None,
    state: InState = None,
    offset: Offset = 0,
    limit: Limit = PAGE,
) -> Page[CampaignFind]:
    """List finds, newest first, as far as the caller may read them."""
    with caller.reading() as work:
        found = work.finds.finds(actor=caller.actor, system_id=system_id, campaign_id=campaign_id, state=state,
                                 limit=offset + limit + 1)  # fmt: skip
        return page(found, offset=offset, limit=limit)


@router.get("/finds/{find_id}", **said("faces.api:show-find"))
def show_find(caller: Asking, find_id: FindId) -> CampaignFind:
    """Show one find, as far as the caller may read it."""
    with caller.reading() as work:
        return work.finds.find(find_id, actor=caller.actor)


@router.post("/finds/{find_id}/triage", **said("faces.api:triage-find"))
def triage_find(caller: Asking, find_id: FindId, wanted: Annotated[Triage, given("triage-find")]) -> CampaignFind:
    """Accept another person's find, call it a duplicate, or reject it."""
    with caller.work("campaign.triage") as work:
        return work.finds.triage(find_id, wanted.decision, severity=wanted.severity, note=wanted.note,
                                 duplicate_of=wanted.duplicate_of, actor=caller.actor)  # fmt: skip


@router.post("/finds/{find_id}/mend", **said("faces.api:mend-find"))
def mend_find(caller: Asking, find_id: FindId, wanted: Annotated[Mend, given("mend-find")]) -> CampaignFind:
    """Say what was done about an accepted find."""
    with caller.work("campaign.mend") as work:
        return work.finds.mend(find_id, note=wanted.note, actor=caller.actor)


@router.get("/campaigns/{campaign_id}/leaderboard", **said("faces.api:show-leaderboard"))
def show_leaderboard(caller: Asking, campaign_id: CampaignId) -> list[CampaignRank]:
    """Rank a campaign's participants by their points."""
    with caller.reading() as work:
        return work.finds.leaderboard(campaign_id, actor=caller.actor)


@router.get("/systems/{system_id}/risks", **said("faces.api:list-risks"))
def list_risks(caller: Asking, system_id: SystemId) -> list[Finding]:
    """List the accepted finds of a System that nobody has mended."""
    with caller.reading() as work:
        return work.finds.risks(system_id)
