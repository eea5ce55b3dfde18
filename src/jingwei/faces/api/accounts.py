"""Accounts and roles, for administrators."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, SecretStr

from jingwei.core.identity import Account, Grant
from jingwei.faces.api.caller import Asking
from jingwei.faces.api.failures import refusals
from jingwei.faces.api.names import AccountId, Given, GrantId
from jingwei.faces.api.paging import PAGE, Limit, Offset, Page, page
from jingwei.faces.api.route import KeyedRoute
from jingwei.faces.api.words import given, said

router = APIRouter(tags=["accounts"], route_class=KeyedRoute, responses=refusals())


class NewAccount(Given):
    """An account to be made; its first password is changed at the first sign-in."""

    login: str = Field(min_length=1, max_length=120)
    password: SecretStr
    display_name: str = Field(default="", max_length=120)


class NewGrant(Given):
    """A role, and the domain it holds in."""

    role: str = Field(min_length=1, max_length=40)
    domain: str = Field(default="*", min_length=1, max_length=80, pattern=r"^\S+$")


@router.get("/accounts", **said("faces.api:list-accounts"))
def list_accounts(caller: Asking, offset: Offset = 0, limit: Limit = PAGE) -> Page[Account]:
    """List accounts by login."""
    with caller.reading() as work:
        return page(work.accounts.accounts(), offset=offset, limit=limit)


@router.post("/accounts", status_code=HTTPStatus.CREATED, **said("faces.api:create-account"))
def create_account(caller: Asking, wanted: Annotated[NewAccount, given("create-account")]) -> Account:
    """Create an account."""
    with caller.work("account.create") as work:
        return work.accounts.create(wanted.login, wanted.password.get_secret_value(), actor=caller.actor,
                                    display_name=wanted.display_name)  # fmt: skip


@router.post(
    "/accounts/{account_id}/deactivate", status_code=HTTPStatus.NO_CONTENT, **said("faces.api:deactivate-account")
)
def deactivate_account(caller: Asking, account_id: AccountId) -> None:
    """Close an account: it signs in no more, its keys open nothing, its signatures release nothing."""
    with caller.work("account.deactivate") as work:
        work.accounts.deactivate(account_id, actor=caller.actor)
    caller.publish()


@router.get("/accounts/{account_id}/roles", **said("faces.api:list-roles"))
def list_roles(caller: Asking, account_id: AccountId) -> list[Grant]:
    """List an account's roles, those taken back too."""
    with caller.reading() as work:
        work.accounts.actor(account_id)  # refuses an account that is not there
        return work.roles.grants(account_id)


@router.post("/accounts/{account_id}/roles", status_code=HTTPStatus.CREATED, **said("faces.api:grant-role"))
def grant_role(caller: Asking, account_id: AccountId, wanted: Annotated[NewGrant, given("grant-role")]) -> Grant:
    """Give an account a role in a domain."""
    with caller.work("role.grant") as work:
        return work.roles.grant(account_id, wanted.role, domain=wanted.domain, actor=caller.actor)


@router.delete("/roles/{grant_id}", status_code=HTTPStatus.NO_CONTENT, **said("faces.api:revoke-role"))
def revoke_role(caller: Asking, grant_id: GrantId) -> None:
    """Take a role back."""
    with caller.work("role.revoke") as work:
        work.roles.revoke(grant_id, actor=caller.actor)
