"""`jingwei system`: register from `system.yaml`, grade with the reasons, see what a System is made of."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import alone, changes, reads, settings_from
from jingwei.faces.cli.keys import NAME, REVOKE, TERMS, key_terms, system_key
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.typed import FILE, REASON, SYSTEM, UNTIL, Given

if TYPE_CHECKING:
    from jingwei.manage import Taken
    from jingwei.platform import Platform


def list_systems(platform: "Platform", *, domain: str | None, status: str | None, json_out: bool) -> None:
    """List Systems."""
    from jingwei.core.text import text
    from jingwei.faces.cli.output import as_json, plain, table

    with platform.reading() as work:
        systems = work.registry.systems(domain=domain, status=status)
        grades = {each.id: work.grading.newest(each.id) for each in systems}
    if json_out:
        as_json([each.model_dump(mode="json") for each in systems])
        return
    headers = ("id", say("column-name"), say("column-domain"), say("column-grade"), say("column-state"))
    table(headers, [
        (each.id, plain(each.name), plain(each.domain),
         str(found.decision.grade) if (found := grades[each.id]) else "–",
         text(f"manage:status-{each.status}").of(current()))
        for each in systems
    ])  # fmt: skip


def impacted(platform: "Platform", *, advisory: "Path", json_out: bool) -> int:
    """List what an advisory hits; 1 where it hits something."""
    from jingwei.faces.cli.output import as_json, plain, table

    with platform.reading() as work:
        found = work.supply.impacted(advisory.read_bytes())
    if json_out:
        as_json([each.model_dump(mode="json") for each in found])
        return int(bool(found))
    headers = (say("column-name"), say("impacted-component"), say("impacted-advisory"), say("impacted-certain"))
    table(headers, [
        (plain(each.system), plain(f"{each.component} {each.version}"), plain(each.advisory),
         say("impacted-yes" if each.certain else "impacted-perhaps"))
        for each in found
    ])  # fmt: skip
    return int(bool(found))


def show(platform: "Platform", *, wanted: str, json_out: bool) -> None:
    """Show one System whole: what it is, its grade, its facts, and what follows next."""
    from jingwei.core.text import text
    from jingwei.faces.cli.graded import show_decision
    from jingwei.faces.cli.lookup import login_names, system_named
    from jingwei.faces.cli.output import as_json, console, plain, table

    with platform.reading() as work:
        system = system_named(work, wanted)
        facts, made = work.intake.facts(system.id), work.parts.of(system.id)
        grade, policies = work.grading.newest(system.id), work.policies.history(system.id)
        tokens, names = work.tokens.tokens(system.id), login_names(work)
    if json_out:
        as_json({"system": system.model_dump(mode="json"), "facts": [each.model_dump(mode="json") for each in facts],
                 "parts": made.model_dump(mode="json"), "grade": grade.model_dump(mode="json") if grade else None,
                 "policies": [each.model_dump(mode="json") for each in policies],
                 "tokens": [each.model_dump(mode="json") for each in tokens]})  # fmt: skip
        return
    out = console()
    out.print(
        f"[bold]{plain(system.name)}[/]  {text(f'manage:status-{system.status}').of(current())}  [dim]{system.id}[/]"
    )
    out.print(f"  {plain(system.purpose)}")
    out.print(
        f"  [dim]{say('system-owner', owner=names.get(system.owner_id, system.owner_id), domain=system.domain)}[/]"
    )
    if grade:
        show_decision(grade.decision)
    table((say("column-fact"), say("column-value"), say("column-source")), [
        (each.name, plain(each.value), say(f"source-{each.source}") +
         (say("fact-overruled", answer=each.overruled) if each.overruled else "")) for each in facts])  # fmt: skip
    click.echo("\n" + say("next", command=f"jingwei gate show {_quoted(system.name)}"))


def register(platform: "Platform", *, file: Given, login: str | None, json_out: bool) -> None:
    """Take a `system.yaml` in."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.output import as_json

    actor = actor_for(platform, login)
    with platform.work(actor, "intake.take") as work:
        taken = work.intake.take(file.file, actor=actor, folder=file.path.resolve().parent)
    if json_out:
        as_json(taken.model_dump(mode="json"))
        return
    show_taken(taken)
    click.echo(say("next", command=f"jingwei system grade {_quoted(taken.system.name)}"))


def show_taken(taken: "Taken") -> None:
    """Say what an intake led to, and which answers were overruled by what was found."""
    key = "system-registered" if taken.created else "system-renewed"
    click.echo(say(key, name=taken.system.name, id=taken.system.id, facts=len(taken.facts)))
    for fact in taken.overruled:
        click.echo("  ▲ " + say("system-overruled", fact=fact.name, value=fact.value, answer=fact.overruled))


def grade(platform: "Platform", *, wanted: str, login: str | None, json_out: bool) -> None:
    """Grade a System and record why."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.graded import show_grade
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json

    actor = actor_for(platform, login)
    with platform.work(actor, "grade.decide") as work:
        found = work.grading.grade(system_named(work, wanted).id, actor=actor)
    if json_out:
        as_json(found.model_dump(mode="json"))
        return
    show_grade(found)


def answer(platform: "Platform", *, wanted: str, answers: tuple[str, ...], login: str | None, json_out: bool) -> None:
    """Change some answers of the intake."""
    from jingwei.core.errors import InputError
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json, plain, table

    pairs = [each.partition("=") for each in answers]
    if wrong := next((name for name, equals, _ in pairs if not equals), None):
        raise InputError("faces.cli:answer-not-a-pair", field="answers", given=wrong)
    actor = actor_for(platform, login)
    with platform.work(actor, "fact.answer") as work:
        system = system_named(work, wanted)
        held = work.intake.answer(system.id, {name: value for name, _, value in pairs}, actor=actor)
    if json_out:
        as_json([each.model_dump(mode="json") for each in held])
        return
    given = {name for name, _, _ in pairs}
    table(
        (say("column-fact"), say("column-value")),
        [(each.name, plain(each.value)) for each in held if each.name in given],
    )
    click.echo(say("next", command=f"jingwei system grade {_quoted(system.name)}"))


def component(platform: "Platform", *, wanted: str, json_out: bool) -> None:
    """List what a System is made of, who answers for it, and what is wrong with that."""
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json, plain, table

    with platform.reading() as work:
        system = system_named(work, wanted)
        made, used = work.parts.of(system.id), work.registry.in_use(system.id)
    if json_out:
        as_json({**made.model_dump(mode="json"), "configuration": used.configuration.model_dump(mode="json")})
        return
    answers = {link.component_id: link.party for link in made.links}
    live = [each for each in made.components if each.retired_at is None]
    headers = (
        say("column-kind"),
        say("column-name"),
        say("column-version"),
        say("column-digest"),
        say("column-answers"),
    )
    table(headers, [
        (each.kind, plain(each.name), plain(each.release), each.digest[:12] + ("" if each.observed else " ?"),
         plain(answers.get(each.id, "–"))) for each in live])  # fmt: skip
    parts = ", ".join(
        f"{name} {each[:12]}" for name, each in used.configuration.model_dump(exclude={"observed"}).items()
    )
    click.echo(say("system-configuration", digest=used.configuration.digest[:12], parts=parts))
    for finding in made.findings:
        click.echo(f"▲ {finding.title.of(current())} {finding.remedy.of(current())}")


def form(*, json_out: bool) -> None:
    """Print the questions of the intake as a `system.yaml` to fill in."""
    from jingwei.catalog import DEFAULT_GRADING, load_catalog
    from jingwei.faces.cli.output import as_json

    facts = load_catalog(settings_from().packs).grading_rules(DEFAULT_GRADING).facts.values()
    if json_out:
        as_json([each.model_dump(mode="json") for each in facts])
        return
    click.echo(say("form-head"))
    for fact in facts:
        click.echo(f"  # {fact.question.of(current())}")
        for value in fact.values:
            click.echo(f"  #   {value.id}: {value.label.of(current())}")
        click.echo(f'  {fact.id}: "{fact.value_ids[0]}"')


def retire(platform: "Platform", *, wanted: str, reason: str, login: str | None, json_out: bool) -> None:
    """Retire a System for good."""
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json

    actor = actor_for(platform, login)
    with platform.work(actor, "system.retire") as work:
        system = work.tokens.retire(system_named(work, wanted).id, actor=actor, reason=reason)
    if json_out:
        as_json(system.model_dump(mode="json"))
        return
    click.echo(say("system-retired", name=system.name))


def _quoted(name: str) -> str:
    from shlex import quote

    return quote(name)


system = LazyGroup(
    name="system",
    help=say("about-system"),
    commands_at={"override": "jingwei.faces.cli.override:override"},
    examples=(
        "jingwei system form > system.yaml",
        "jingwei system register system.yaml",
        'jingwei system grade "Staff assistant"',
    ),
)
reads(
    system,
    "list",
    list_systems,
    click.Option(["--domain"], help=say("option-domain")),
    click.Option(
        ["--status"],
        type=click.Choice(["draft", "assessed", "approved", "live", "suspended", "retired"]),
        help=say("option-status"),
    ),
    examples=("jingwei system list", "jingwei system list --status live --json"),
)
reads(system, "show", show, SYSTEM, examples=('jingwei system show "Staff assistant"',))
alone(system, "form", form, examples=("jingwei system form > system.yaml", "jingwei --lang zh system form"))
changes(
    system, "register", register, FILE, make=True, examples=("jingwei system register examples/assistant/system.yaml",)
)
changes(system, "grade", grade, SYSTEM, examples=('jingwei system grade "Staff assistant"',))
changes(
    system,
    "answer",
    answer,
    SYSTEM,
    Told(["answers"], nargs=-1, required=True, metavar="FACT=VALUE...", about=say("system-answers")),
    examples=('jingwei system answer "Staff assistant" autonomy=L4 tools=irreversible',),
)
reads(
    system,
    "impacted",
    impacted,
    Told(["advisory"], type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
         about=say("impacted-file")),
    examples=("jingwei system impacted CVE-2025-1550.json",),
)  # fmt: skip
reads(system, "component", component, SYSTEM, examples=('jingwei system component "Staff assistant"',))
changes(
    system,
    "key",
    system_key,
    SYSTEM,
    NAME,
    REVOKE,
    UNTIL,
    examples=(
        'jingwei system key "Staff assistant" --name intranet',
        'jingwei system key "Staff assistant"',
        'jingwei system key "Staff assistant" --revoke key_…',
    ),
)
changes(
    system,
    "key-terms",
    key_terms,
    SYSTEM,
    *TERMS,
    examples=('jingwei system key-terms "Staff assistant" key_… --tenant retail --requests-per-minute 600',),
)
changes(
    system, "retire", retire, SYSTEM, REASON, examples=('jingwei system retire "Old assistant" --reason "replaced"',)
)
