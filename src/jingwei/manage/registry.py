"""The registry of Systems, their versioned components, and who answers for each."""

from datetime import datetime

from sqlalchemy import select

from jingwei.core.configuration import Configuration
from jingwei.core.errors import Conflict, NotFound
from jingwei.core.identity import Actor, ApiKey, ApiKeys, NewKey
from jingwei.core.identity.keys import SERVE
from jingwei.core.ids import new_id
from jingwei.core.policy import Limits
from jingwei.core.store.tables import AccountRow, ApiKeyRow, SystemRow
from jingwei.core.upstream import demand_address, demand_key_name
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.lifecycle import demand_not_retired, move
from jingwei.manage.model import System
from jingwei.manage.rights import demand, demand_over
from jingwei.manage.standing import InUse
from jingwei.manage.use import in_use


class Registry:
    """Registers Systems and what they are made of."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def register(self, name: str, *, purpose: str, actor: Actor, domain: str = "default", owner_id: str = "",
                 upstream_url: str = "", upstream_model: str = "", upstream_key_env: str = "") -> System:  # fmt: skip
        """Register a System as a draft.

        Raises:
            Refused: the actor may not.
            Conflict: the name is taken.
        """
        demand(actor, "system.register", domain=domain)
        _demand_upstream(upstream_url, upstream_key_env)
        owner_id = owner_id or actor.id
        if self.session.get(AccountRow, owner_id) is None:
            raise NotFound("manage:owner-unknown", field="owner", owner=owner_id)
        if self.session.scalar(select(SystemRow.id).where(SystemRow.name == name)) is not None:
            raise Conflict("manage:name-taken", field="name", name=name)
        row = SystemRow(id=new_id("sys"), created_at=self.desk.clock(), name=name, purpose=purpose, domain=domain,
                        owner_id=owner_id, registered_by=actor.id, status="draft", upstream_url=upstream_url,
                        upstream_model=upstream_model, upstream_key_env=upstream_key_env)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return rows.system(row)

    def edit(self, system_id: str, *, actor: Actor, purpose: str | None = None, upstream_url: str | None = None,
             upstream_model: str | None = None, upstream_key_env: str | None = None) -> System:  # fmt: skip
        """Change what a System is for or where it is served from; a new purpose lapses what was proven of the old."""
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "system.edit", row)
        demand_not_retired(row)
        _demand_upstream(upstream_url or "", upstream_key_env or "")
        wanted = {"purpose": purpose, "upstream_url": upstream_url, "upstream_model": upstream_model,
                  "upstream_key_env": upstream_key_env}  # fmt: skip
        for column, value in wanted.items():
            if value is not None and value != getattr(row, column):
                setattr(row, column, value)
        self.session.flush()
        return rows.system(row)

    def system(self, system_id: str) -> System:
        """Return one System.

        Raises:
            NotFound: there is none.
        """
        return rows.system(rows.system_row(self.session, system_id))

    def systems(self, *, domain: str | None = None, status: str | None = None) -> list[System]:
        """List Systems by name."""
        query = select(SystemRow).order_by(SystemRow.name)
        if domain is not None:
            query = query.where(SystemRow.domain == domain)
        if status is not None:
            query = query.where(SystemRow.status == status)
        return [rows.system(row) for row in self.session.scalars(query)]

    def in_use(self, system_id: str) -> InUse:
        """Return what is in use now: the digests that evidence must be bound to, and the running configuration."""
        return in_use(self.desk, system_id)

    def configuration(self, system_id: str) -> Configuration:
        """Return the configuration as registered, with the policy in force and the gateway's version."""
        return self.in_use(system_id).configuration

    def retire(self, system_id: str, *, actor: Actor) -> System:
        """Retire a System for good. Its tokens are revoked by `Tokens.retire`, which calls this."""
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "system.retire", row)
        move(row, "retired")
        self.session.flush()
        return rows.system(row)

    def make_key(self, system_id: str, name: str, *, actor: Actor, expires_at: datetime | None = None) -> NewKey:
        """Make an API key that the gateway serves this System for.

        Raises:
            Refused: the actor may not.
            Conflict: the System is retired.
        """
        row = rows.system_row(self.session, system_id)
        demand_over(actor, "key.make", row)
        demand_not_retired(row)
        return ApiKeys(self.session, clock=self.desk.clock).make(
            name, scopes=frozenset({SERVE}), system_id=system_id, expires_at=expires_at
        )

    def set_key_terms(self, key_id: str, *, actor: Actor, tenant: str = "", limits: Limits | None = None) -> ApiKey:
        """Say whom a System's key is counted for, and what it may use; without limits, what the policy says.

        Raises:
            NotFound: there is no such key of a System.
            Refused: the actor may not.
        """
        row = self.session.get(ApiKeyRow, key_id)
        if row is None or row.system_id is None:
            raise NotFound("core.identity:key-unknown", field="key", key=key_id)
        demand_over(actor, "key.make", rows.system_row(self.session, row.system_id))
        return ApiKeys(self.session, clock=self.desk.clock).set_terms(key_id, tenant=tenant, limits=limits)

    def revoke_key(self, key_id: str, *, actor: Actor) -> None:
        """End a System's API key."""
        row = self.session.get(ApiKeyRow, key_id)
        if row is None or row.system_id is None:
            raise NotFound("core.identity:key-unknown", field="key", key=key_id)
        demand_over(actor, "key.make", rows.system_row(self.session, row.system_id))
        ApiKeys(self.session, clock=self.desk.clock).revoke(key_id)


def _demand_upstream(url: str, key_env: str) -> None:
    if url:
        demand_address(url, field="upstream.url")
    demand_key_name(key_env, field="upstream.key_env")
