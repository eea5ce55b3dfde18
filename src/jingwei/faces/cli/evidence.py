"""`jingwei evidence`: list, show, enter, and verify — offline too, with nothing but the public key."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Told
from jingwei.faces.cli.home import WHERE, alone, changes, reads, settings_from
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.typed import SYSTEM

if TYPE_CHECKING:
    from jingwei.core.evidence import Evidence
    from jingwei.core.signing import Verifier
    from jingwei.platform import Platform

FORMATS = ("text", "json", "sarif", "junit", "html")
_LARGEST = 64 * 1024 * 1024


def list_evidence(platform: "Platform", *, wanted: str, json_out: bool) -> None:
    """List the evidence of a System with how each piece stands now."""
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import OUTCOME_STYLE, as_json, day, table

    with platform.reading() as work:
        found = work.proof.standings(system_named(work, wanted).id)
    if json_out:
        as_json([{"id": each.evidence.id, **each.model_dump(mode="json")} for each in found])
        return
    headers = ("id", say("column-type"), say("column-outcome"), say("column-state"), say("column-made"),
               say("column-until"))  # fmt: skip
    table(headers, [
        (each.evidence.id[:12], each.evidence.type,
         f"[{OUTCOME_STYLE[each.evidence.outcome]}]{say(f'outcome-{each.evidence.outcome.value}')}[/]",
         say(f"state-{each.standing.state.value}"), day(each.evidence.finished_at), day(each.standing.expires_at))
        for each in found
    ])  # fmt: skip


def show(platform: "Platform", *, wanted: tuple[str, ...], form: str, out: Path | None, json_out: bool) -> None:
    """Show evidence, or write it as SARIF, JUnit, HTML or JSON."""
    from jingwei.faces.cli.check import write_evidence
    from jingwei.faces.cli.lookup import evidence_named

    with platform.reading() as work:
        found = [evidence_named(work, each) for each in wanted]
    write_evidence(found, "json" if json_out else form, out)


def verify(*, files: tuple[Path, ...], key: Path | None, system: str | None, json_out: bool, **where: object) -> int:
    """Verify evidence: files against a public key, or everything a home holds."""
    from jingwei.core.errors import InputError

    if files and key is not None:
        from jingwei.core.snapshot import read_public_key

        verifier = read_public_key(key)
        return _told([_checked(each, verifier) for path in files for each in _read(path)], json_out=json_out)
    from jingwei.faces.cli.home import opened

    with opened(settings_from(**where), make=False) as platform:
        if files:
            verifier = platform.signer.verifier
            return _told([_checked(each, verifier) for path in files for each in _read(path)], json_out=json_out)
        if system is None:
            raise InputError("faces.cli:verify-what", field="FILE")
        return _told(_stored(platform, system), json_out=json_out)


def enter(platform: "Platform", *, wanted: str, type_id: str, statement: str, failed: bool, files: tuple[Path, ...],
          login: str | None, json_out: bool) -> None:  # fmt: skip
    """Enter a record or a document as a person."""
    from jingwei.core.evidence import Artefact
    from jingwei.faces.cli.acting import actor_for
    from jingwei.faces.cli.lookup import system_named
    from jingwei.faces.cli.output import as_json, show_evidence

    actor = actor_for(platform, login)
    artefacts = []
    for path in files:
        with path.open("rb") as file:
            blob = platform.blobs.put(file)
        artefacts.append(Artefact(name=path.name, media_type=_media_type(path), sha256=blob.sha256, size=blob.size))
    with platform.work(actor, "evidence.enter") as work:
        system_id = None if wanted == "-" else system_named(work, wanted).id
        made = work.proof.enter(
            system_id, type_id, actor=actor, statement=statement, passed=not failed, artefacts=artefacts
        )
    if json_out:
        as_json({"id": made.id, **made.model_dump(mode="json")})
        return
    show_evidence(made)


def artefact(platform: "Platform", *, wanted: str, name: str | None, out: Path | None, json_out: bool) -> None:
    """List what was kept beside a piece of evidence, or write one file of it; its hash is checked on the way."""
    from jingwei.core.errors import NotFound
    from jingwei.faces.cli.lookup import evidence_named
    from jingwei.faces.cli.output import as_json, plain, table, write_bytes

    with platform.reading() as work:
        kept = evidence_named(work, wanted).artefacts
    if name is None:
        if json_out:
            as_json([each.model_dump(mode="json") for each in kept])
            return
        table((say("column-name"), say("column-kind"), say("unit-bytes"), "SHA-256"),
              [(plain(each.name), plain(each.media_type), f"{each.size:,}", each.sha256) for each in kept])  # fmt: skip
        return
    chosen = next((each for each in kept if each.name == name), None)
    if chosen is None:
        raise NotFound("faces.cli:artefact-unknown", field="name", name=name,
                       known=", ".join(each.name for each in kept) or "–")  # fmt: skip
    place = out or Path(Path(chosen.name).name)
    write_bytes(place, platform.blobs.read(chosen.sha256))
    click.echo(say("written", path=str(place)), err=True)


def public_key(platform: "Platform", *, out: Path | None, json_out: bool) -> None:
    """Give the public key that evidence, tokens and the ledger of this home are verified with."""
    from jingwei.core.signing import encode
    from jingwei.faces.cli.output import as_json, write_bytes

    verifier = platform.signer.verifier
    if json_out:
        as_json({"key_id": verifier.key_id, "public_key": encode(verifier.public)})
    elif out is None:
        click.echo(f"{verifier.key_id}  {encode(verifier.public)}")
    if out is not None:
        write_bytes(out, verifier.public)
        click.echo(say("written", path=str(out)), err=True)


def _read(path: Path) -> "list[Evidence]":
    """Read a file of one piece of evidence or a list of them, as `--json` gives them.

    Raises:
        InputError: it is too large, or holds something else.
        Unavailable: it cannot be read.
    """
    import json

    from pydantic import ValidationError

    from jingwei.core.errors import InputError
    from jingwei.core.evidence import Evidence
    from jingwei.core.store.failure import failures_said

    with failures_said(str(path)):
        if path.stat().st_size > _LARGEST:
            raise InputError("faces.cli:evidence-file-large", field="FILE", path=str(path), limit=_LARGEST)
        content = path.read_bytes()
    try:
        held = json.loads(content)
        return [Evidence.model_validate({name: value for name, value in each.items() if name != "id"})
                for each in (held if isinstance(held, list) else [held])]  # fmt: skip
    except (ValueError, AttributeError, RecursionError, ValidationError) as error:
        raise InputError("faces.cli:evidence-file-wrong", field="FILE", path=str(path)) from error


def _checked(evidence: "Evidence", verifier: "Verifier") -> "tuple[str, str, str]":
    """Return id, type and what is wrong, which is nothing where the signature holds."""
    from jingwei.core.errors import Tampered

    try:
        evidence.verify(verifier)
    except Tampered as error:
        return evidence.id, evidence.type, error.message.of(current())
    return evidence.id, evidence.type, ""


def _stored(platform: "Platform", wanted: str) -> list[tuple[str, str, str]]:
    from jingwei.core.errors import Tampered
    from jingwei.faces.cli.lookup import system_named

    with platform.reading() as work:
        try:
            found = work.proof.all_of(system_named(work, wanted).id)
        except Tampered as error:
            return [(str(error.values.get("evidence", "")), "", error.message.of(current()))]
    return [_checked(each, platform.signer.verifier) for each in found]


def _told(results: Sequence[tuple[str, str, str]], *, json_out: bool) -> int:
    from jingwei.faces.cli.output import as_json, console, plain

    broken = sum(1 for _, _, wrong in results if wrong)
    if json_out:
        as_json([{"id": each, "type": kind, "holds": not wrong, "says": wrong} for each, kind, wrong in results])
        return int(broken > 0)
    out = console()
    for each, kind, wrong in results:
        out.print(f"[red]✗[/] {kind} {each[:16]} {plain(wrong)}" if wrong else f"[green]✓[/] {plain(kind)} {each[:16]}")
    click.echo(say("verified", count=len(results) - broken, broken=broken))
    return int(broken > 0)


def _media_type(path: Path) -> str:
    from mimetypes import guess_type

    return guess_type(path.name)[0] or "application/octet-stream"


EVIDENCE = Told(["wanted"], metavar="EVIDENCE", about=say("evidence-argument"))
OUT = click.Option(["--out"], type=click.Path(path_type=Path, dir_okay=False), help=say("check-out"))
EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)

evidence = LazyGroup(
    name="evidence",
    help=say("about-evidence"),
    examples=(
        'jingwei evidence list "Staff assistant"',
        "jingwei evidence show 3f9c2a --format sarif --out redteam.sarif",
        "jingwei evidence verify evidence.json --key platform.pub",
    ),
)
reads(evidence, "list", list_evidence, SYSTEM, examples=('jingwei evidence list "Staff assistant"',))
reads(
    evidence,
    "show",
    show,
    Told(["wanted"], metavar="EVIDENCE...", nargs=-1, required=True, about=say("evidence-argument")),
    click.Option(
        ["--format", "form"], type=click.Choice(FORMATS), default="text", show_default=True, help=say("check-format")
    ),
    OUT,
    examples=("jingwei evidence show 3f9c2a1b", "jingwei evidence show 3f9c2a1b --format html --out report.html"),
)
alone(
    evidence,
    "verify",
    verify,
    Told(["files"], nargs=-1, type=EXISTING, metavar="[FILE...]", about=say("verify-files")),
    click.Option(["--key"], type=EXISTING, help=say("verify-key")),
    click.Option(["--system"], help=say("verify-system")),
    *WHERE,
    examples=(
        "jingwei evidence verify evidence.json --key platform.pub",
        'jingwei evidence verify --system "Staff assistant"',
    ),
)
changes(
    evidence,
    "enter",
    enter,
    SYSTEM,
    Told(["type_id"], metavar="TYPE", about=say("evidence-type")),
    click.Option(["--statement"], required=True, metavar="TEXT", help=say("evidence-statement")),
    click.Option(["--failed"], is_flag=True, help=say("evidence-failed")),
    click.Option(["--file", "files"], multiple=True, type=EXISTING, help=say("evidence-file")),
    examples=(
        'jingwei evidence enter "Staff assistant" EV-RISK --statement "Reviewed on 3 May; accepted."',
        'jingwei evidence enter - EV-POLICY --statement "In force." --file policy.pdf',
    ),
)
reads(
    evidence,
    "artefact",
    artefact,
    EVIDENCE,
    Told(["name"], required=False, metavar="[NAME]", about=say("artefact-name")),
    OUT,
    examples=("jingwei evidence artefact 3f9c2a1b", "jingwei evidence artefact 3f9c2a1b bom.cdx.json --out bom.json"),
)
reads(evidence, "key", public_key, OUT, examples=("jingwei evidence key --out platform.pub",))
