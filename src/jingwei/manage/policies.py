"""Policies: what the guard enforces for a System; attaching a new one retires the old.

Nothing else has to happen when a policy is weakened after release: it is part of the configuration and of the
deployment that evidence is bound to, so the evidence lapses, and the token names a policy that is no longer in force.
"""

from sqlalchemy import select

from jingwei.core.errors import InputError
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.policy import Policy
from jingwei.core.store.tables import PolicyRow
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.lifecycle import demand_not_retired
from jingwei.manage.model import AttachedPolicy
from jingwei.manage.rights import demand_over


class Policies:
    """Attaches policies to Systems."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def attach(self, policy: Policy, *, actor: Actor) -> AttachedPolicy:
        """Put a policy in force; the one before is retired and stays in the history.

        Raises:
            InputError: the policy is of another System's id.
            Refused: the actor may not.
        """
        policy = Policy.model_validate(policy.model_dump())  # a copy would carry the digest of its original
        system = rows.system_row(self.session, policy.system_id)
        demand_over(actor, "policy.attach", system)
        demand_not_retired(system)
        if not policy.rules:
            raise InputError("manage:policy-empty", field="rules")
        now = self.desk.clock()
        before = rows.policy_row(self.session, policy.system_id)
        if before is not None:
            if before.digest == policy.digest:
                return rows.attached(before)
            before.retired_at = now
        row = PolicyRow(id=new_id("pol"), created_at=now, system_id=policy.system_id, digest=policy.digest,
                        body=policy.model_dump(mode="json"), attached_by=actor.id)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return rows.attached(row)

    def in_force(self, system_id: str) -> Policy | None:
        """Return the policy in force."""
        row = rows.policy_row(self.session, system_id)
        return None if row is None else rows.policy(row)

    def history(self, system_id: str) -> list[AttachedPolicy]:
        """List all policies of a System, newest first."""
        found = self.session.scalars(
            select(PolicyRow)
            .where(PolicyRow.system_id == system_id)
            .order_by(PolicyRow.created_at.desc(), PolicyRow.id)
        )
        return [rows.attached(row) for row in found]
