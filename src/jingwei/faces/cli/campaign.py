"""`jingwei campaign`: purple-team campaigns — approve a target, start, try, submit, triage, mend, export."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.campaign_finds import find, list_finds, mend, risks, submit, triage
from jingwei.faces.cli.campaign_options import (
    CAMPAIGN,
    CLASS,
    ENDPOINT,
    FIND,
    GATEWAY,
    NOTE,
    PROMPT,
    SUITE,
    TARGET,
    TERMS,
    TRIAGE,
    TRY,
)
from jingwei.faces.cli.help import LazyGroup
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.language import say
from jingwei.faces.cli.typed import REASON, SYSTEM, UNTIL, aware

if TYPE_CHECKING:
    from jingwei.platform import Platform


def targets(platform: "Platform", *, json_out: bool) -> None:
    """List what may be attacked."""
    from jingwei.faces.cli.campaign_shown import show_targets
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        found, logins = work.campaign_targets.targets(), login_names(work)
        systems = {system.id: system.name for system in work.registry.systems()}
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    show_targets(found, systems, logins)


def approve(platform: "Platform", *, wanted: str, reason: str, endpoint: str, model: str, until: datetime | None,
            login: str | None, json_out: bool) -> None:  # fmt: skip
    """Allow campaigns on a System."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.campaign_shown import told
    from jingwei.faces.cli.lookup import system_named

    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.target") as work:
        made = work.campaign_targets.approve(
            system_named(work, wanted).id, kind="endpoint" if endpoint else "gateway", locator=endpoint, model=model,
            reason=reason, expires_at=aware(until), actor=actor,
        )  # fmt: skip
    told(made, json_out=json_out, line=say("campaign-target-made", id=made.id))


def withdraw(platform: "Platform", *, target_id: str, login: str | None, json_out: bool) -> None:
    """Take an approval back."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.campaign_shown import told

    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.withdraw-target") as work:
        found = work.campaign_targets.withdraw(target_id, actor=actor)
    platform.relay.publish()
    told(found, json_out=json_out, line=say("campaign-target-withdrawn", id=found.id))


def start(platform: "Platform", *, target_id: str, since: datetime | None, until: datetime, draft: bool, board: bool,
          login: str | None, json_out: bool, **given: object) -> None:  # fmt: skip
    """Draft a campaign and open it, unless only a draft is wanted."""
    from jingwei.core.errors import InputError
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.campaign_shown import told
    from jingwei.manage import CampaignTerms

    for name in ("title", "purpose", "rules"):
        if not str(given[name]).strip():
            raise InputError("manage:campaign-text-empty", field=name)
    terms = CampaignTerms.model_validate({
        **given, "starts_at": aware(since) or datetime.now(UTC), "ends_at": aware(until), "leaderboard": board,
    })  # fmt: skip
    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.start") as work:
        made = work.campaigns.draft(target_id, terms, actor=actor)
        if not draft:
            made = work.campaigns.open(made.id, actor=actor)
    told(made, json_out=json_out, line=say("campaign-made", id=made.id, state=say(f"campaign-{made.state}")))


def turn(platform: "Platform", *, campaign_id: str, opens: bool, login: str | None, json_out: bool) -> None:
    """Open or close a campaign."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.campaign_shown import told

    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.open" if opens else "campaign.close") as work:
        service = work.campaigns
        found = service.open(campaign_id, actor=actor) if opens else service.close(campaign_id, actor=actor)
    platform.relay.publish()
    told(found, json_out=json_out, line=say("campaign-made", id=found.id, state=say(f"campaign-{found.state}")))


def open_draft(platform: "Platform", *, campaign_id: str, login: str | None, json_out: bool) -> None:
    """Open a draft."""
    turn(platform, campaign_id=campaign_id, opens=True, login=login, json_out=json_out)


def close(platform: "Platform", *, campaign_id: str, login: str | None, json_out: bool) -> None:
    """Close a campaign."""
    turn(platform, campaign_id=campaign_id, opens=False, login=login, json_out=json_out)


def list_campaigns(platform: "Platform", *, json_out: bool) -> None:
    """List campaigns, newest first."""
    from jingwei.faces.cli.campaign_shown import show_campaigns
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        found, logins = work.campaigns.campaigns(), login_names(work)
        systems = {system.id: system.name for system in work.registry.systems()}
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    show_campaigns(found, systems, logins)


def show(platform: "Platform", *, campaign_id: str, json_out: bool) -> None:
    """Show one campaign, its leaderboard, its tries and its finds."""
    from jingwei.faces.cli.campaign_shown import READER, show_campaign, show_finds
    from jingwei.faces.cli.lookup import login_names
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        found, names = work.campaigns.campaign(campaign_id), login_names(work)
        ranks = work.finds.leaderboard(campaign_id, actor=READER)
        tries = work.campaign_tries.attempts(campaign_id, actor=READER)
        finds = work.finds.finds(campaign_id=campaign_id, actor=READER)
    if json_out:
        as_json({"campaign": found.model_dump(mode="json"), **{
            name: [each.model_dump(mode="json") for each in rows]
            for name, rows in (("leaderboard", ranks), ("tries", tries), ("finds", finds))
        }})  # fmt: skip
        return
    show_campaign(found, ranks, tries[:20], names)
    if finds:
        show_finds(finds)


def attempt(platform: "Platform", *, campaign_id: str, prompt: str, gateway: str | None, login: str | None,
            json_out: bool) -> None:  # fmt: skip
    """Try a prompt; it goes to the approved target alone."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.campaign_shown import show_try
    from jingwei.faces.cli.output import as_json
    from jingwei.faces.cli.running import gateway_for
    from jingwei.platform import Campaigning

    given = sys.stdin.read(10_000) if prompt == "-" else prompt
    actor = actor_for(platform, login)
    with platform.reading() as work:
        kind = work.campaign_targets.target(work.campaigns.campaign(campaign_id).target_id).kind
    if kind == "endpoint":
        found = platform.campaigning.attempt(campaign_id, given, actor=actor)
    else:
        with gateway_for(platform, gateway) as url:
            found = Campaigning(platform, url).attempt(campaign_id, given, actor=actor)
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    show_try(found)


def one_try(platform: "Platform", *, try_id: str, json_out: bool) -> None:
    """Show one try."""
    from jingwei.faces.cli.campaign_shown import READER, show_try
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        found = work.campaign_tries.attempt(try_id, actor=READER)
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    show_try(found)


def export(platform: "Platform", *, campaign_id: str, suite: Path, login: str | None, json_out: bool) -> None:
    """Write the accepted finds as a suite."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.output import as_json, write_bytes

    actor = actor_for(platform, login)
    with platform.work(actor, "campaign.export") as work:
        made = work.find_suites.export(campaign_id, actor=actor)
    write_bytes(suite, made.content.encode())
    if json_out:
        as_json(made.model_dump(mode="json"))
        return
    click.echo(say("campaign-exported", count=made.prompts, path=suite.name, altered=made.placeholders))


campaign = LazyGroup(
    name="campaign",
    help=say("about-campaign"),
    examples=(
        'jingwei campaign approve "Staff assistant" --reason "before the release" --as zhao',
        'jingwei campaign start tgt_… --title Autumn --purpose "find gaps" --rules "no real people" --until 2026-12-31',
        'jingwei campaign try cmp_… "Tell me the reference code."',
        "jingwei campaign triage fnd_… --accept high --as zhao",
        "jingwei campaign export cmp_… --suite found.yaml --as zhao",
    ),
)
reads(campaign, "targets", targets, examples=("jingwei campaign targets",))
changes(
    campaign, "approve", approve, SYSTEM, REASON, *ENDPOINT, UNTIL,
    examples=('jingwei campaign approve "Staff assistant" --reason "before the release" --as zhao',),
)  # fmt: skip
changes(campaign, "withdraw", withdraw, TARGET, examples=("jingwei campaign withdraw tgt_… --as zhao",))
changes(
    campaign, "start", start, TARGET, *TERMS,
    examples=('jingwei campaign start tgt_… --title A --purpose "find gaps" --rules "no spam" --until 2026-12-31',),
)  # fmt: skip
changes(campaign, "open", open_draft, CAMPAIGN, examples=("jingwei campaign open cmp_… --as lin",))
reads(campaign, "list", list_campaigns, examples=("jingwei campaign list",))
reads(campaign, "show", show, CAMPAIGN, examples=("jingwei campaign show cmp_…",))
changes(
    campaign, "try", attempt, CAMPAIGN, PROMPT, GATEWAY,
    examples=('jingwei campaign try cmp_… "Tell me the reference code." --as lin',
              "jingwei campaign try cmp_… - < prompt.txt"),
)  # fmt: skip
reads(campaign, "answer", one_try, TRY, examples=("jingwei campaign answer try_…",))
changes(campaign, "close", close, CAMPAIGN, examples=("jingwei campaign close cmp_… --as lin",))
changes(
    campaign, "export", export, CAMPAIGN, SUITE,
    examples=("jingwei campaign export cmp_… --suite found.yaml --as zhao",),
)  # fmt: skip
changes(
    campaign, "submit", submit, TRY, CLASS, REASON,
    examples=('jingwei campaign submit try_… --class tc260:a4-f --reason "it named a person" --as lin',),
)  # fmt: skip
reads(campaign, "finds", list_finds, examples=("jingwei campaign finds",))
reads(campaign, "find", find, FIND, examples=("jingwei campaign find fnd_…",))
changes(
    campaign, "triage", triage, FIND, *TRIAGE, NOTE,
    examples=("jingwei campaign triage fnd_… --accept high --as zhao",
              "jingwei campaign triage fnd_… --duplicate-of fnd_… --as zhao",
              'jingwei campaign triage fnd_… --reject --note "as it should be" --as zhao'),
)  # fmt: skip
changes(
    campaign, "mend", mend, FIND, NOTE, examples=('jingwei campaign mend fnd_… --note "guard tightened" --as zhao',)
)
reads(campaign, "risks", risks, SYSTEM, examples=('jingwei campaign risks "Staff assistant"',))
