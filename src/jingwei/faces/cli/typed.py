"""What several commands are told alike: a System, a `system.yaml`, a reason, an end date."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from jingwei.faces.cli.help import Told
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.manage import SystemFile


class Given(NamedTuple):
    """A `system.yaml` as it was read, and where it lies."""

    path: Path
    file: "SystemFile"


def given_file(_context: click.Context, _parameter: click.Parameter, path: Path) -> Given:
    """Read a `system.yaml` while the command line is parsed: a wrong one is said before anything is made."""
    from jingwei.manage import read_system

    return Given(path, read_system(path))


def aware(given: datetime | None) -> datetime | None:
    """Read a date that was typed as UTC."""
    return given.replace(tzinfo=UTC) if given is not None and given.tzinfo is None else given


SYSTEM = Told(["wanted"], metavar="SYSTEM", about=say("system-argument"))
FILE = Told(["file"], type=click.Path(path_type=Path, exists=True, dir_okay=False), callback=given_file, metavar="FILE",
            about=say("system-file"))  # fmt: skip
REASON = click.Option(["--reason"], required=True, metavar="TEXT", help=say("option-reason"))
UNTIL = click.Option(["--until"], type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help=say("option-until"))
