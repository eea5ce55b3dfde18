"""API keys of Systems and of accounts: made (and shown once), listed, ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.core.identity import ApiKey, NewKey
    from jingwei.platform import Platform

NAME = click.Option(["--name"], help=say("option-key-name"))
REVOKE = click.Option(["--revoke"], metavar="KEY", help=say("option-key-revoke"))


def system_key(platform: "Platform", *, wanted: str, name: str | None, revoke: str | None, until: datetime | None,
               login: str | None, json_out: bool) -> None:  # fmt: skip
    """Make a key that the gateway serves a System for, end one, or list them."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.typed import aware

    if name is None and revoke is None:
        with platform.reading() as work:
            _list(work.keys.keys(system_id=system_named(work, wanted).id), json_out=json_out)
        return
    actor = actor_for(platform, login)
    with platform.work(actor, "key.make" if name else "key.revoke") as work:
        system = system_named(work, wanted)
        if revoke is not None:
            _demand_among(work.keys.keys(system_id=system.id), revoke)
            work.registry.revoke_key(revoke, actor=actor)
        made = work.registry.make_key(system.id, name, actor=actor, expires_at=aware(until)) if name else None
    _tell(made, revoke, json_out=json_out)


def account_key(platform: "Platform", *, name: str | None, revoke: str | None, scopes: tuple[str, ...],
                until: datetime | None, login: str | None, json_out: bool) -> None:  # fmt: skip
    """Make a key for the account that acts, end one of its own, or list them."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.typed import aware

    actor = actor_for(platform, login)
    if name is None and revoke is None:
        with platform.reading() as work:
            _list(work.keys.keys(account_id=actor.id), json_out=json_out)
        return
    with platform.work(actor, "key.make" if name else "key.revoke") as work:
        if revoke is not None:
            _demand_among(work.keys.keys(account_id=actor.id), revoke)
            work.keys.revoke(revoke)
        made = (
            work.keys.make(name, scopes=frozenset(scopes or ("*",)), account_id=actor.id, expires_at=aware(until))
            if name
            else None
        )
    _tell(made, revoke, json_out=json_out)


def _demand_among(keys: "Sequence[ApiKey]", key_id: str) -> None:
    """Refuse to end a key of somebody else."""
    from jingwei.core.errors import NotFound

    if key_id not in {each.id for each in keys}:
        raise NotFound("core.identity:key-unknown", field="--revoke", key=key_id)


def _list(keys: "Sequence[ApiKey]", *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json, moment, plain, table

    if json_out:
        as_json([each.model_dump(mode="json") for each in keys])
        return
    headers = ("id", say("column-name"), say("column-scopes"), say("column-made"), say("column-until"),
               say("column-revoked"))  # fmt: skip
    table(headers, [
        (each.id, plain(each.name), plain(", ".join(each.scopes)), moment(each.created_at), moment(each.expires_at),
         moment(each.revoked_at)) for each in keys
    ])  # fmt: skip


def _tell(made: "NewKey | None", revoked: str | None, *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json

    if json_out:
        as_json(made.model_dump(mode="json") if made else {"revoked": revoked})
        return
    if revoked:
        click.echo(say("key-revoked", id=revoked), err=True)
    if made:
        click.echo(say("key-made"), err=True)
        click.echo(made.key)
