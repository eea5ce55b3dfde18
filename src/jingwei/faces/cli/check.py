"""`jingwei check`: any one check, alone."""

import os
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from jingwei.core.check import Check, Run
from jingwei.core.evidence import Artefact, Evidence, Outcome
from jingwei.core.plugins import check_names, load_check
from jingwei.faces.cli.help import LazyGroup, Speaking, Told
from jingwei.faces.cli.home import own_folder
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import as_json, progress, show_evidence, write_bytes

FORMATS = ("text", "json", "sarif", "junit", "html")


class Checks(LazyGroup):
    """One command a check, found by entry point and imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the installed checks without importing them."""
        del ctx
        return check_names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Build the command of one check."""
        del ctx
        return command_of(load_check(cmd_name)) if cmd_name in check_names() else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the checks with their own titles."""
        with formatter.section(say("help-checks")):
            formatter.write_dl([(name, load_check(name).title.of(current())) for name in self.list_commands(ctx)])


def command_of(check: Check) -> click.Command:
    """Build `jingwei check <id> TARGET [--set name=value]`."""
    fields = check.options.model_fields
    listed = ", ".join(
        f"{name}={_shown(field.get_default(call_default_factory=True))}" for name, field in fields.items()
    )
    return Speaking(
        name=check.id,
        callback=lambda **given: run(check, **given),
        help=f"{check.about.of(current())}\n\n{say('check-options-are', listed=listed)}",
        params=[
            Told(["target"], about=say("check-target", kinds=", ".join(kind.value for kind in check.target_kinds))),
            click.Option(["--set", "settings"], multiple=True, metavar="NAME=VALUE", help=say("check-set")),
            click.Option(["--key-env"], metavar="NAME", help=say("check-key-env")),
            click.Option(["--format", "form"], type=click.Choice(FORMATS), default="text", show_default=True,
                         help=say("check-format")),
            click.Option(["--json", "form"], flag_value="json", help=say("option-json")),
            click.Option(["--out"], type=click.Path(path_type=Path, dir_okay=False), help=say("check-out")),
            click.Option(["--keep"], type=click.Path(path_type=Path, file_okay=False), help=say("check-keep")),
            click.Option(["--fresh"], is_flag=True, help=say("check-fresh")),
        ],
        examples=(f"jingwei check {check.id} {say('check-example-target')}",),
    )  # fmt: skip


def _shown(default: object) -> str:
    return "…" if default is None else str(default)


def run(check: Check, *, target: str, settings: tuple[str, ...], key_env: str | None, form: str | None,
        out: Path | None, keep: Path | None, fresh: bool) -> int:  # fmt: skip
    """Run one check alone and print what it found; return the exit code."""
    from jingwei.core.ids import new_id
    from jingwei.core.target import Target
    from jingwei.platform.alone import Alone
    from jingwei.platform.asking import options_from, target_from

    aim: Target = target_from(check, target)
    prepared = Run(
        id=new_id("run"),
        target=aim,
        options=options_from(check, settings),
        keep=_Folder(keep),
        secret=SecretStr(os.environ.get(key_env, "")) if key_env else None,
    )
    with progress(check.title.of(current())) as tell:
        found = Alone(own_folder()).run(check, prepared, progress=tell, fresh=fresh)
    write_evidence(found, form or "text", out)
    return code_of(found)


def code_of(evidence: list[Evidence]) -> int:
    """Return 0 when everything passed, 1 for findings or gaps, 4 when nothing could be examined."""
    if all(each.examined == 0 for each in evidence):
        return 4
    return int(any(each.outcome is not Outcome.PASS for each in evidence))


class _Folder:
    """Keeps a run's artefacts in a folder, or only their digests where none was asked for."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __call__(self, name: str, media_type: str, content: bytes) -> Artefact:
        from hashlib import sha256

        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / Path(name).name).write_bytes(content)
        return Artefact(name=name, media_type=media_type, sha256=sha256(content).hexdigest(), size=len(content))


def write_evidence(found: list[Evidence], form: str, out: Path | None) -> None:
    """Print evidence in one of `FORMATS`, or write it to a file whole or not at all."""
    if form == "text" and out is None:
        for each in found:
            show_evidence(each)
        return
    if form == "json" and out is None:
        as_json([{"id": each.id, **each.model_dump(mode="json")} for each in found])
        return
    text = rendered(found, form)
    if out:
        write_bytes(out, text.encode())
        click.echo(say("written", path=str(out)), err=True)
    else:
        click.echo(text)


def rendered(found: list[Evidence], form: str) -> str:
    """Write evidence in one of the machine or page formats."""
    import json

    from jingwei.core import report

    if form == "sarif":
        return json.dumps(report.to_sarif(found, current()), ensure_ascii=False, indent=2)
    if form == "junit":
        return report.to_junit(found, current())
    if form == "html":
        from jingwei.faces.console.report import evidence_page

        return evidence_page(found, current())
    return json.dumps([{"id": each.id, **each.model_dump(mode="json")} for each in found], ensure_ascii=False, indent=2)


_Group: Any = Checks
check = _Group(
    name="check",
    help=say("about-check"),
    examples=(
        "jingwei check model-scan model.gguf",
        "jingwei check data-scan corpus.jsonl --format sarif --out data.sarif",
        "jingwei check redteam http://127.0.0.1:8080/v1 --set attempts=60",
    ),
)
