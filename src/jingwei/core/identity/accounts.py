"""Accounts: local people who sign in with a password and, once enrolled, a TOTP code."""

import secrets
from datetime import datetime

from argon2 import PasswordHasher
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.identity import passwords, totp
from jingwei.core.identity.actor import Actor, Role
from jingwei.core.identity.browser import BrowserSession, BrowserSessions
from jingwei.core.identity.proof import Denied, Reauthentication, prove
from jingwei.core.identity.roles import Roles, demand_admin, roles_of
from jingwei.core.identity.throttle import Throttle
from jingwei.core.ids import new_id
from jingwei.core.signing import Signer
from jingwei.core.store.tables import AccountRow

_LOGIN_LENGTH = 120


class Account(BaseModel):
    """A person (or service) that can sign in, without its secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    login: str
    display_name: str
    active: bool
    has_totp: bool
    must_change_password: bool
    created_at: datetime


class Bootstrapped(BaseModel):
    """The first account, with the password that is shown once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Account
    password: str


class Accounts:
    """Everything about signing in. What counts a failure returns `Denied`; see `proof.py` for why."""

    def __init__(self, session: Session, *, signer: Signer, clock: Clock = utc_now,
                 hasher: PasswordHasher | None = None) -> None:  # fmt: skip
        self.session = session
        self.signer = signer
        self.clock = clock
        self.hasher = hasher or PasswordHasher()

    def bootstrap(self, login: str = "admin") -> Bootstrapped:
        """Create the first administrator with a one-time password.

        Raises:
            Conflict: there is an account already.
        """
        if self.session.scalar(select(func.count()).select_from(AccountRow)):
            raise Conflict("core.identity:not-first")
        password = secrets.token_urlsafe(15)
        row = self._insert(login, password, display_name="", must_change=True)
        Roles(self.session, clock=self.clock).enter(row.id, Role.ADMIN, domain="*", granted_by=row.id)
        return Bootstrapped(account=_account(row), password=password)

    def create(self, login: str, password: str, *, actor: Actor, display_name: str = "",
               must_change_password: bool = True) -> Account:  # fmt: skip
        """Create an account; its first password is changed at the first sign-in unless said otherwise."""
        demand_admin(actor)
        return _account(self._insert(login, password, display_name=display_name, must_change=must_change_password))

    def sign_in(self, login: str, password: str, code: str = "") -> BrowserSession | Denied:
        """Check name, password and code, and open a browser session."""
        row = self._row(login)
        denied = self._check(login, row, password, code)
        if denied is not None or row is None:
            return denied or Denied(reason="sign-in-failed")
        return BrowserSessions(self.session, clock=self.clock).open(row.id)

    def reauthenticate(self, account_id: str, password: str, *, purpose: str, code: str = "",
                       ) -> Reauthentication | Denied:  # fmt: skip
        """Check password and code again, just before one act, and return a proof for that act alone."""
        row = self.session.get(AccountRow, account_id)
        denied = self._check(row.login if row else account_id, row, password, code)
        if denied is not None or row is None:
            return denied or Denied(reason="sign-in-failed")
        if row.must_change_password:
            return Denied(reason="password-must-change")
        return prove(account_id=row.id, purpose=purpose, with_totp=row.totp_secret is not None, at=self.clock(),
                     signer=self.signer)  # fmt: skip

    def change_password(self, account_id: str, old: str, new: str, *, code: str = "") -> Denied | None:
        """Change a password; every open session of the account ends."""
        row = self._existing(account_id)
        denied = self._check(row.login, row, old, code)
        if denied is not None:
            return denied
        if new == old:
            raise InputError("core.identity:password-same", field="new_password")
        row.password_hash = passwords.hashed(new, self.hasher)
        row.must_change_password = False
        BrowserSessions(self.session, clock=self.clock).close_all(account_id)
        self.session.flush()
        return None

    def offer_totp(self, account_id: str) -> totp.TotpOffer:
        """Make a TOTP secret for a person to put into their authenticator; nothing is stored yet."""
        return totp.offer(self._existing(account_id).login)

    def enrol_totp(self, account_id: str, *, secret: str, new_code: str, password: str, code: str = "",
                   ) -> Denied | None:  # fmt: skip
        """Store an offered secret once a code made from it was shown; `code` is of the old one, if there was one."""
        row = self._existing(account_id)
        denied = self._check(row.login, row, password, code)
        if denied is not None:
            return denied
        step = totp.accepted_step(secret, new_code, now=self.clock(), after=0)
        if step is None:
            return Denied(reason="code-wrong")
        row.totp_secret, row.totp_last_step = secret, step
        self.session.flush()
        return None

    def deactivate(self, account_id: str, *, actor: Actor) -> None:
        """Close an account: it signs in no more, and its signatures no longer release anything."""
        demand_admin(actor)
        if account_id == actor.id:
            raise Refused("core.identity:deactivate-self")
        self._existing(account_id).active = False
        BrowserSessions(self.session, clock=self.clock).close_all(account_id)
        self.session.flush()

    def accounts(self) -> list[Account]:
        """List all accounts by login."""
        return [_account(row) for row in self.session.scalars(select(AccountRow).order_by(AccountRow.login))]

    def actor(self, account_id: str) -> Actor:
        """Return an account as an actor, with the roles it holds now."""
        return Actor(id=self._existing(account_id).id, roles=roles_of(self.session, account_id))

    def _check(self, login: str, row: AccountRow | None, password: str, code: str) -> Denied | None:
        throttle = Throttle(self.session, now=self.clock())
        wait = throttle.wait(login)
        if wait:
            return Denied(reason="sign-in-wait", wait_seconds=wait)
        right = passwords.matches(password, row.password_hash if row and row.active else None, self.hasher)
        step = None
        if row is not None and row.totp_secret is not None:
            step = totp.accepted_step(row.totp_secret, code, now=self.clock(), after=row.totp_last_step)
            right = right and step is not None
        if not right or row is None:
            throttle.failed(login)
            return Denied(reason="sign-in-failed")
        if step is not None:
            row.totp_last_step = step
        throttle.cleared(login)
        self.session.flush()
        return None

    def _insert(self, login: str, password: str, *, display_name: str, must_change: bool) -> AccountRow:
        login = login.strip()
        if not login or len(login) > _LOGIN_LENGTH:
            raise InputError("core.identity:login-length", field="login", longest=_LOGIN_LENGTH)
        if self._row(login) is not None:
            raise Conflict("core.identity:login-taken", field="login", login=login)
        row = AccountRow(id=new_id("acc"), created_at=self.clock(), login=login, display_name=display_name,
                         password_hash=passwords.hashed(password, self.hasher), totp_last_step=0, active=True,
                         must_change_password=must_change)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return row

    def _row(self, login: str) -> AccountRow | None:
        return self.session.scalar(select(AccountRow).where(func.lower(AccountRow.login) == login.strip().lower()))

    def _existing(self, account_id: str) -> AccountRow:
        row = self.session.get(AccountRow, account_id)
        if row is None:
            raise NotFound("core.identity:account-unknown", field="account", account=account_id)
        return row


def _account(row: AccountRow) -> Account:
    return Account(id=row.id, login=row.login, display_name=row.display_name, active=row.active,
                   has_totp=row.totp_secret is not None, must_change_password=row.must_change_password,
                   created_at=row.created_at)  # fmt: skip
