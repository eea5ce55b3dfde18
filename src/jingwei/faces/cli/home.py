"""The home folder a command works on: opened, brought to its newest form, and closed again."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jingwei.faces.cli.help import LazyGroup, Speaking
from jingwei.faces.cli.language import say

if TYPE_CHECKING:
    from jingwei.core.settings import Settings
    from jingwei.platform import Platform

WHERE = [
    click.Option(["--home"], type=click.Path(path_type=Path, file_okay=False), help=say("option-home")),
    click.Option(["--database"], metavar="URL", help=say("option-database")),
    click.Option(["--packs"], multiple=True, type=click.Path(path_type=Path, file_okay=False, exists=True),
                 help=say("catalog-packs")),
]  # fmt: skip
ACTS_AS = click.Option(["--as", "login"], metavar="LOGIN", help=say("option-as"))
JSON = click.Option(["--json", "json_out"], is_flag=True, help=say("option-json"))


def own_folder() -> Path:
    """Return where a person's own key, journals and fetched models lie, apart from any home."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "jingwei"


def settings_from(**given: object) -> "Settings":
    """Build settings from the options that were given; the rest comes from the environment.

    Raises:
        InputError: a setting in the environment has a wrong value.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from jingwei.core.errors import InputError
    from jingwei.core.settings import Settings

    try:
        present = {name: value for name, value in given.items() if value}
        return Settings.model_validate({**Settings().model_dump(), **present})
    except SettingsError as error:  # the one setting that is a list is written as JSON
        name = "JINGWEI_PACKS"
        raise InputError("faces.cli:setting-wrong", field=name, name=name, given=os.environ.get(name, "")) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "JINGWEI_" + "_".join(str(part) for part in first["loc"]).upper()
        raise InputError("faces.cli:setting-wrong", field=name, name=name, given=str(first.get("input"))) from error


@contextmanager
def opened(settings: "Settings", *, make: bool) -> "Iterator[Platform]":
    """Open a home.

    Args:
        settings: where it is.
        make: whether to make it where there is none yet.

    Raises:
        InputError: there is no home, and none is to be made.
        Unavailable: it cannot be read or written.
    """
    from jingwei.core.errors import InputError
    from jingwei.platform import Platform

    if not make and not settings.database and not (settings.home / "jingwei.db").is_file():
        raise InputError("faces.cli:home-empty", field="home", path=str(settings.home))
    platform = Platform(settings)
    try:
        platform.prepare()
        yield platform
    finally:
        platform.close()


def reads(group: LazyGroup, name: str, run: Callable[..., int | None], *params: click.Parameter,
          examples: tuple[str, ...]) -> None:  # fmt: skip
    """Add a command that reads a home; whoever may read the folder may call it."""

    def call(*, home: Path | None, database: str | None, packs: tuple[Path, ...], **given: Any) -> int | None:
        with opened(settings_from(home=home, database=database, packs=packs), make=False) as platform:
            return run(platform, **given)

    _add(group, name, call, [*params, JSON, *WHERE], examples)


def changes(group: LazyGroup, name: str, run: Callable[..., int | None], *params: click.Parameter,
            examples: tuple[str, ...], make: bool = False, acts: bool = True) -> None:  # fmt: skip
    """Add a command that changes a home, as an account; what it did is sealed in the ledger before it ends."""

    def call(*, home: Path | None, database: str | None, packs: tuple[Path, ...], **given: Any) -> int | None:
        from jingwei.core.ledger import seal_pending

        with opened(settings_from(home=home, database=database, packs=packs), make=make) as platform:
            code = run(platform, **given)
            seal_pending(platform.store)
            return code

    _add(group, name, call, [*params, *([ACTS_AS] if acts else []), JSON, *WHERE], examples)


def alone(group: LazyGroup, name: str, run: Callable[..., int | None], *params: click.Parameter,
          examples: tuple[str, ...]) -> None:  # fmt: skip
    """Add a command that needs no home."""
    _add(group, name, run, [*params, JSON], examples)


def _add(group: LazyGroup, name: str, call: Callable[..., int | None], params: list[click.Parameter],
         examples: tuple[str, ...]) -> None:  # fmt: skip
    about = say(f"about-{group.name}-{name}")
    group.add_command(Speaking(name=name, callback=call, params=params, help=about, examples=examples))
