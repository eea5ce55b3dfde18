"""Browser sessions: a random token in a cookie, its hash in the database."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete
from sqlalchemy.orm import Session

from jingwei.core.clock import Clock, utc_now
from jingwei.core.identity.actor import Actor
from jingwei.core.identity.roles import roles_of
from jingwei.core.store.tables import AccountRow, SessionRow

LIFETIME = timedelta(hours=8)
"""A working day."""


class BrowserSession(BaseModel):
    """A session just opened; the token is shown to the browser and to nobody else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str
    csrf: str
    account_id: str
    expires_at: datetime
    must_change_password: bool


class Visitor(BaseModel):
    """Who a browser session belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: Actor
    login: str
    display_name: str
    csrf: str
    must_change_password: bool
    """True: offer nothing but changing the password. The actor then holds no role."""


class BrowserSessions:
    """Opens, reads and closes browser sessions."""

    def __init__(self, session: Session, *, clock: Clock = utc_now) -> None:
        self.session = session
        self.clock = clock

    def open(self, account_id: str) -> BrowserSession:
        """Open a session for an account that has just proved itself; sessions that ended are removed."""
        account = self.session.get_one(AccountRow, account_id)
        self.session.execute(delete(SessionRow).where(SessionRow.expires_at < self.clock()))
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        row = SessionRow(token_hash=_hash(token), account_id=account_id, csrf=csrf, expires_at=self.clock() + LIFETIME)
        self.session.add(row)
        self.session.flush()
        return BrowserSession(token=token, csrf=csrf, account_id=account_id, expires_at=row.expires_at,
                              must_change_password=account.must_change_password)  # fmt: skip

    def visitor(self, token: str) -> Visitor | None:
        """Return who a token belongs to, or None if it is unknown, ended, or its account was closed."""
        row = self.session.get(SessionRow, _hash(token))
        account = self.session.get(AccountRow, row.account_id) if row and row.expires_at > self.clock() else None
        if row is None or account is None or not account.active:
            return None
        must_change = account.must_change_password
        roles = frozenset() if must_change else roles_of(self.session, account.id)
        return Visitor(actor=Actor(id=account.id, roles=roles), login=account.login, csrf=row.csrf,
                       display_name=account.display_name, must_change_password=must_change)  # fmt: skip

    def close(self, token: str) -> None:
        """End one session."""
        self.session.execute(delete(SessionRow).where(SessionRow.token_hash == _hash(token)))

    def close_all(self, account_id: str) -> None:
        """End every session of an account."""
        self.session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
