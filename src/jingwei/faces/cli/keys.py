"""API keys of Systems and of accounts: made (and shown once), listed, ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import Told
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.core.identity import ApiKey, NewKey
    from jingwei.platform import Platform

NAME = click.Option(["--name"], help=say("option-key-name"))
TERMS = (
    Told(["key"], metavar="KEY", about=say("key-argument")),
    click.Option(["--tenant"], default="", metavar="NAME", help=say("option-tenant")),
    click.Option(["--requests-per-minute", "per_minute"], type=click.IntRange(0), help=say("option-per-minute")),
    click.Option(["--tokens-per-day", "per_day"], type=click.IntRange(0), help=say("option-per-day")),
    click.Option(["--concurrent-requests", "at_once"], type=click.IntRange(0), help=say("option-at-once")),
)
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


def key_terms(platform: "Platform", *, wanted: str, key: str, tenant: str, per_minute: int | None, per_day: int | None,
              at_once: int | None, login: str | None, json_out: bool) -> None:  # fmt: skip
    """Say whom a System's key is counted for and what it may use."""
    from jingwei.core.policy import Limits
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json

    given = {"requests_per_minute": per_minute, "tokens_per_day": per_day, "concurrent_requests": at_once}
    known = {name: value for name, value in given.items() if value is not None}
    actor = actor_for(platform, login)
    with platform.work(actor, "key.terms") as work:
        _demand_among(work.keys.keys(system_id=system_named(work, wanted).id), key, field="key")
        found = work.registry.set_key_terms(key, actor=actor, tenant=tenant,
                                            limits=Limits.model_validate(known) if known else None)  # fmt: skip
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    click.echo(say("key-terms-set", name=found.name or found.id))


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


def _demand_among(keys: "Sequence[ApiKey]", key_id: str, *, field: str = "--revoke") -> None:
    """Refuse to end a key of somebody else."""
    from jingwei.core.errors import NotFound

    if key_id not in {each.id for each in keys}:
        raise NotFound("core.identity:key-unknown", field=field, key=key_id)


def _list(keys: "Sequence[ApiKey]", *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json, moment, plain, table

    if json_out:
        as_json([each.model_dump(mode="json") for each in keys])
        return
    headers = ("id", say("column-name"), say("column-tenant"), say("column-scopes"), say("column-made"),
               say("column-until"), say("column-revoked"))  # fmt: skip
    table(headers, [
        (each.id, plain(each.name), plain(each.tenant), plain(", ".join(each.scopes)), moment(each.created_at),
         moment(each.expires_at), moment(each.revoked_at)) for each in keys
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
