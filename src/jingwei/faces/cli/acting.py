"""Who acts in the terminal: an account of the home, proven by its password; on a fresh home, the person at it.

A fresh home gets three local accounts the first time something is changed: an administrator, an engineer named like
the operating system's user, and a service account that does nothing but attach the guard `jingwei assess` compiles.
The passwords of the first two lie in `keys/local-accounts.json` (0600). The service account's is thrown away, so that
nobody can sign anything with it. No local account signs: a signature always takes a password that a person gives.
"""

import getpass
import json
import os
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from jingwei.core.errors import InputError, Tampered
from jingwei.core.identity import PLATFORM, Account, Actor, Denied, Reauthentication, Role
from jingwei.core.store.failure import failures_said
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.platform import Platform, Work

ADMIN = "admin"
GUARD = "jingwei-guard"
_ACTING = "terminal"


class Local(NamedTuple):
    """The local accounts of a home that was begun in the terminal."""

    engineer: str
    guard_id: str
    passwords: dict[str, str]


def actor_for(platform: "Platform", login: str | None, *, administers: bool = False) -> Actor:
    """Return who acts: `--as`, then JINGWEI_ACCOUNT, then the home's own engineer (or administrator).

    Raises:
        InputError: the home has accounts and none was named, or there is no such account.
        Refused: the password or the code does not hold.
    """
    name = login or os.environ.get("JINGWEI_ACCOUNT", "")
    local = _local(platform) or (None if name else _begin(platform))
    if not name and local is not None:
        name = ADMIN if administers else local.engineer
    if not name:
        raise InputError("faces.cli:who-acts", field="--as")
    known = local.passwords.get(name, "") if local else ""
    return _proven(platform, name, purpose=_ACTING, known=known)[0]


def signer_for(platform: "Platform", login: str | None, *, purpose: str) -> tuple[Actor, Reauthentication]:
    """Return who signs, with their proof for this one act; a kept password never signs.

    Raises:
        InputError: nobody was named, or no password can be asked for.
        Refused: the password or the code does not hold.
    """
    name = login or os.environ.get("JINGWEI_ACCOUNT", "")
    if not name:
        raise InputError("faces.cli:who-signs", field="--as")
    return _proven(platform, name, purpose=purpose, known="")


def guard_actor(platform: "Platform") -> Actor | None:
    """Return the service account that attaches guards on a local home; none on any other."""
    local = _local(platform)
    if local is None:
        return None
    with platform.reading() as work:
        return work.accounts.actor(local.guard_id)


def password_for(
    login: str, *, variable: str = "JINGWEI_PASSWORD", asks: str = "password-of", new: bool = False
) -> str:
    """Return a password from the environment or a hidden prompt; never from the command line.

    Raises:
        InputError: there is no terminal to ask at.
    """
    if given := os.environ.get(variable, ""):
        return given
    if not sys.stdin.isatty():
        raise InputError("faces.cli:password-needed", field=variable, login=login, variable=variable)
    answer: str = click.prompt(say(asks, login=login), hide_input=True, confirmation_prompt=new, err=True)
    return answer


def code_for(account: Account) -> str:
    """Return the TOTP code of an account that has one.

    Raises:
        InputError: there is no terminal to ask at.
    """
    if not account.has_totp:
        return ""
    if given := os.environ.get("JINGWEI_CODE", ""):
        return given
    if not sys.stdin.isatty():
        raise InputError(
            "faces.cli:password-needed", field="JINGWEI_CODE", login=account.login, variable="JINGWEI_CODE"
        )
    answer: str = click.prompt(say("code-of", login=account.login), err=True)
    return answer


def account_named(work: "Work", login: str) -> Account:
    """Return an account by its login.

    Raises:
        InputError: there is none.
    """
    found = next((each for each in work.accounts.accounts() if each.login.casefold() == login.casefold()), None)
    if found is None:
        raise InputError("faces.cli:account-unknown", field="login", login=login)
    return found


def _proven(platform: "Platform", login: str, *, purpose: str, known: str) -> tuple[Actor, Reauthentication]:
    with platform.reading() as work:
        account = account_named(work, login)
    password = os.environ.get("JINGWEI_PASSWORD", "") or known or password_for(account.login)
    code = code_for(account)
    with platform.work(Actor(id=account.id), "terminal.prove") as work:
        proof = work.accounts.reauthenticate(account.id, password, purpose=purpose, code=code)
        actor = work.accounts.actor(account.id)
    if isinstance(proof, Denied):
        raise proof.error()
    return actor, proof


def _path(platform: "Platform") -> Path:
    return platform.settings.keys_path / "local-accounts.json"


def _local(platform: "Platform") -> Local | None:
    path = _path(platform)
    try:
        with failures_said(str(path)):
            return Local(**json.loads(path.read_bytes())) if path.exists() else None
    except (ValueError, TypeError) as error:
        raise Tampered("faces.cli:local-accounts-broken", field="home", path=str(path)) from error


def _begin(platform: "Platform") -> Local | None:
    """Make the local accounts of a home that has none yet."""
    with platform.reading() as work:
        if work.accounts.accounts():
            return None
    with platform.work(PLATFORM, "account.bootstrap") as work:
        first = work.accounts.bootstrap(ADMIN)
        admin, kept, engineer = work.accounts.actor(first.account.id), secrets.token_urlsafe(18), _user()
        work.accounts.change_password(admin.id, first.password, kept)
        passwords = {ADMIN: kept, engineer: secrets.token_urlsafe(18)}
        made = work.accounts.create(engineer, passwords[engineer], actor=admin, must_change_password=False)
        work.roles.grant(made.id, Role.ENGINEER, actor=admin)
        guard = work.accounts.create(GUARD, secrets.token_urlsafe(32), actor=admin, must_change_password=False)
        work.roles.grant(guard.id, Role.SECURITY, actor=admin)
        local = Local(engineer=engineer, guard_id=guard.id, passwords=passwords)
        _keep(_path(platform), local)
    click.echo(say("local-begun", login=engineer, path=str(_path(platform))), err=True)
    return local


def _keep(path: Path, local: Local) -> None:
    """Write the file whole or not at all, readable by its owner alone."""
    draft = path.with_suffix(f".{os.getpid()}")
    with failures_said(str(path)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(local._asdict(), file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _user() -> str:
    """Name the engineer like the operating system's user."""
    try:
        name = re.sub(r"[^\w.@-]", "", getpass.getuser())[:80]
    except (OSError, KeyError, ImportError):
        name = ""
    return name if name and name.casefold() not in {ADMIN, GUARD} else "engineer"
