"""Tries: each is counted before it is sent, so that no number of people at once overruns a budget.

What was typed and answered is kept redacted, shown to its participant and to those who triage, and enters the ledger
by its hash alone.
"""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import func, select

from jingwei.core.errors import Conflict, InputError, NotFound
from jingwei.core.identity import Actor, Role
from jingwei.core.ids import new_id
from jingwei.core.store.tables import CampaignRow, CampaignTryRow, SystemRow
from jingwei.manage import rows
from jingwei.manage.campaign_model import LONGEST_PROMPT, CampaignTry, Heard
from jingwei.manage.campaign_standing import campaign_row, demand_running
from jingwei.manage.campaigns import START
from jingwei.manage.desk import Desk
from jingwei.manage.rights import demand_over, rights

TRIAGE = "campaign.triage"
_MINUTE = timedelta(minutes=1)


class CampaignTries:
    """Counts, keeps and lists tries."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def reserve(self, campaign_id: str, prompt: str, *, redacted: str, actor: Actor) -> CampaignTry:
        """Count a prompt against the budget before it is sent; for the platform, not for faces.

        Raises:
            Refused: the actor has no role there, or the target may not be used.
            InputError: the prompt is empty or too long.
            Conflict: the campaign does not run, its budget is spent, or the actor is too fast.
        """
        row = campaign_row(self.desk, campaign_id, held=True)  # one after the other from here on
        demand_over(actor, START, rows.system_row(self.session, row.system_id))
        if not prompt.strip() or len(prompt) > LONGEST_PROMPT:
            raise InputError("manage:try-prompt", field="prompt", most=LONGEST_PROMPT)
        demand_running(self.desk, row)
        now, of = self.desk.clock(), CampaignTryRow.campaign_id == row.id
        used = self.session.scalar(select(func.count()).where(of)) or 0
        if used >= row.requests:
            raise Conflict("manage:try-budget", count=row.requests)
        lately = select(func.count()).where(
            of, CampaignTryRow.account_id == actor.id, CampaignTryRow.created_at > now - _MINUTE
        )
        if (self.session.scalar(lately) or 0) >= row.per_minute:
            raise Conflict("manage:try-too-fast", count=row.per_minute)
        made = CampaignTryRow(
            id=new_id("try"), created_at=now, campaign_id=row.id, number=used + 1, account_id=actor.id, state="sent",
            prompt_digest=sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest(), prompt_length=len(prompt),
            prompt=redacted, reasons=[],
        )  # fmt: skip
        self.session.add(made)
        self.session.flush()
        return self._shown(made, row, actor)

    def answered(self, try_id: str, heard: Heard, *, actor: Actor) -> CampaignTry:
        """Keep what came back; for the platform, not for faces."""
        row = self._row(try_id)
        row.state, row.answered_at, row.reasons = "answered", self.desk.clock(), list(heard.reasons)
        row.verdict, row.score, row.answer = heard.verdict, heard.score, heard.answer
        row.answer_digest, row.answer_length = heard.answer_digest, heard.answer_length
        self.session.flush()
        return self.attempt(try_id, actor=actor)

    def failed(self, try_id: str, reason: str) -> None:
        """Say that a try got no answer; it counts all the same. For the platform, not for faces."""
        row = self._row(try_id)
        if row.state == "sent":
            row.state, row.answered_at, row.reasons = "failed", self.desk.clock(), [reason[:80]]
            self.session.flush()

    def attempt(self, try_id: str, *, actor: Actor) -> CampaignTry:
        """Return one try, as far as the actor may read it.

        Raises:
            NotFound: there is none.
        """
        row = self._row(try_id)
        return self._shown(row, campaign_row(self.desk, row.campaign_id), actor)

    def attempts(self, campaign_id: str, *, actor: Actor, limit: int = 200) -> list[CampaignTry]:
        """List the tries of a campaign, newest first, as far as the actor may read them."""
        campaign = campaign_row(self.desk, campaign_id)
        query = select(CampaignTryRow).where(CampaignTryRow.campaign_id == campaign.id)
        numbers = participants(self.desk, campaign.id)
        found = self.session.scalars(query.order_by(CampaignTryRow.number.desc()).limit(limit))
        return [self._shown(row, campaign, actor, numbers) for row in found]

    def _row(self, try_id: str) -> CampaignTryRow:
        row = self.session.get(CampaignTryRow, try_id)
        if row is None:
            raise NotFound("manage:try-unknown", field="try", attempt=try_id[:80])
        return row

    def _shown(self, row: CampaignTryRow, campaign: CampaignRow, actor: Actor,
               numbers: Mapping[str, str] | None = None) -> CampaignTry:  # fmt: skip
        numbers = participants(self.desk, campaign.id) if numbers is None else numbers
        return shown(row, campaign, actor=actor, numbers=numbers,
                     reads=may_read(actor, rows.system_row(self.session, campaign.system_id)))  # fmt: skip


def participants(desk: Desk, campaign_id: str) -> dict[str, str]:
    """Return the number of each participant by account, in the order of their first tries."""
    row = CampaignTryRow
    query = select(row.account_id, func.min(row.number)).where(row.campaign_id == campaign_id)
    found = desk.session.execute(query.group_by(row.account_id).order_by(func.min(row.number)))
    return {account: f"P{place}" for place, (account, _) in enumerate(found, start=1)}


def may_read(actor: Actor, system: SystemRow) -> bool:
    """Tell whether an actor may read what others typed: those who triage, and auditors."""
    return any(actor.holds(role, system.domain) for role in (*rights()[TRIAGE].roles, Role.AUDITOR))


def shown(row: CampaignTryRow, campaign: CampaignRow, *, actor: Actor, numbers: Mapping[str, str],
          reads: bool) -> CampaignTry:  # fmt: skip
    """Return a try as one person may see it."""
    mine = row.account_id == actor.id
    return CampaignTry.model_validate({
        "id": row.id, "campaign_id": row.campaign_id, "number": row.number, "mine": mine, "at": row.created_at,
        "participant": numbers.get(row.account_id, ""), "account_id": row.account_id if mine or campaign.named else "",
        "state": row.state, "prompt": row.prompt if mine or reads else None, "prompt_digest": row.prompt_digest,
        "prompt_length": row.prompt_length, "answer": row.answer if mine or reads else None,
        "answer_digest": row.answer_digest, "answer_length": row.answer_length, "verdict": row.verdict,
        "score": row.score, "reasons": tuple(row.reasons),
    })  # fmt: skip
