"""Finds in the terminal: submitted, listed, triaged, mended; and the risks they are to a System."""

from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from jingwei.manage import CampaignFind
    from jingwei.platform import Platform


def submit(platform: "Platform", *, try_id: str, category: str, reason: str, login: str | None,
           json_out: bool) -> None:  # fmt: skip
    """Submit one's own try."""
    from jingwei.faces.cli.acting import actor_for

    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.submit") as work:
        made = work.finds.submit(try_id, category=category, reason=reason, actor=actor)
    _tell(made, json_out=json_out)


def list_finds(platform: "Platform", *, json_out: bool) -> None:
    """List finds, newest first."""
    from jingwei.faces.cli.campaign_shown import READER, show_finds
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        found = work.finds.finds(actor=READER)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    show_finds(found)


def find(platform: "Platform", *, find_id: str, json_out: bool) -> None:
    """Show one find with its try."""
    from jingwei.faces.cli.campaign_shown import READER, show_find
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        found = work.finds.find(find_id, actor=READER)
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    show_find(found)


def triage(platform: "Platform", *, find_id: str, severity: str | None, duplicate_of: str, reject: bool, note: str,
           login: str | None, json_out: bool) -> None:  # fmt: skip
    """Accept another person's find, call it a duplicate, or reject it."""
    from jingwei.core.finding import Severity
    from jingwei.faces.cli.acting import actor_for
    from jingwei.manage import TriageDecision

    if bool(severity) + bool(duplicate_of) + reject != 1:
        raise click.UsageError(say("campaign-one-decision"))
    decision: TriageDecision = "accept" if severity else "duplicate" if duplicate_of else "reject"
    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.triage") as work:
        done = work.finds.triage(find_id, decision, severity=Severity(severity) if severity else None, actor=actor,
                                 duplicate_of=duplicate_of, note=note)  # fmt: skip
    _tell(done, json_out=json_out)


def mend(platform: "Platform", *, find_id: str, note: str, login: str | None, json_out: bool) -> None:
    """Say what was done about an accepted find."""
    from jingwei.faces.cli.acting import actor_for

    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.mend") as work:
        done = work.finds.mend(find_id, note=note, actor=actor)
    _tell(done, json_out=json_out)


def risks(platform: "Platform", *, wanted: str, json_out: bool) -> None:
    """List the accepted finds of a System that nobody has mended."""
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json, plain, table

    with platform.reading() as work:
        found = work.finds.risks(system_named(work, wanted).id)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = ("id", say("column-severity"), say("column-summary"))
    table(headers, [(each.location.path, say(f"severity-{each.severity.value}"), plain(each.title.of(current())))
                    for each in found])  # fmt: skip


def _tell(found: "CampaignFind", *, json_out: bool) -> None:
    from jingwei.faces.cli.campaign_shown import told

    line = say("campaign-find-told", id=found.id, state=say(f"campaign-find-{found.state}"), score=found.score)
    if found.like_id and found.state == "submitted":
        line += "\n" + say("campaign-find-like", id=found.like_id, share=f"{found.likeness:.0%}")
    told(found, json_out=json_out, line=line)
