"""`jingwei policy`: what the guard enforces for a System — shown, compiled, put in force."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import alone, changes, reads
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.typed import SYSTEM

if TYPE_CHECKING:
    from jingwei.core.policy import Policy
    from jingwei.manage import SystemFile
    from jingwei.platform import Platform


def show(platform: "Platform", *, wanted: str, json_out: bool) -> None:
    """Show the policy in force."""
    from jingwei.core.errors import NotFound
    from jingwei.faces.cli.lookup import system_named

    with platform.reading() as work:
        system = system_named(work, wanted)
        found = work.policies.in_force(system.id)
    if found is None:
        raise NotFound("faces.cli:policy-none", field="system", name=system.name)
    _show(found, json_out=json_out)


def compile_policy(platform: "Platform", *, wanted: str, file: Path | None, json_out: bool) -> None:
    """Compile the policy that a System's grade and facts demand, without putting it in force."""
    from jingwei.faces.cli.lookup import system_named

    read = _file(file)
    with platform.reading() as work:
        found = work.guarding.compile(system_named(work, wanted).id, guard=read.guard if read else None,
                                      tools=read.tools if read else None)  # fmt: skip
    _show(found, json_out=json_out)


def attach(platform: "Platform", *, wanted: str, file: Path | None, login: str | None, json_out: bool) -> None:
    """Compile the policy and put it in force."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json

    read = _file(file)
    actor = actor_for(platform, login)
    with platform.work(actor, "policy.attach") as work:
        made = work.guarding.attach(system_named(work, wanted).id, actor=actor, guard=read.guard if read else None,
                                    tools=read.tools if read else None)  # fmt: skip
    if json_out:
        as_json(made.model_dump(mode="json"))
        return
    click.echo(say("policy-attached", digest=made.digest[:12], grade=made.grade))


def history(platform: "Platform", *, wanted: str, json_out: bool) -> None:
    """List all policies of a System, newest first."""
    from jingwei.faces.cli.lookup import login_names, system_named
    from jingwei.faces.cli.output import as_json, moment, plain, table

    with platform.reading() as work:
        found, names = work.policies.history(system_named(work, wanted).id), login_names(work)
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return
    headers = (say("column-digest"), say("column-grade"), say("column-attached"), say("column-by"), say("column-until"))
    table(headers, [
        (each.digest[:16], str(each.grade), moment(each.attached_at),
         plain(names.get(each.attached_by, each.attached_by)),
         moment(each.retired_at) if each.retired_at else say("in-force")) for each in found])  # fmt: skip


def sign(platform: "Platform", *, file: Path, json_out: bool) -> None:
    """Sign a policy file with this home's key, in a file beside it."""
    from jingwei.deploy.guard.policy_file import read_policy, signed
    from jingwei.faces.cli.output import as_json

    policy = read_policy(file)
    place = signed(file, platform.signer)
    if json_out:
        as_json({"signature": str(place), "key_id": platform.signer.verifier.key_id, "policy": policy.digest})
        return
    click.echo(say("policy-signed", path=str(place), digest=policy.digest[:12]))


def verify(*, file: Path, key: Path, json_out: bool) -> None:
    """Check the signature of a policy file with nothing but the public key."""
    from jingwei.core.snapshot import read_public_key
    from jingwei.deploy.guard.policy_file import read_policy
    from jingwei.faces.cli.output import as_json

    verifier = read_public_key(key)
    policy = read_policy(file, trusted=verifier)
    if json_out:
        as_json({"holds": True, "key_id": verifier.key_id, "policy": policy.digest})
        return
    click.echo(say("policy-verified", key_id=verifier.key_id, digest=policy.digest[:12]))


def _file(path: Path | None) -> "SystemFile | None":
    from jingwei.manage import read_system

    return read_system(path) if path else None


def _show(found: "Policy", *, json_out: bool) -> None:
    from jingwei.faces.cli.output import as_json, console, plain, table

    if json_out:
        as_json({"digest": found.digest, **found.model_dump(mode="json")})
        return
    out, language = console(), current()
    out.print(f"[bold]{say('policy-line', grade=found.grade)}[/]  [dim]{found.digest}[/]")
    headers = (say("column-category"), say("column-inbound"), say("column-outbound"), say("column-on-failure"))
    table(headers, [
        (say(f"category-{rule.category.value}"), say(f"decision-{rule.inbound.value}"),
         say(f"decision-{rule.outbound.value}"), say(f"fail-{rule.on_failure.value}")) for rule in found.rules
    ])  # fmt: skip
    lines = {
        "policy-tools": ", ".join(
            f"{tool.name} ({tool.effect})" + (" ✋" if tool.needs_person else "") for tool in found.tools
        ),
        "policy-words": ", ".join(found.words),
        "policy-allowed": ", ".join(found.allowed_words),
        "policy-canaries": str(len(found.canaries)),
        "policy-label": found.explicit_label.of(language) if found.explicit_label else "",
        "policy-answer": found.safe_answer.of(language),
    }
    for key, value in lines.items():
        out.print(f"[dim]{say(key)}[/]  {plain(value) or '–'}")


FILE = click.Option(["--file"], type=click.Path(path_type=Path, exists=True, dir_okay=False), help=say("policy-file"))

policy = LazyGroup(
    name="policy",
    help=say("about-policy"),
    examples=('jingwei policy compile "Staff assistant"', 'jingwei policy attach "Staff assistant" --as zhao'),
)
reads(policy, "show", show, SYSTEM, examples=('jingwei policy show "Staff assistant"',))
reads(
    policy,
    "compile",
    compile_policy,
    SYSTEM,
    FILE,
    examples=('jingwei policy compile "Staff assistant" --file system.yaml',),
)
changes(
    policy,
    "attach",
    attach,
    SYSTEM,
    FILE,
    examples=('jingwei policy attach "Staff assistant" --file system.yaml --as zhao',),
)
reads(policy, "history", history, SYSTEM, examples=('jingwei policy history "Staff assistant"',))
POLICY_FILE = Told(["file"], metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                   about=say("detect-policy-file"))  # fmt: skip
reads(policy, "sign", sign, POLICY_FILE, examples=("jingwei policy sign policy.yaml",))
alone(
    policy,
    "verify",
    verify,
    POLICY_FILE,
    click.Option(["--key"], required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
                 help=say("verify-key")),
    examples=("jingwei policy verify policy.yaml --key platform.pub",),
)  # fmt: skip
