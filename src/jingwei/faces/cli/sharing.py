"""`jingwei sharing`: reports of weaknesses, read and written in the forms that others use, on their clocks."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import LazyGroup, Speaking, Told
from jingwei.faces.cli.language import current, say

if TYPE_CHECKING:
    from jingwei.ecosystem.sharing.forms import Found

FORMS = ("jingwei", "osv", "avid", "stix", "caivd")
STATES = ("confirmed", "vendor-told", "fixed", "disclosed", "rejected", "duplicate")
_FILES = click.Path(path_type=Path, exists=True, dir_okay=False)


def _read(path: Path) -> "Found":
    from jingwei.core.clock import utc_now
    from jingwei.ecosystem.sharing.forms import MOST_BYTES, read_report

    with path.open("rb") as file:
        return read_report(file.read(MOST_BYTES + 1), now=utc_now())


def show(*, files: tuple[Path, ...], as_json: bool) -> int:
    """List reports with what is due; 1 where something is late."""
    from jingwei.core.clock import utc_now
    from jingwei.core.text import text
    from jingwei.ecosystem.sharing.triage import dues
    from jingwei.faces.cli.output import as_json as print_json
    from jingwei.faces.cli.output import moment, plain, table

    reports = [_read(path).report for path in files]
    if as_json:
        print_json([each.model_dump(mode="json") for each in reports])
        return 0
    now, late, rows = utc_now(), False, []
    for each in reports:
        due = next((one for one in dues(each) if one.done is None), None)
        overdue = due is not None and due.late(now)
        late = late or overdue
        shown = f"{due.title.of(current())} {moment(due.by)}" if due else "–"
        state = text(f"ecosystem.sharing:state-{each.state.value}").of(current())
        names = ", ".join(one.name for one in each.affected[:3])
        rows.append((plain(each.id), plain(each.title[:80]), plain(names), f"TLP:{each.tlp.value.upper()}", state,
                     f"[red]{shown}[/]" if overdue else shown))  # fmt: skip
    table([say(f"sharing-column-{name}") for name in ("id", "title", "affected", "tlp", "state", "due")], rows)
    return int(late)


def convert(*, file: Path, form: str, recipient: str, out: Path | None) -> int:
    """Write a report in another form."""
    from jingwei.ecosystem.sharing.forms import write_report
    from jingwei.faces.cli.output import write_bytes

    written = write_report(_read(file).report, form, recipient=recipient)  # type: ignore[arg-type]  # click checked it
    if out is None:
        click.echo(written, nl=False)
        return 0
    write_bytes(out, written.encode())
    click.echo(say("written", path=str(out)), err=True)
    return 0


def move(*, file: Path, state: str, by: str, note: str, out: Path | None) -> int:
    """Take a report one step further and write it back in our own form."""
    from jingwei.core.clock import utc_now
    from jingwei.core.errors import InputError
    from jingwei.ecosystem.sharing.forms import write_report
    from jingwei.ecosystem.sharing.record import State
    from jingwei.ecosystem.sharing.triage import moved
    from jingwei.faces.cli.output import write_bytes

    found = _read(file)
    if found.form != "jingwei" and out is None:
        raise InputError("faces.cli:sharing-foreign", field="--out", form=found.form)
    report = moved(found.report, State(state), at=utc_now(), by=by, note=note)
    write_bytes(out or file, write_report(report, "jingwei").encode())
    click.echo(say("written", path=str(out or file)), err=True)
    return 0


def duplicates(*, files: tuple[Path, ...]) -> int:
    """List pairs of reports that may say the same; 1 where there are some."""
    from jingwei.ecosystem.sharing.triage import duplicates as alike
    from jingwei.faces.cli.output import plain, table

    found = alike([_read(path).report for path in files])
    table([say("sharing-column-id"), say("sharing-column-id"), say("sharing-column-likeness")],
          [(plain(each.first.id), plain(each.second.id), f"{each.likeness:.0%}") for each in found])  # fmt: skip
    return int(bool(found))


_OUT = click.Option(["--out"], type=click.Path(path_type=Path, dir_okay=False), help=say("check-out"))
_MANY = Told(["files"], nargs=-1, required=True, type=_FILES, metavar="FILE…", about=say("sharing-files"))
_ONE = Told(["file"], type=_FILES, metavar="FILE", about=say("sharing-file"))

sharing = LazyGroup(name="sharing", help=say("about-sharing"), examples=("jingwei sharing show report.yaml",
                    "jingwei sharing convert CVE-2025-1550.json --to stix"))  # fmt: skip
sharing.add_command(
    Speaking(
        name="show",
        callback=show,
        help=say("about-sharing-show"),
        params=[_MANY, click.Option(["--json", "as_json"], is_flag=True, help=say("option-json"))],
        examples=("jingwei sharing show reports/*.json",),
    )
)
sharing.add_command(
    Speaking(
        name="convert",
        callback=convert,
        help=say("sharing-convert-help"),
        params=[
            _ONE,
            click.Option(["--to", "form"], type=click.Choice(FORMS), required=True, help=say("sharing-to")),
            click.Option(["--recipient"], default="", help=say("sharing-recipient")),
            _OUT,
        ],
        examples=("jingwei sharing convert report.yaml --to avid --recipient CAIVD --out avid.json",),
    )
)
sharing.add_command(
    Speaking(
        name="move",
        callback=move,
        help=say("about-sharing-move"),
        params=[
            _ONE,
            Told(["state"], type=click.Choice(STATES), about=say("sharing-state")),
            click.Option(["--by"], required=True, help=say("sharing-by")),
            click.Option(["--note"], default="", help=say("sharing-note")),
            _OUT,
        ],
        examples=("jingwei sharing move report.json confirmed --by lin",),
    )
)
sharing.add_command(
    Speaking(
        name="duplicates",
        callback=duplicates,
        help=say("about-sharing-duplicates"),
        params=[_MANY],
        examples=("jingwei sharing duplicates reports/*.json",),
    )
)
