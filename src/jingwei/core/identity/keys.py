"""API keys: 256 random bits, of an account (API) or of a System (gateway). Only the hash is kept."""

import secrets
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import InputError, NotFound
from jingwei.core.identity.actor import Actor
from jingwei.core.identity.roles import roles_of
from jingwei.core.ids import new_id
from jingwei.core.policy import Limits
from jingwei.core.snapshot import ServedKey, key_hash
from jingwei.core.store.tables import AccountRow, ApiKeyRow, KeyTermsRow

PREFIX = "jw_"
"""Lets secret scanners recognise a key of ours."""
SERVE = "serve"
"""The scope of a System's key: to be served by the gateway, nothing else."""


class ApiKey(BaseModel):
    """A key, without the key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    account_id: str | None
    system_id: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    tenant: str = ""
    """Whom the calls of a System's key are counted for."""
    limits: Limits | None = None
    """What a System's key may use; none: what the System's policy says."""


class NewKey(BaseModel):
    """A key just made; `key` is shown once and cannot be had again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: ApiKey
    key: str


class KeyHolder(BaseModel):
    """Whom a key belongs to: an actor limited to the key's scopes, or a System."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_id: str
    actor: Actor | None = None
    system_id: str | None = None


class ApiKeys:
    """Makes, reads and revokes keys. Who may make one for a System is `manage`'s to say."""

    def __init__(self, session: Session, *, clock: Clock = utc_now) -> None:
        self.session = session
        self.clock = clock

    def make(self, name: str, *, scopes: frozenset[str], account_id: str | None = None, system_id: str | None = None,
             expires_at: datetime | None = None) -> NewKey:  # fmt: skip
        """Make a key for an account or for a System.

        Raises:
            InputError: it belongs to both or neither, has no scope, or has expired already.
        """
        if (account_id is None) == (system_id is None):
            raise InputError("core.identity:key-holder", field="account")
        if not scopes:
            raise InputError("core.identity:key-scopes", field="scopes")
        if expires_at is not None and expires_at <= self.clock():
            raise InputError("core.identity:key-expired", field="expires_at")
        key = PREFIX + secrets.token_urlsafe(32)
        row = ApiKeyRow(id=new_id("key"), created_at=self.clock(), account_id=account_id, system_id=system_id,
                        name=name, key_hash=key_hash(key), scopes=sorted(scopes), expires_at=expires_at)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return NewKey(record=self._record(row), key=key)

    def holder(self, key: str) -> KeyHolder | None:
        """Return whom a key belongs to, or None if it is unknown, expired or revoked, or its account is closed."""
        row = self.session.scalar(select(ApiKeyRow).where(ApiKeyRow.key_hash == key_hash(key)))
        if row is None or not self._live(row):
            return None
        if row.account_id is None:
            return KeyHolder(key_id=row.id, system_id=row.system_id)
        if not self.session.get_one(AccountRow, row.account_id).active:  # a closed account reads nothing either
            return None
        roles = roles_of(self.session, row.account_id)
        return KeyHolder(key_id=row.id, actor=Actor(id=row.account_id, roles=roles, scopes=frozenset(row.scopes)))

    def hashes(self, system_id: str) -> tuple[str, ...]:
        """Return the hashes of a System's live keys: what a gateway compares a caller's key with."""
        rows = self.session.scalars(select(ApiKeyRow).where(ApiKeyRow.system_id == system_id))
        return tuple(sorted(row.key_hash for row in rows if self._live(row)))

    def served(self, system_id: str) -> tuple[ServedKey, ...]:
        """Return what a gateway is told of a System's live keys besides their hashes."""
        rows = self.session.scalars(select(ApiKeyRow).where(ApiKeyRow.system_id == system_id).order_by(ApiKeyRow.id))
        records = [(row.key_hash, self._record(row)) for row in rows if self._live(row)]
        return tuple(ServedKey(hash=hashed, name=each.name, tenant=each.tenant, limits=each.limits)
                     for hashed, each in records)  # fmt: skip

    def set_terms(self, key_id: str, *, tenant: str = "", limits: Limits | None = None) -> ApiKey:
        """Say whom a System's key is counted for and what it may use; the newest word counts.

        Raises:
            NotFound: there is no such key of a System.
        """
        row = self.session.get(ApiKeyRow, key_id)
        if row is None or row.system_id is None:
            raise NotFound("core.identity:key-unknown", field="key", key=key_id)
        given = limits.model_dump(mode="json") if limits is not None else {}
        self.session.add(KeyTermsRow(id=new_id("trm"), created_at=self.clock(), key_id=key_id, tenant=tenant,
                                     limits=given))  # fmt: skip
        self.session.flush()
        return self._record(row)

    def keys(self, *, account_id: str | None = None, system_id: str | None = None) -> list[ApiKey]:
        """List the keys of an account or of a System, revoked ones too."""
        query = select(ApiKeyRow).where(ApiKeyRow.account_id == account_id, ApiKeyRow.system_id == system_id)
        return [self._record(row) for row in self.session.scalars(query.order_by(ApiKeyRow.created_at))]

    def revoke(self, key_id: str) -> None:
        """End a key at once."""
        row = self.session.get(ApiKeyRow, key_id)
        if row is None:
            raise NotFound("core.identity:key-unknown", field="key", key=key_id)
        row.revoked_at = row.revoked_at or self.clock()
        self.session.flush()

    def _live(self, row: ApiKeyRow) -> bool:
        return row.revoked_at is None and (row.expires_at is None or row.expires_at > self.clock())

    def _record(self, row: ApiKeyRow) -> ApiKey:
        terms = self.session.scalar(
            select(KeyTermsRow).where(KeyTermsRow.key_id == row.id).order_by(KeyTermsRow.id.desc()).limit(1)
        )
        return ApiKey(id=row.id, name=row.name, account_id=row.account_id, system_id=row.system_id,
                      scopes=tuple(row.scopes), created_at=row.created_at, expires_at=row.expires_at,
                      revoked_at=row.revoked_at, tenant=terms.tenant if terms else "",
                      limits=Limits.model_validate(terms.limits) if terms and terms.limits else None)  # fmt: skip
