"""The caller's own account: who they are, password and authenticator."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from jingwei.core.identity import Account, Grant, TotpOffer
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import Confirmed, Given
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said

router = APIRouter(prefix="/me", tags=["me"], route_class=KeyedRoute, responses=refusals())


class Me(BaseModel):
    """The caller."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Account
    roles: tuple[Grant, ...]
    scopes: tuple[str, ...]
    """What the key in use allows."""


class NewPassword(Given):
    """The old password (and code) and the new one."""

    old_password: SecretStr
    new_password: SecretStr
    code: SecretStr = SecretStr("")


class Authenticator(Confirmed):
    """An offered secret, with a code made from it."""

    secret: SecretStr
    new_code: str = Field(pattern=r"^[0-9]{6}$")


@router.get("", **said("faces.api:show-me"))
def show_me(caller: Asking) -> Me:
    """Show the caller's account, roles and the key's scopes."""
    with caller.reading() as work:
        account = next(each for each in work.accounts.accounts() if each.id == caller.actor.id)
        roles = tuple(each for each in work.roles.grants(caller.actor.id) if each.revoked_at is None)
    return Me(account=account, roles=roles, scopes=tuple(sorted(caller.actor.scopes)))


@router.put("/password", status_code=HTTPStatus.NO_CONTENT, **said("faces.api:change-password"))
def change_password(caller: Asking, change: Annotated[NewPassword, given("change-password")]) -> None:
    """Change the password; every open browser session of the account ends."""
    with caller.work("account.password") as work:
        denied = work.accounts.change_password(
            caller.actor.id, change.old_password.get_secret_value(), change.new_password.get_secret_value(),
            code=change.code.get_secret_value(),
        )  # fmt: skip
    if denied is not None:
        raise denied.error()


@router.get("/totp/offer", **said("faces.api:offer-totp"))
def offer_totp(caller: Asking) -> TotpOffer:
    """Make a secret for an authenticator; nothing is stored yet."""
    with caller.reading() as work:
        return work.accounts.offer_totp(caller.actor.id)


@router.put("/totp", status_code=HTTPStatus.NO_CONTENT, **said("faces.api:enrol-totp"))
def enrol_totp(caller: Asking, offered: Annotated[Authenticator, given("enrol-totp")]) -> None:
    """Store an offered secret, with a code made from it and the password."""
    with caller.work("account.totp") as work:
        denied = work.accounts.enrol_totp(
            caller.actor.id, secret=offered.secret.get_secret_value(), new_code=offered.new_code,
            password=offered.password.get_secret_value(), code=offered.code.get_secret_value(),
        )  # fmt: skip
    if denied is not None:
        raise denied.error()
