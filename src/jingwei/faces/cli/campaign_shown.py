"""How the terminal shows campaigns, tries and finds; what was typed or answered is printed plain, never as control."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from jingwei.core.identity import Actor, Role
from jingwei.faces.cli.language import say
from jingwei.faces.cli.output import as_json, console, moment, plain, table

if TYPE_CHECKING:
    from jingwei.manage import Campaign, CampaignFind, CampaignRank, CampaignTarget, CampaignTry

READER = Actor(id="terminal", roles=frozenset({(Role.AUDITOR.value, "*")}))
"""Whoever may read the folder may read it all."""


def told(found: BaseModel, *, json_out: bool, line: str) -> None:
    """Print what was changed."""
    if json_out:
        as_json(found.model_dump(mode="json"))
    else:
        click.echo(line)


def show_targets(found: Sequence["CampaignTarget"], systems: Mapping[str, str], logins: Mapping[str, str]) -> None:
    """Print what may be attacked."""
    headers = ("id", say("column-system"), say("column-target"), say("column-by"), say("column-until"),
               say("column-state"), say("column-reason"))  # fmt: skip
    table(headers, [
        (each.id, plain(systems.get(each.system_id, each.system_id)), plain(each.locator or say("campaign-gateway")),
         plain(logins.get(each.approved_by, each.approved_by)), moment(each.expires_at),
         say("campaign-stands" if each.stands else "campaign-stands-not"), plain(each.reason)) for each in found
    ])  # fmt: skip


def show_campaigns(found: Sequence["Campaign"], systems: Mapping[str, str], logins: Mapping[str, str]) -> None:
    """Print campaigns, one a line."""
    headers = ("id", say("column-title"), say("column-system"), say("column-state"), say("campaign-column-used"),
               say("column-until"), say("column-by"))  # fmt: skip
    table(headers, [
        (each.id, plain(each.title), plain(systems.get(each.system_id, each.system_id)),
         say(f"campaign-{each.state}"), f"{each.used} / {each.requests}", moment(each.ends_at),
         plain(logins.get(each.started_by, each.started_by))) for each in found
    ])  # fmt: skip


def show_campaign(found: "Campaign", ranks: Sequence["CampaignRank"], tries: Sequence["CampaignTry"],
                  names: Mapping[str, str]) -> None:  # fmt: skip
    """Print one campaign with its leaderboard and its newest tries."""
    out = console()
    window = f"{moment(found.starts_at)} – {moment(found.ends_at)} · {found.used} / {found.requests}"
    out.print(f"[bold]{plain(found.title)}[/]  {found.id}  {say(f'campaign-{found.state}')}  [dim]{window}[/]")
    out.print("  " + plain(found.purpose))
    out.print("  [dim]" + plain(found.rules) + "[/]")
    if ranks:
        headers = ("", say("campaign-column-who"), say("campaign-column-tries"), say("campaign-column-accepted"),
                   say("campaign-column-points"))  # fmt: skip
        table(headers, [
            (str(each.place), plain(names.get(each.account_id, each.participant)), str(each.tries),
             f"{each.accepted} / {each.submitted}", str(each.score)) for each in ranks
        ])  # fmt: skip
    for each in tries:
        show_try(each)


def show_try(found: "CampaignTry") -> None:
    """Print one try."""
    out = console()
    verdict = say(f"campaign-verdict-{found.verdict}") if found.verdict else say(f"campaign-try-{found.state}")
    out.print(f"[bold]{found.number}[/]  {found.id}  {found.participant}  {verdict}  "
              f"[dim]{', '.join(map(plain, found.reasons))}[/]")  # fmt: skip
    out.print("  › " + plain(found.prompt or found.prompt_digest[:12] + "…"))
    if found.answer:
        out.print("  ‹ " + plain(found.answer))


def show_finds(found: Sequence["CampaignFind"]) -> None:
    """Print finds, one a line."""
    headers = ("id", say("column-category"), say("column-state"), say("column-severity"),
               say("campaign-column-points"), say("campaign-column-like"), say("column-at"))  # fmt: skip
    table(headers, [
        (each.id, plain(each.category), say(f"campaign-find-{each.state}"),
         say(f"severity-{each.severity.value}") if each.severity else "–", str(each.score),
         f"{each.like_id} {each.likeness:.0%}" if each.like_id else "–", moment(each.at)) for each in found
    ])  # fmt: skip


def show_find(found: "CampaignFind") -> None:
    """Print one find with its try."""
    show_finds([found])
    for text in (found.reason, found.note, found.mend):
        if text:
            click.echo("  " + plain(text))
    show_try(found.attempt)
