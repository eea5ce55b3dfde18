"""`jingwei scan`: what an AI system is made of, what in it is dangerous, what is exposed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from jingwei.core.errors import InputError, JingweiError, Unavailable
from jingwei.faces.cli.help import LazyGroup, Speaking, Told
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.core.check import CheckOptions
    from jingwei.deploy.scanned import Scanned

KINDS = ("model", "bom", "advisories", "exposure", "code", "config", "agents")
FORMATS = ("table", "json", "sarif", "html")
LEVELS = ("info", "low", "medium", "high", "critical")
NOTHING_EXAMINED = 4


class Scans(LazyGroup):
    """One command a kind of scan; without a kind, model files are scanned."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the kinds without importing them."""
        del ctx
        return list(KINDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Build the command of one kind."""
        del ctx
        return command_of(cmd_name) if cmd_name in KINDS else None

    def resolve_command(self, ctx: click.Context,
                        args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:  # fmt: skip
        """Take a first word that is no kind for a model file."""
        return super().resolve_command(ctx, args if args[0] in KINDS else ["model", *args])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let options of the model scan stand before its files."""
        bare = args and args[0].startswith("-") and args[0] != "--help"
        return super().parse_args(ctx, ["model", *args] if bare else args)


class _Told(NamedTuple):
    """What reading options needs to know of a kind of scan."""

    id: str
    options: "type[CheckOptions]"


class Findings(NamedTuple):
    """What a scan gave, and how it ended."""

    scanned: "list[Scanned]"
    problems: list[JingweiError]
    """Targets that could not be scanned at all."""
    interrupted: bool


def command_of(kind: str) -> click.Command:
    """Build `jingwei scan KIND TARGET… [--set name=value]`."""
    return Speaking(
        name=kind,
        callback=lambda **given: run(kind, **given),
        help=say(f"scan-help-{kind}"),
        params=[
            Told(["targets"], nargs=-1, required=True, about=say(f"scan-target-{kind}")),
            click.Option(["--format", "form"], type=click.Choice(FORMATS), default="table", show_default=True,
                         help=say("check-format")),
            click.Option(["--json", "form"], flag_value="json", help=say("option-json")),
            click.Option(["--fail-on"], type=click.Choice(LEVELS), default="medium", show_default=True,
                         help=say("scan-fail-on")),
            click.Option(["--set", "settings"], multiple=True, metavar="NAME=VALUE", help=say("scan-set")),
            click.Option(["--out"], type=click.Path(path_type=Path, dir_okay=False), help=say("check-out")),
            click.Option(["--all", "everything"], is_flag=True, help=say("scan-all")),
            click.Option(["--options", "listed"], is_flag=True, is_eager=True, expose_value=False,
                         callback=lambda context, _, wanted: _options(context, kind) if wanted else None,
                         help=say("scan-options")),
        ],
        examples=(f"jingwei scan {kind} {say(f'scan-example-{kind}')}",),
    )  # fmt: skip


def _options(context: click.Context, kind: str) -> None:
    """List what --set takes, with the defaults."""
    from jingwei.deploy.scanners import scanner
    from jingwei.faces.cli.output import table

    fields = scanner(kind).Options.model_fields
    table(["--set", ""], [(name, str(field.get_default(call_default_factory=True))) for name, field in fields.items()])
    context.exit(0)


def run(kind: str, *, targets: tuple[str, ...], form: str | None, fail_on: str, settings: tuple[str, ...],
        out: Path | None, everything: bool) -> int:  # fmt: skip
    """Scan targets and show what was found; return the exit code."""
    from jingwei.core.finding import Severity
    from jingwei.deploy.scanned import reaches
    from jingwei.deploy.scanners import scanner
    from jingwei.faces.cli.root import show_error
    from jingwei.faces.cli.scan_shown import show

    module: Any = scanner(kind)
    options: Any = _told_options(kind, module, settings)  # Any: a scan's own options, whose model the module names
    found = _gathered(module, targets, options)
    for problem in found.problems:
        show_error(problem)
    show(found.scanned, kind=kind, form=form or "table", out=out, everything=everything)
    if found.interrupted:
        raise KeyboardInterrupt
    if not any(_examined(one) for one in found.scanned):
        return _code_of_nothing(found, targets)
    level = Severity(fail_on)
    return int(bool(found.problems) or any(reaches(one, level) for one in found.scanned))


def _told_options(kind: str, module: Any, settings: tuple[str, ...]) -> Any:  # Any: as above
    """Read a scan's options as a check's are read; the platform is loaded only where something was told."""
    if not settings:
        return module.Options()
    from jingwei.platform.asking import options_from

    return options_from(_Told(kind, module.Options), settings)  # type: ignore[arg-type]


def _gathered(module: Any, targets: Sequence[str], options: Any) -> Findings:  # Any: as above
    """Scan one target after the other; what was found before an interruption is kept."""
    from jingwei.faces.cli.scan_shown import counting

    scanned: list[Scanned] = []
    problems: list[JingweiError] = []
    try:
        with counting() as seen:
            for target in targets:
                try:
                    for one in _named(module.scan(target, options), target, among=len(targets)):
                        scanned.append(one)
                        seen(one)
                except (InputError, Unavailable) as error:
                    problems.append(error)
    except KeyboardInterrupt:
        return Findings(scanned, problems, interrupted=True)
    return Findings(scanned, problems, interrupted=False)


def _named(found: "Iterator[Scanned]", target: str, *, among: int) -> "Iterator[Scanned]":
    """Put the target before the paths below it where several targets could be confused."""
    folder = Path(target)
    inside = among > 1 and folder.is_dir()
    for one in found:
        yield one.model_copy(update={"path": (folder / one.path).as_posix()}) if inside else one


def _examined(one: "Scanned") -> bool:
    return bool(one.coverage or one.sha256 or one.findings or not one.gaps)


def _code_of_nothing(found: Findings, targets: Sequence[str]) -> int:
    """Return 2 where nothing that was named is there, else 4: it is there, and nothing in it could be examined."""
    wrong = found.problems and all(isinstance(each, InputError) for each in found.problems)
    if wrong and not any(Path(target).exists() for target in targets):
        return 2
    click.echo(say("scan-nothing"), err=True)
    return NOTHING_EXAMINED


_Group: Any = Scans
scan = _Group(
    name="scan",
    help=say("scan-help"),
    examples=(
        "jingwei scan model.pt",
        "jingwei scan code app/ --format sarif --out code.sarif",
        "jingwei scan exposure http://127.0.0.1:11434",
    ),
)
