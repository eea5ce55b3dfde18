"""`jingwei gate`: what is missing, ask, sign, release — and replay, revoke, suspend."""

from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import changes, reads
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.typed import REASON, SYSTEM

if TYPE_CHECKING:
    from jingwei.manage import GateVerdict, ReleaseRequest
    from jingwei.platform import Platform

CLOSED = 3


def show(platform: "Platform", *, wanted: str, json_out: bool) -> int:
    """Show the verdict: what is missing, failed, expired or stale, and what would mend it. Exit code 3 while closed."""
    from jingwei.faces.cli.lookup import login_names, system_named
    from jingwei.faces.cli.output import as_json, moment, plain, table

    with platform.reading() as work:
        system = system_named(work, wanted)
        verdict, names = work.gate.verdict(system.id), login_names(work)
        requests, tokens = work.gate.requests(system.id), work.tokens.tokens(system.id)
    if json_out:
        as_json({"verdict": verdict.model_dump(mode="json"),
                 "requests": [each.model_dump(mode="json") for each in requests],
                 "tokens": [each.model_dump(mode="json") for each in tokens]})  # fmt: skip
        return 0 if verdict.passed else CLOSED
    show_verdict(verdict)
    for request in requests[:5]:
        _show_request(request, names)
    if tokens:
        headers = (
            say("column-token"),
            say("column-kind"),
            say("column-until"),
            say("column-revoked"),
            say("column-reason"),
        )
        table(headers, [(each.id, say(f"token-{each.kind}"), moment(each.expires_at), moment(each.revoked_at),
                         plain(each.reason)) for each in tokens[:10]])  # fmt: skip
    return 0 if verdict.passed else CLOSED


def show_verdict(verdict: "GateVerdict") -> None:
    """Print a verdict for people."""
    from jingwei.faces.cli.output import console, day, plain, table

    out, language = console(), current()
    mark = f"[bold green]{say('gate-open')}[/]" if verdict.passed else f"[bold red]{say('gate-closed')}[/]"
    out.print(f"{mark}  {say('gate-line', grade=verdict.grade, count=len(verdict.open_items) + len(verdict.blockers))}")
    for blocker in verdict.blockers:
        out.print(f"  [red]✗[/] {plain(blocker.says.of(language))}")
    style = {"valid": "green", "failed": "red", "missing": "red"}
    headers = (say("column-evidence"), say("column-state"), say("column-until"), say("column-mend"))
    table(headers, [
        (f"{item.type}\n[dim]{plain(item.title.of(language))}[/]",
         f"[{style.get(item.state.value, 'yellow')}]{say(f'state-{item.state.value}')}[/]", day(item.expires_at),
         plain(item.mend.of(language)) if item.mend else "") for item in verdict.items
    ])  # fmt: skip


def request(platform: "Platform", *, wanted: str, login: str | None, json_out: bool) -> None:
    """Ask for a release."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import login_names, system_named

    actor = actor_for(platform, login)
    with platform.work(actor, "release.request") as work:
        made, names = work.gate.open_request(system_named(work, wanted).id, actor=actor), login_names(work)
    _tell(made, names, json_out=json_out)


def sign(platform: "Platform", *, request_id: str, role: str, reject: bool, comment: str, login: str | None,
         json_out: bool) -> None:  # fmt: skip
    """Sign a request in one role; asks for the password again, whoever is at the terminal."""
    from jingwei.faces.cli.acting import signer_for
    from jingwei.faces.cli.lookup import login_names

    actor, proof = signer_for(platform, login, purpose=request_id)
    with platform.work(actor, "release.sign") as work:
        made = work.gate.sign(request_id, actor=actor, role=role, proof=proof, approves=not reject, comment=comment)
        names = login_names(work)
    _tell(made, names, json_out=json_out)


def withdraw(platform: "Platform", *, request_id: str, login: str | None, json_out: bool) -> None:
    """Take one's own request back."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import login_names

    actor = actor_for(platform, login)
    with platform.work(actor, "release.withdraw") as work:
        made, names = work.gate.withdraw(request_id, actor=actor), login_names(work)
    _tell(made, names, json_out=json_out)


def release(platform: "Platform", *, request_id: str, login: str | None, json_out: bool) -> None:
    """Issue the release token of a request that has its signatures."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.output import as_json, moment

    actor = actor_for(platform, login)
    with platform.work(actor, "release.issue") as work:
        token = work.gate.release(request_id, actor=actor)
    if json_out:
        as_json(token.model_dump(mode="json"))
        return
    click.echo(say("gate-released", token=token.id, until=moment(token.expires_at)))
    click.echo(say("next", command=f"jingwei system key {token.system_id} --name application"))


def replay(platform: "Platform", *, request_id: str, json_out: bool) -> None:
    """Judge what a request recorded again, and compare."""
    from jingwei.faces.cli.output import as_json

    with platform.reading() as work:
        verdict = work.gate.replay(request_id)
    if json_out:
        as_json(verdict.model_dump(mode="json"))
        return
    click.echo(say("gate-replayed", inputs=verdict.inputs_digest))
    show_verdict(verdict)


def revoke(platform: "Platform", *, token_id: str, reason: str, login: str | None, json_out: bool) -> None:
    """Revoke a token."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.output import as_json

    actor = actor_for(platform, login)
    with platform.work(actor, "token.revoke") as work:
        token = work.tokens.revoke(token_id, actor=actor, reason=reason)
    if json_out:
        as_json(token.model_dump(mode="json"))
        return
    click.echo(say("gate-revoked", token=token.id))


def suspend(platform: "Platform", *, wanted: str, reason: str, login: str | None, json_out: bool) -> None:
    """Stop a live System: all its tokens are revoked."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json

    actor = actor_for(platform, login)
    with platform.work(actor, "system.suspend") as work:
        system = work.tokens.suspend(system_named(work, wanted).id, actor=actor, reason=reason)
    if json_out:
        as_json(system.model_dump(mode="json"))
        return
    click.echo(say("gate-suspended", name=system.name))


def _tell(made: "ReleaseRequest", names: dict[str, str], *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json

    if json_out:
        as_json(made.model_dump(mode="json"))
        return
    _show_request(made, names)
    if made.status != "open":
        return
    if made.still_needed:
        role = made.roles_wanted[0] if made.roles_wanted else "ROLE"
        click.echo(say("next", command=f"jingwei gate sign {made.id} --role {role} --as LOGIN"))
    else:
        click.echo(say("next", command=f"jingwei gate release {made.id}"))


def _show_request(made: "ReleaseRequest", names: dict[str, str]) -> None:
    from jingwei.faces.cli.output import console, moment, plain

    out = console()
    who = names.get(made.requested_by, made.requested_by)
    out.print(f"[bold]{made.id}[/]  {say(f'request-{made.status}')}  "
              f"[dim]{plain(say('request-asked', who=who, at=moment(made.requested_at)))}[/]")  # fmt: skip
    for vote in made.votes:
        mark = "[green]✓[/]" if vote.approves else "[red]✗[/]"
        out.print(f"  {mark} {vote.role}  {plain(names.get(vote.account_id, vote.account_id))}  "
                  f"[dim]{moment(vote.at)}[/] {plain(vote.comment)}")  # fmt: skip
    if made.status == "open" and made.still_needed:
        out.print("  " + plain(say("request-needs", count=made.still_needed, roles=", ".join(made.roles_wanted))))


REQUEST = Told(["request_id"], metavar="REQUEST", about=say("request-argument"))

gate = LazyGroup(
    name="gate",
    help=say("about-gate"),
    examples=(
        'jingwei gate show "Staff assistant"',
        'jingwei gate request "Staff assistant"',
        "jingwei gate sign req_… --role security --as zhao",
        "jingwei gate release req_…",
    ),
)
reads(
    gate,
    "show",
    show,
    SYSTEM,
    examples=('jingwei gate show "Staff assistant"', 'jingwei gate show "Staff assistant" --json'),
)
changes(gate, "request", request, SYSTEM, examples=('jingwei gate request "Staff assistant" --as mei',))
changes(
    gate,
    "sign",
    sign,
    REQUEST,
    click.Option(["--role"], required=True, help=say("option-role-sign")),
    click.Option(["--reject"], is_flag=True, help=say("option-reject")),
    click.Option(["--comment"], default="", metavar="TEXT", help=say("option-comment")),
    examples=(
        "jingwei gate sign req_… --role security --as zhao",
        'jingwei gate sign req_… --role system_owner --reject --comment "not yet" --as lin',
    ),
)
changes(gate, "withdraw", withdraw, REQUEST, examples=("jingwei gate withdraw req_… --as mei",))
changes(gate, "release", release, REQUEST, examples=("jingwei gate release req_… --as mei",))
reads(gate, "replay", replay, REQUEST, examples=("jingwei gate replay req_…",))
changes(
    gate,
    "revoke",
    revoke,
    Told(["token_id"], metavar="TOKEN", about=say("token-argument")),
    REASON,
    examples=('jingwei gate revoke tok_… --reason "key leaked" --as zhao',),
)
changes(
    gate,
    "suspend",
    suspend,
    SYSTEM,
    REASON,
    examples=('jingwei gate suspend "Staff assistant" --reason incident --as zhao',),
)
