"""`jingwei system override`: ask for another grade, approve a lower one, take one back."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.language import say
from jingwei.faces.cli.typed import REASON, SYSTEM, UNTIL, aware

if TYPE_CHECKING:
    from jingwei.manage import Override
    from jingwei.platform import Platform

OVERRIDE = Told(["override_id"], metavar="OVERRIDE", about=say("override-argument"))


def list_overrides(platform: "Platform", *, wanted: str, json_out: bool) -> None:
    """List the overrides of a System, oldest first."""
    from jingwei.faces.cli.lookup import login_names, system_named
    from jingwei.faces.cli.output import as_json, moment, plain, table

    with platform.reading() as work:
        found, names = work.overrides.overrides(system_named(work, wanted).id), login_names(work)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = ("id", say("column-grade"), say("column-asked-by"), say("column-approved-by"), say("column-until"),
               say("column-reason"))  # fmt: skip
    table(headers, [
        (each.id, str(each.grade), plain(names.get(each.requested_by, each.requested_by)),
         plain(", ".join(names.get(one, one) for one in each.approvers)) or "–",
         say("withdrawn") if each.withdrawn_at else moment(each.expires_at), plain(each.reason)) for each in found
    ])  # fmt: skip


def ask(platform: "Platform", *, wanted: str, grade: int, reason: str, until: datetime | None, login: str | None,
        json_out: bool) -> None:  # fmt: skip
    """Ask for another grade; a higher one holds at once."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named

    actor = actor_for(platform, login)
    with platform.work(actor, "override.ask") as work:
        system = system_named(work, wanted)
        made = work.overrides.ask(system.id, grade, reason=reason, actor=actor, expires_at=aware(until))
        in_force = work.grading.preview(system.id).grade == grade
    _tell(made, "override-holds" if in_force else "override-waits", json_out=json_out)


def approve(platform: "Platform", *, override_id: str, login: str | None, json_out: bool) -> None:
    """Approve a lower grade; asks for the password again."""
    from jingwei.faces.cli.acting import signer_for

    actor, proof = signer_for(platform, login, purpose=override_id)
    with platform.work(actor, "override.approve") as work:
        made = work.overrides.approve(override_id, actor=actor, proof=proof)
        in_force = work.grading.preview(made.system_id).grade == made.grade
    _tell(made, "override-holds" if in_force else "override-waits", json_out=json_out)


def withdraw(platform: "Platform", *, override_id: str, login: str | None, json_out: bool) -> None:
    """Take an override back."""
    from jingwei.faces.cli.acting import actor_for

    actor = actor_for(platform, login)
    with platform.work(actor, "override.withdraw") as work:
        made = work.overrides.withdraw(override_id, actor=actor)
    _tell(made, "override-withdrawn", json_out=json_out)


def _tell(made: "Override", key: str, *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json

    if json_out:
        as_json(made.model_dump(mode="json"))
        return
    click.echo(say(key, id=made.id, grade=made.grade, count=len(made.approvers)))
    if key != "override-withdrawn":
        click.echo(say("override-grade-again"))


override = LazyGroup(
    name="override",
    help=say("about-system-override"),
    examples=(
        'jingwei system override ask "Staff assistant" 3 --reason "board wish"',
        "jingwei system override approve ovr_… --as zhao",
    ),
)
reads(override, "list", list_overrides, SYSTEM, examples=('jingwei system override list "Staff assistant"',))
changes(
    override,
    "ask",
    ask,
    SYSTEM,
    Told(["grade"], type=click.IntRange(1, 5), about=say("override-grade")),
    REASON,
    UNTIL,
    examples=(
        'jingwei system override ask "Staff assistant" 3 --reason "board wish"',
        'jingwei system override ask "Staff assistant" 1 --reason "pilot, read only" --until 2026-12-31',
    ),
)
changes(override, "approve", approve, OVERRIDE, examples=("jingwei system override approve ovr_… --as zhao",))
changes(override, "withdraw", withdraw, OVERRIDE, examples=("jingwei system override withdraw ovr_… --as lin",))
