"""Purple-team campaigns: anybody with a role attacks an approved target, by rules, within a window and a budget.

    a target is approved ─► draft ─► open ─► closed       by two people: who approves a target starts nothing on it
                                      │
                     try ─► answered ─┴─► submitted as a find ─► accepted ─► a risk of the System ─► mended
                                                   ├─► duplicate of another     by another person than its finder
                                                   └─► rejected, for a reason

Modelled on the purple-team exercises of large operators; Blue Book 四(二), 四(五).
"""

from datetime import timedelta

from sqlalchemy import func, select

from jingwei.core.errors import Conflict, InputError, Refused
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.store.tables import CampaignRow, CampaignTryRow
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.campaign_model import (
    LONGEST_WINDOW,
    MOST_A_MINUTE,
    MOST_REQUESTS,
    Campaign,
    CampaignTerms,
)
from jingwei.manage.campaign_standing import APPROVE, campaign_row, demand_target, runs_now, target_row
from jingwei.manage.desk import Desk
from jingwei.manage.rights import demand_over, demand_scope
from jingwei.manage.tokens import Tokens

START = "campaign.join"


class Campaigns:
    """Keeps campaigns, from a draft to their close."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def draft(self, target_id: str, terms: CampaignTerms, *, actor: Actor) -> Campaign:
        """Write down a campaign on an approved target.

        Raises:
            Refused: the actor has no role there, approved the target, or the target may not be used.
            InputError: a term is out of bounds; the message names it.
            Conflict: the target was withdrawn or has expired.
        """
        target = target_row(self.desk, target_id)
        demand_over(actor, START, rows.system_row(self.session, target.system_id))
        self._demand_other(target.approved_by, actor)
        demand_target(self.desk, target)
        self._demand_terms(terms)
        row = CampaignRow(
            id=new_id("cmp"), created_at=self.desk.clock(), system_id=target.system_id, target_id=target.id,
            state="draft", started_by=actor.id, **terms.model_dump(),
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return self._campaign(row)

    def open(self, campaign_id: str, *, actor: Actor) -> Campaign:
        """Open a draft: from here on, within its window, prompts can be tried.

        Raises:
            Refused: it is somebody else's draft, or the target may not be used.
            Conflict: it is no draft, its window is over, or the target was withdrawn.
        """
        row = campaign_row(self.desk, campaign_id, held=True)
        demand_over(actor, START, rows.system_row(self.session, row.system_id))
        target = target_row(self.desk, row.target_id)
        self._demand_other(target.approved_by, actor)
        if actor.id != row.started_by:
            raise Refused("manage:campaign-of-another")
        if row.state != "draft":
            raise Conflict("manage:campaign-no-draft", state=text(f"manage:campaign-state-{row.state}"))
        if row.ends_at <= self.desk.clock():
            raise Conflict("manage:campaign-outside-window")
        demand_target(self.desk, target)
        row.state, row.opened_at = "open", self.desk.clock()
        self.session.flush()
        return self._campaign(row)

    def close(self, campaign_id: str, *, actor: Actor) -> Campaign:
        """Close a campaign: nothing is tried or submitted any more; what was submitted is still triaged.

        Raises:
            Refused: the actor neither started it nor may approve targets.
            Conflict: it is closed.
        """
        row = campaign_row(self.desk, campaign_id, held=True)
        if actor.id == row.started_by:
            demand_scope(actor, START)
        else:
            demand_over(actor, APPROVE, rows.system_row(self.session, row.system_id))
        if row.state == "closed":
            raise Conflict("manage:campaign-not-open", state=text("manage:campaign-state-closed"))
        row.state, row.closed_at = "closed", self.desk.clock()
        Tokens(self.desk).end_run(row.id, reason="campaign-closed")
        self.session.flush()
        return self._campaign(row)

    def campaign(self, campaign_id: str) -> Campaign:
        """Return one campaign.

        Raises:
            NotFound: there is none.
        """
        return self._campaign(campaign_row(self.desk, campaign_id))

    def campaigns(self, system_id: str | None = None, *, limit: int = 200) -> list[Campaign]:
        """List campaigns, newest first."""
        query = select(CampaignRow).order_by(CampaignRow.created_at.desc(), CampaignRow.id.desc()).limit(limit)
        if system_id is not None:
            query = query.where(CampaignRow.system_id == system_id)
        return [self._campaign(row) for row in self.session.scalars(query)]

    @staticmethod
    def _demand_other(approved_by: str, actor: Actor) -> None:
        if actor.id == approved_by:
            raise Refused("manage:campaign-own-target")

    def _demand_terms(self, terms: CampaignTerms) -> None:
        for name in ("title", "purpose", "rules"):
            if not getattr(terms, name).strip():
                raise InputError("manage:campaign-text-empty", field=name)
        if not 1 <= terms.requests <= MOST_REQUESTS:
            raise InputError("manage:campaign-requests", field="requests", most=MOST_REQUESTS)
        if not 1 <= terms.per_minute <= MOST_A_MINUTE:
            raise InputError("manage:campaign-per-minute", field="per_minute", most=MOST_A_MINUTE)
        window = terms.ends_at - terms.starts_at
        if not timedelta() < window <= LONGEST_WINDOW or terms.ends_at <= self.desk.clock():
            raise InputError("manage:campaign-window", field="ends_at", days=LONGEST_WINDOW.days)

    def _campaign(self, row: CampaignRow) -> Campaign:
        used, people = self.session.execute(
            select(func.count(), func.count(CampaignTryRow.account_id.distinct())).where(
                CampaignTryRow.campaign_id == row.id
            )
        ).one()
        names = [name for name in Campaign.model_fields if name not in {"used", "participants", "running"}]
        return Campaign.model_validate({
            **{name: getattr(row, name) for name in names}, "used": used, "participants": people,
            "running": row.state == "open" and used < row.requests and runs_now(self.desk, row.id),
        })  # fmt: skip
