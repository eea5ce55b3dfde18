"""`jingwei model`: sign a model with one's own key, verify it, and go back to the last good release."""

from pathlib import Path
from typing import Any

import click

from jingwei.faces.cli.help import LazyGroup, Speaking, Told
from jingwei.faces.cli.language import current, say

_PLACE = click.Path(path_type=Path, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def key(*, folder: Path) -> int:
    """Make a key pair."""
    from jingwei.deploy.signing import new_key

    folder.mkdir(parents=True, exist_ok=True)
    made = new_key(folder)
    click.echo(f"{made.private}\n{made.public}")
    return 0


def sign(*, model: Path, key: Path) -> int:
    """Sign a file or folder."""
    from jingwei.deploy.signing import sign as signed

    click.echo(say("written", path=str(signed(model, key))))
    return 0


def verify(*, model: Path, key: Path, signature: Path | None) -> int:
    """Name the files that are not as they were signed; 1 where there are some."""
    from jingwei.deploy.signing import examine
    from jingwei.faces.cli.output import printable

    found = examine(model, key, signature=signature)
    for each in found.differences:
        click.secho(f"✗ {printable(each.said.of(current()))}", fg="red")
    if not found.differences:
        click.secho(f"✓ {say('model-whole', files=found.files, digest=found.digest)}", fg="green")
    return int(bool(found.differences))


def rollback(*, folder: Path, key: Path) -> int:
    """Serve the last approved release that is whole."""
    from jingwei.deploy.signing import roll_back

    done = roll_back(folder, key)
    click.echo(say("model-rolled-back", before=done.before, after=done.after, seconds=f"{done.seconds:.2f}"))
    return 0


_KEY = click.Option(["--key"], type=_FILE, required=True, help=say("model-key"))
_MODEL = Told(["model"], type=_PLACE, metavar="MODEL", about=say("model-argument"))

_Group: Any = LazyGroup
model = _Group(
    name="model", help=say("about-model"), examples=("jingwei model sign models/ --key keys/model-signing.key",)
)
for _name, _call, _parameters, _example in (
    ("key", key, [Told(["folder"], type=_FOLDER, about=say("model-key-folder"))], "jingwei model key keys/"),
    ("sign", sign, [_MODEL, _KEY], "jingwei model sign models/ --key keys/model-signing.key"),
    ("verify", verify, [_MODEL, _KEY, click.Option(["--signature"], type=_FILE, help=say("model-signature"))],
     "jingwei model verify models/ --key keys/model-signing.pub"),
    ("rollback", rollback, [Told(["folder"], type=_FOLDER, about=say("model-releases")), _KEY],
     "jingwei model rollback releases/ --key keys/model-signing.pub"),
):  # fmt: skip
    model.add_command(Speaking(name=_name, callback=_call, params=_parameters, help=say(f"about-model-{_name}"),
                               examples=(_example,)))  # fmt: skip
