"""`jingwei account`: people, their roles, keys and second factors."""

from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.keys import NAME, REVOKE, account_key
from jingwei.faces.cli.language import say
from jingwei.faces.cli.typed import UNTIL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jingwei.core.identity import Account, Denied, Grant
    from jingwei.platform import Platform

ROLES = ("system_owner", "business", "data", "legal", "security", "ethics_committee", "senior_executive", "board",
         "engineer", "auditor", "admin")  # fmt: skip
NEW = "JINGWEI_NEW_PASSWORD"


def list_accounts(platform: "Platform", *, json_out: bool) -> None:
    """List accounts with the roles they hold."""
    from jingwei.faces.cli.output import as_json, plain, table

    with platform.reading() as work:
        found, grants = work.accounts.accounts(), work.roles.grants()
    held = {each.id: [one for one in grants if one.account_id == each.id and one.revoked_at is None] for each in found}
    if json_out:
        as_json([{**each.model_dump(mode="json"), "grants": [one.model_dump(mode="json") for one in held[each.id]]}
                 for each in found])  # fmt: skip
        return
    headers = (say("column-login"), say("column-name"), say("column-roles"), "TOTP", say("column-active"), "id")
    table(headers, [
        (plain(each.login), plain(each.display_name),
         plain(_shown(held[each.id])),
         "✓" if each.has_totp else "", "✓" if each.active else "", each.id) for each in found
    ])  # fmt: skip


def create(platform: "Platform", *, name: str, roles: tuple[str, ...], display: str, one_time: bool, login: str | None,
           json_out: bool) -> None:  # fmt: skip
    """Create an account; the first one of a home becomes its administrator."""
    import secrets

    from jingwei.faces.cli.acting import actor_for, password_for
    from jingwei.faces.cli.output import as_json

    chosen = "" if one_time else password_for(name, variable=NEW, asks="password-new", new=True)
    with platform.reading() as work:
        is_first = not work.accounts.accounts()
    if is_first:
        made, given = _first(platform, name, chosen, roles)
    else:
        given = chosen or secrets.token_urlsafe(15)
        actor = actor_for(platform, login, administers=True)
        with platform.work(actor, "account.create") as work:
            made = work.accounts.create(name, given, actor=actor, display_name=display, must_change_password=one_time)
            for role in roles:
                work.roles.grant(made.id, role, actor=actor)
    if json_out:
        as_json(made.model_dump(mode="json") | ({"password": given} if one_time else {}))
        return
    click.echo(say("account-first" if is_first else "account-created", login=made.login, roles=", ".join(roles) or "–"))
    if one_time:
        click.echo(say("account-one-time", password=given))


def role(platform: "Platform", *, name: str, role_name: str, domain: str, take: bool, login: str | None,
         json_out: bool) -> None:  # fmt: skip
    """Give an account a role in a domain, or take it back."""
    from jingwei.core.errors import NotFound
    from jingwei.faces.cli.acting import account_named, actor_for
    from jingwei.faces.cli.output import as_json

    actor = actor_for(platform, login, administers=True)
    with platform.work(actor, "account.role") as work:
        account = account_named(work, name)
        if take:
            held = [each for each in work.roles.grants(account.id)
                    if each.role == role_name and each.domain == domain and each.revoked_at is None]  # fmt: skip
            if not held:
                raise NotFound(
                    "faces.cli:role-not-held", field="role", login=account.login, role=role_name, domain=domain
                )
            for each in held:
                work.roles.revoke(each.id, actor=actor)
        else:
            work.roles.grant(account.id, role_name, domain=domain, actor=actor)
        grants = [each for each in work.roles.grants(account.id) if each.revoked_at is None]
    if json_out:
        as_json([each.model_dump(mode="json") for each in grants])
        return
    click.echo(say("account-roles", login=account.login, roles=_shown(grants)))


def totp(platform: "Platform", *, login: str, json_out: bool) -> None:
    """Enrol a second factor: shows a secret, then asks for a code made from it."""
    from jingwei.core.identity import Actor
    from jingwei.faces.cli.acting import account_named, code_for, password_for
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        account = account_named(work, login)
        offer = work.accounts.offer_totp(account.id)
    password, code = password_for(account.login), code_for(account)
    click.echo(say("totp-offer", secret=offer.secret, uri=offer.uri), err=True)
    shown: str = click.prompt(say("totp-code"), err=True)
    with platform.work(Actor(id=account.id), "account.totp") as work:
        denied = work.accounts.enrol_totp(account.id, secret=offer.secret, new_code=shown, password=password, code=code)
    _demand(denied)
    if json_out:
        as_json({"login": account.login, "has_totp": True})
        return
    click.echo(say("totp-enrolled", login=account.login))


def password(platform: "Platform", *, login: str, json_out: bool) -> None:
    """Change a password; every open session of the account ends."""
    from jingwei.core.identity import Actor
    from jingwei.faces.cli.acting import account_named, code_for, password_for
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        account = account_named(work, login)
    old, code = password_for(account.login), code_for(account)
    new = password_for(account.login, variable=NEW, asks="password-new", new=True)
    with platform.work(Actor(id=account.id), "account.password") as work:
        denied = work.accounts.change_password(account.id, old, new, code=code)
    _demand(denied)
    if json_out:
        as_json({"login": account.login})
        return
    click.echo(say("password-changed", login=account.login))


def _first(platform: "Platform", name: str, chosen: str, roles: tuple[str, ...]) -> "tuple[Account, str]":
    """Make the home's administrator, with the password that was chosen, or a one-time one."""
    from jingwei.core.errors import Refused
    from jingwei.core.identity import PLATFORM

    if set(roles) - {"admin"}:
        raise Refused("faces.cli:account-first-admin", field="--role")
    with platform.work(PLATFORM, "account.bootstrap") as work:
        made = work.accounts.bootstrap(name)
        denied = work.accounts.change_password(made.account.id, made.password, chosen) if chosen else None
        account = work.accounts.accounts()[0]
    _demand(denied)
    return account, chosen or made.password


def _shown(grants: "Sequence[Grant]") -> str:
    """Write roles, with their domain where it is not everywhere."""
    return ", ".join(each.role if each.domain == "*" else f"{each.role}@{each.domain}" for each in grants) or "–"


def _demand(denied: "Denied | None") -> None:
    """Raise what a denial says, now that the failure it counted is committed."""
    if denied is not None:
        raise denied.error()


LOGIN = Told(["name"], metavar="LOGIN", about=say("account-login"))
ONE = Told(["login"], metavar="LOGIN", about=say("account-login"))

account = LazyGroup(
    name="account",
    help=say("about-account"),
    examples=(
        "jingwei account create root",
        "jingwei account create lin --role system_owner --as root",
        "jingwei account role zhao security --domain retail --as root",
    ),
)
reads(account, "list", list_accounts, examples=("jingwei account list", "jingwei account list --json"))
changes(
    account,
    "create",
    create,
    LOGIN,
    click.Option(["--role", "roles"], multiple=True, type=click.Choice(ROLES), help=say("option-role")),
    click.Option(["--name", "display"], default="", help=say("option-display")),
    click.Option(["--one-time"], is_flag=True, help=say("option-one-time")),
    make=True,
    examples=(
        "jingwei account create root",
        "jingwei account create lin --role system_owner --as root",
        "jingwei account create zhao --role security --one-time --as root",
    ),
)
changes(
    account,
    "role",
    role,
    LOGIN,
    Told(["role_name"], metavar="ROLE", type=click.Choice(ROLES), about=say("option-role")),
    click.Option(["--domain"], default="*", show_default=True, help=say("option-domain")),
    click.Option(["--take"], is_flag=True, help=say("option-take")),
    examples=("jingwei account role zhao security --as root", "jingwei account role zhao security --take --as root"),
)
changes(
    account,
    "key",
    account_key,
    NAME,
    REVOKE,
    click.Option(["--scope", "scopes"], multiple=True, metavar="RIGHT", help=say("option-scope")),
    UNTIL,
    examples=("jingwei account key --name ci --scope run.* --as mei", "jingwei account key --as mei"),
)
changes(account, "totp", totp, ONE, acts=False, examples=("jingwei account totp lin",))
changes(account, "password", password, ONE, acts=False, examples=("jingwei account password lin",))
