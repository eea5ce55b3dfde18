"""Finds: submitted by who tried, triaged by another, scored, and risks of the System until they are mended."""

from collections.abc import Collection

from sqlalchemy import func, select

from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.finding import Finding, Severity
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.store.tables import CampaignFindRow, CampaignRow, CampaignTryRow
from jingwei.core.text import text
from jingwei.manage import rows
from jingwei.manage.campaign_model import CampaignFind, CampaignRank, FindState, TriageDecision
from jingwei.manage.campaign_risks import open_risks
from jingwei.manage.campaign_standing import campaign_row
from jingwei.manage.campaign_tries import TRIAGE, may_read, participants, shown
from jingwei.manage.campaigns import START
from jingwei.manage.desk import Desk
from jingwei.manage.likeness import NEAR, likeness, worth
from jingwei.manage.rights import demand_over

_LONGEST = 4000
_COMPARED = 2000
"""Earlier finds of a System that a new one is compared with, newest first."""
RISKS = frozenset({"accepted", "mended"})


class Finds:
    """Takes finds in, and keeps what people make of them.

    Args:
        desk: the unit of work.
        classes: the classes of risk that a find may be of, such as `tc260:a1-a`.
    """

    def __init__(self, desk: Desk, *, classes: Collection[str]) -> None:
        self.desk = desk
        self.session = desk.session
        self.classes = classes

    def submit(self, try_id: str, *, category: str, reason: str, actor: Actor) -> CampaignFind:
        """Submit one's own try as a find.

        Raises:
            Refused: it is another person's try.
            InputError: no reason is given, or there is no such class of risk.
            Conflict: the campaign is closed, the try got no answer, or it was submitted before.
        """
        attempt = self.session.get(CampaignTryRow, try_id)
        if attempt is None:
            raise NotFound("manage:try-unknown", field="try", attempt=try_id[:80])
        campaign = campaign_row(self.desk, attempt.campaign_id)
        demand_over(actor, START, rows.system_row(self.session, campaign.system_id))
        if attempt.account_id != actor.id:
            raise Refused("manage:find-of-another")
        if campaign.state != "open":
            raise Conflict("manage:campaign-not-open", state=text(f"manage:campaign-state-{campaign.state}"))
        if attempt.state != "answered":
            raise Conflict("manage:find-unanswered")
        if category not in self.classes:
            raise InputError("manage:find-class", field="category", category=category[:60])
        _demand_text(reason, field="reason")
        if self.session.scalar(select(CampaignFindRow.id).where(CampaignFindRow.try_id == try_id)) is not None:
            raise Conflict("manage:find-twice")
        near, alike = self._nearest(campaign.system_id, attempt.prompt)
        row = CampaignFindRow(
            id=new_id("fnd"), created_at=self.desk.clock(), campaign_id=campaign.id, system_id=campaign.system_id,
            try_id=attempt.id, submitted_by=actor.id, category=category, reason=reason.strip(), like_id=near,
            likeness=alike, state="submitted", severity="", duplicate_of="", score=0,
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return self._find(row, actor)

    def triage(self, find_id: str, decision: TriageDecision, *, actor: Actor, severity: Severity | None = None,
               duplicate_of: str = "", note: str = "") -> CampaignFind:  # fmt: skip
        """Accept another person's find with a severity, call it a duplicate, or reject it for a reason.

        Raises:
            Refused: it is the actor's own, or the actor may not.
            InputError: the severity, the other find or the reason is missing.
            Conflict: somebody has decided on it.
        """
        row = self._row(find_id)
        demand_over(actor, TRIAGE, rows.system_row(self.session, row.system_id))
        if actor.id == row.submitted_by:
            raise Refused("manage:find-own")
        if row.state != "submitted":
            raise Conflict("manage:find-decided", state=text(f"manage:find-state-{row.state}"))
        match decision:
            case "accept":
                if severity is None:
                    raise InputError("manage:find-severity", field="severity")
                row.state, row.severity, row.score = "accepted", severity.value, worth(severity, likeness=row.likeness)
            case "duplicate":
                self._demand_original(row, duplicate_of)
                row.state, row.duplicate_of = "duplicate", duplicate_of
            case "reject":
                _demand_text(note, field="note")
                row.state = "rejected"
        row.note, row.triaged_by, row.triaged_at = note.strip()[:_LONGEST], actor.id, self.desk.clock()
        self.session.flush()
        return self._find(row, actor)

    def mend(self, find_id: str, *, note: str, actor: Actor) -> CampaignFind:
        """Say what was done about an accepted find: it is no risk of the System any more.

        Raises:
            Refused: the actor may not.
            InputError: it is not said what was done.
            Conflict: it is no risk.
        """
        row = self._row(find_id)
        demand_over(actor, TRIAGE, rows.system_row(self.session, row.system_id))
        if row.state != "accepted":
            raise Conflict("manage:find-no-risk", state=text(f"manage:find-state-{row.state}"))
        _demand_text(note, field="note")
        row.state, row.mend, row.mended_by, row.mended_at = "mended", note.strip(), actor.id, self.desk.clock()
        self.session.flush()
        return self._find(row, actor)

    def find(self, find_id: str, *, actor: Actor) -> CampaignFind:
        """Return one find, as far as the actor may read it.

        Raises:
            NotFound: there is none.
        """
        return self._find(self._row(find_id), actor)

    def finds(self, *, actor: Actor, campaign_id: str | None = None, system_id: str | None = None,
              state: FindState | None = None, limit: int = 200) -> list[CampaignFind]:  # fmt: skip
        """List finds, newest first, as far as the actor may read them."""
        row = CampaignFindRow
        query = select(row).order_by(row.created_at.desc(), row.id.desc()).limit(limit)
        for column, wanted in ((row.campaign_id, campaign_id), (row.system_id, system_id), (row.state, state)):
            if wanted is not None:
                query = query.where(column == wanted)
        return [self._find(each, actor) for each in self.session.scalars(query)]

    def leaderboard(self, campaign_id: str, *, actor: Actor) -> list[CampaignRank]:
        """Rank the participants of a campaign by their points; nobody, where it has no leaderboard."""
        campaign = campaign_row(self.desk, campaign_id)
        if not campaign.leaderboard:
            return []
        row, tried = CampaignFindRow, CampaignTryRow
        numbers = participants(self.desk, campaign.id)
        counted = select(tried.account_id, func.count()).where(tried.campaign_id == campaign.id)
        tries = {each[0]: each[1] for each in self.session.execute(counted.group_by(tried.account_id))}
        found = self.session.scalars(select(row).where(row.campaign_id == campaign.id)).all()
        totals = {account: [each for each in found if each.submitted_by == account] for account in numbers}
        points = {account: sum(each.score for each in own) for account, own in totals.items()}
        order = sorted(numbers, key=lambda account: (-points[account], int(numbers[account][1:])))
        return [
            CampaignRank(
                place=1 + sum(points[other] > points[account] for other in numbers), participant=numbers[account],
                account_id=account if campaign.named or account == actor.id else "", mine=account == actor.id,
                tries=tries[account], submitted=len(totals[account]),
                accepted=sum(each.state in RISKS for each in totals[account]), score=points[account],
            )
            for account in order
        ]  # fmt: skip

    def risks(self, system_id: str) -> list[Finding]:
        """List the accepted finds of a System that nobody has mended, as findings: what its gate looks at."""
        rows.system_row(self.session, system_id)
        return list(open_risks(self.session, system_id))

    def _row(self, find_id: str) -> CampaignFindRow:
        row = self.session.get(CampaignFindRow, find_id)
        if row is None:
            raise NotFound("manage:find-unknown", field="find", find=find_id[:80])
        return row

    def _nearest(self, system_id: str, prompt: str) -> tuple[str, float]:
        """Return the earlier find of the System that a prompt is most like, and how much."""
        row = CampaignFindRow
        query = select(row.id, CampaignTryRow.prompt).join(CampaignTryRow, CampaignTryRow.id == row.try_id)
        query = query.where(row.system_id == system_id, row.state != "rejected")
        found = self.session.execute(query.order_by(row.created_at.desc()).limit(_COMPARED))
        alike = max(((likeness(prompt, other), find_id) for find_id, other in found), default=(0.0, ""))
        return (alike[1], round(alike[0], 4)) if alike[0] >= NEAR else ("", 0.0)

    def _demand_original(self, row: CampaignFindRow, other_id: str) -> None:
        other = self.session.get(CampaignFindRow, other_id)
        if other is None or other.system_id != row.system_id or other.id == row.id or other.state == "duplicate":
            raise InputError("manage:find-original", field="duplicate_of")

    def _find(self, row: CampaignFindRow, actor: Actor) -> CampaignFind:
        campaign: CampaignRow = campaign_row(self.desk, row.campaign_id)
        attempt = self.session.get_one(CampaignTryRow, row.try_id)
        reads = may_read(actor, rows.system_row(self.session, row.system_id))
        mine, numbers = row.submitted_by == actor.id, participants(self.desk, campaign.id)
        names = ("id", "campaign_id", "system_id", "category", "like_id", "likeness", "state", "duplicate_of", "score",
                 "note", "triaged_by", "triaged_at", "mend", "mended_by", "mended_at")  # fmt: skip
        return CampaignFind.model_validate({
            **{name: getattr(row, name) for name in names}, "at": row.created_at, "mine": mine,
            "participant": numbers.get(row.submitted_by, ""), "severity": row.severity or None,
            "account_id": row.submitted_by if mine or campaign.named else "",
            "reason": row.reason if mine or reads else None,
            "attempt": shown(attempt, campaign, actor=actor, numbers=numbers, reads=reads),
        })  # fmt: skip


def _demand_text(given: str, *, field: str) -> None:
    if not given.strip():
        raise InputError("manage:reason-empty", field=field)
    if len(given) > _LONGEST:
        raise InputError("manage:campaign-text-long", field=field, most=_LONGEST)
