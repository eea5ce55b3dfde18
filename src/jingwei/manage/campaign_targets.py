"""What campaigns may attack: approved by people with the right, for a reason, until it is withdrawn or expires.

The System's own gateway, or a test endpoint. Whoever approves a target starts no campaign on it.
"""

from datetime import datetime

from sqlalchemy import select

from jingwei.core.errors import Conflict, InputError, JingweiError
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.store.tables import CampaignRow, CampaignTargetRow
from jingwei.core.upstream import demand_address
from jingwei.manage import rows
from jingwei.manage.campaign_model import CampaignTarget, TargetWay
from jingwei.manage.campaign_standing import APPROVE, demand_target, target_row
from jingwei.manage.desk import Desk
from jingwei.manage.rights import demand_over
from jingwei.manage.tokens import Tokens

_LONGEST = {"locator": 500, "model": 200, "reason": 4000}


class CampaignTargets:
    """Approves, withdraws and lists targets."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def approve(self, system_id: str, *, kind: TargetWay, reason: str, actor: Actor, locator: str = "",
                model: str = "", expires_at: datetime | None = None) -> CampaignTarget:  # fmt: skip
        """Allow campaigns on a System's gateway, or on a test endpoint of it.

        Args:
            system_id: the System.
            kind: `gateway`, or `endpoint`.
            reason: why it may be attacked.
            actor: who says so.
            locator: base address of the endpoint, such as `http://127.0.0.1:8080/v1`.
            model: name of its model, where it has several.
            expires_at: from when on it may not; never, where it is not told.

        Raises:
            Refused: the actor may not, or the System is above the line.
            InputError: no reason, an address that fits no endpoint, an end that has passed.
            Conflict: the System is out of service, or has no policy to attack behind.
        """
        demand_over(actor, APPROVE, rows.system_row(self.session, system_id))
        given = {"locator": locator.strip(), "model": model.strip(), "reason": reason.strip()}
        if not given["reason"]:
            raise InputError("manage:reason-empty", field="reason")
        for name, most in _LONGEST.items():
            if len(given[name]) > most:
                raise InputError("manage:campaign-text-long", field=name, most=most)
        if (kind == "endpoint") != bool(given["locator"]):
            raise InputError("manage:target-locator", field="locator")
        if given["locator"]:
            demand_address(given["locator"], field="locator")
        if expires_at is not None and expires_at <= self.desk.clock():
            raise InputError("manage:target-past", field="expires_at")
        row = CampaignTargetRow(
            id=new_id("tgt"), created_at=self.desk.clock(), system_id=system_id, kind=kind, approved_by=actor.id,
            expires_at=expires_at, **given,
        )  # fmt: skip
        demand_target(self.desk, row)
        self.session.add(row)
        self.session.flush()
        return self._target(row)

    def withdraw(self, target_id: str, *, actor: Actor) -> CampaignTarget:
        """Take an approval back; no campaign sends anything there any more.

        Raises:
            Refused: the actor may not.
            Conflict: it was withdrawn before.
        """
        row = target_row(self.desk, target_id)
        demand_over(actor, APPROVE, rows.system_row(self.session, row.system_id))
        if row.withdrawn_at is not None:
            raise Conflict("manage:target-withdrawn")
        row.withdrawn_at = self.desk.clock()
        for campaign_id in self.session.scalars(select(CampaignRow.id).where(CampaignRow.target_id == row.id)).all():
            Tokens(self.desk).end_run(campaign_id, reason="target-withdrawn")
        self.session.flush()
        return self._target(row)

    def target(self, target_id: str) -> CampaignTarget:
        """Return one target.

        Raises:
            NotFound: there is none.
        """
        return self._target(target_row(self.desk, target_id))

    def targets(self, system_id: str | None = None) -> list[CampaignTarget]:
        """List targets, newest first."""
        query = select(CampaignTargetRow).order_by(CampaignTargetRow.created_at.desc(), CampaignTargetRow.id.desc())
        if system_id is not None:
            query = query.where(CampaignTargetRow.system_id == system_id)
        return [self._target(row) for row in self.session.scalars(query)]

    def _target(self, row: CampaignTargetRow) -> CampaignTarget:
        return CampaignTarget.model_validate({
            "id": row.id, "system_id": row.system_id, "kind": row.kind, "locator": row.locator, "model": row.model,
            "reason": row.reason, "approved_by": row.approved_by, "approved_at": row.created_at,
            "expires_at": row.expires_at, "withdrawn_at": row.withdrawn_at, "stands": self._stands(row),
        })  # fmt: skip

    def _stands(self, row: CampaignTargetRow) -> bool:
        try:
            demand_target(self.desk, row)
        except JingweiError:
            return False
        return True
