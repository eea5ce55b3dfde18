"""People: signing in, one's own account, and everybody's for an administrator."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.faces.console.views.parts import FRESH, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView:
    """The form to sign in."""

    next_url: str
    form: Form
    first_run: bool = False
    """True while there is no account yet: the page then says how to make the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role in one domain."""

    id: str
    role: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One account."""

    id: str
    login: str
    name: str
    active: bool
    has_code: bool
    grants: tuple[Grant, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsView:
    """Every account, and the form that makes one."""

    accounts: tuple[AccountLine, ...]
    roles: tuple[str, ...]
    form: Form = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccountView:
    """One's own account."""

    account: AccountLine
    form: Form = FRESH
    enrolment_secret: str = ""
    """Secret of a one-time code being enrolled, shown once."""
    enrolment_address: str = ""
    """The same as the `otpauth:` address that authenticators scan."""
    must_change: bool = False
    """True: nothing else is offered until the first password is changed."""
