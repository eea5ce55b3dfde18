"""Roles: granted and taken back by an administrator, one domain at a time."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.identity.actor import NEVER_SIGNING, Actor, Role
from jingwei.core.ids import new_id
from jingwei.core.store.tables import AccountRow, RoleGrantRow


class Grant(BaseModel):
    """One role of one account in one domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    account_id: str
    role: str
    domain: str
    granted_by: str
    granted_at: datetime
    revoked_at: datetime | None


def roles_of(session: Session, account_id: str) -> frozenset[tuple[str, str]]:
    """Return the roles an account holds now, read from the database; none if it is not active."""
    account = session.get(AccountRow, account_id)
    if account is None or not account.active:
        return frozenset()
    rows = session.scalars(
        select(RoleGrantRow).where(RoleGrantRow.account_id == account_id, RoleGrantRow.revoked_at.is_(None))
    )
    return frozenset((row.role, row.domain) for row in rows)


class Roles:
    """Grants roles and takes them back."""

    def __init__(self, session: Session, *, clock: Clock = utc_now, known: Collection[str] = frozenset(Role)) -> None:
        self.session = session
        self.clock = clock
        self.known = known
        """Roles there are: ours, and those that an organisation's rule pack adds."""

    def grant(self, account_id: str, role: str, *, domain: str = "*", actor: Actor) -> Grant:
        """Give an account a role in a domain.

        Raises:
            Refused: the actor is no administrator, grants to themself, or the account would both administer and sign.
        """
        demand_admin(actor)
        if role not in self.known:
            known = ", ".join(sorted(self.known))
            raise InputError("core.identity:role-unknown", field="role", role=role, known=known)
        if account_id == actor.id:
            raise Refused("core.identity:grant-to-self")
        if self.session.get(AccountRow, account_id) is None:
            raise NotFound("core.identity:account-unknown", field="account", account=account_id)
        held = {name for name, _ in roles_of(self.session, account_id)} | {role}
        if Role.ADMIN in held and held - NEVER_SIGNING:
            raise Refused("core.identity:admin-cannot-sign")
        return self.enter(account_id, role, domain=domain, granted_by=actor.id)

    def enter(self, account_id: str, role: str, *, domain: str, granted_by: str) -> Grant:
        """Write a grant without asking who may; for the first account."""
        row = RoleGrantRow(id=new_id("grant"), created_at=self.clock(), account_id=account_id, role=str(role),
                           domain=domain, granted_by=granted_by)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return _grant(row)

    def revoke(self, grant_id: str, *, actor: Actor) -> None:
        """Take a role back; the last administrator stays."""
        demand_admin(actor)
        row = self.session.get(RoleGrantRow, grant_id)
        if row is None or row.revoked_at is not None:
            raise NotFound("core.identity:grant-unknown", field="grant", grant=grant_id)
        if row.role == Role.ADMIN and not self._other_admin(row.account_id):
            raise Conflict("core.identity:last-admin")
        row.revoked_at = self.clock()
        self.session.flush()

    def grants(self, account_id: str | None = None) -> list[Grant]:
        """List grants, those taken back too, of one account or all."""
        query = select(RoleGrantRow).order_by(RoleGrantRow.created_at)
        if account_id is not None:
            query = query.where(RoleGrantRow.account_id == account_id)
        return [_grant(row) for row in self.session.scalars(query)]

    def _other_admin(self, account_id: str) -> bool:
        others = self.session.scalars(
            select(RoleGrantRow.account_id)
            .join(AccountRow, AccountRow.id == RoleGrantRow.account_id)
            .where(RoleGrantRow.role == Role.ADMIN, RoleGrantRow.revoked_at.is_(None), AccountRow.active,
                   RoleGrantRow.account_id != account_id)
        )  # fmt: skip
        return others.first() is not None


def demand_admin(actor: Actor) -> None:
    """Refuse anyone but an administrator.

    Raises:
        Refused: the actor does not hold `admin`.
    """
    if not any(role == Role.ADMIN for role, _ in actor.roles) or not actor.within_scope("account.manage"):
        raise Refused("core.identity:admin-only")


def _grant(row: RoleGrantRow) -> Grant:
    return Grant(id=row.id, account_id=row.account_id, role=row.role, domain=row.domain, granted_by=row.granted_by,
                 granted_at=row.created_at, revoked_at=row.revoked_at)  # fmt: skip
