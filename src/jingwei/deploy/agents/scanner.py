"""`jingwei scan agents`: MCP servers, tools, skills, plugins and rule files, one thing at a time.

Every text that a model would read is judged; code and configuration that come with it are judged too, without running
anything. With `live` a server that a configuration names is started in a sandbox and asked what it lists.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError
from jingwei.core.text import text
from jingwei.deploy.agents.examined import Examined
from jingwei.deploy.agents.examining import examine
from jingwei.deploy.agents.files import sources
from jingwei.deploy.agents.findings import Notes, shown
from jingwei.deploy.agents.live import listed
from jingwei.deploy.agents.pins import Pins, read_pins, write_pins
from jingwei.deploy.scanned import Scanned


class Options(BaseModel):
    """What a scan of agents can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pins: Path | None = None
    """A file of pins: whatever tells the model something else than when it was pinned is a finding."""
    write_pins: Path | None = None
    """Write down what everything tells a model now; a later scan with `pins` tells what changed."""
    live: bool = False
    """Start the servers that a configuration names, in a sandbox without a network, and judge what they list."""
    live_seconds: float = Field(default=20.0, gt=0, le=300)
    """How long one server may take to list what it has."""
    most_files: int = Field(default=20_000, gt=0)
    """Files looked at in a folder; more make the result incomplete."""


def scan(target: str, options: Options) -> Iterator[Scanned]:
    """Give what was looked at, one thing at a time.

    Raises:
        InputError: the target is not there, holds nothing of agents, or the pins cannot be read.
    """
    root = Path(target).expanduser()
    if not root.exists():
        raise InputError("deploy.agents:not-there", field="target", path=shown(target))
    pins = read_pins(options.pins) if options.pins else None
    seen: dict[str, str] = {}
    nothing = True
    for each in _examined(root, options):
        nothing = False
        if each.pin:
            seen[each.scanned.path] = each.pin
        yield _pinned(each, pins)
    if nothing:
        raise InputError("deploy.agents:nothing", field="target", path=shown(target))
    for path in sorted(set(pins.things) - seen.keys()) if pins else ():
        yield Scanned(
            path=shown(path), format="pin", gaps=(text("deploy.agents:gap-pinned-gone").format(path=shown(path)),)
        )
    if options.write_pins is not None:
        write_pins(seen, options.write_pins)


def pin(target: str, path: Path, options: Options | None = None) -> int:
    """Write down what every thing of a target tells a model now, and return how many there are.

    Raises:
        InputError: as for `scan`.
    """
    root = Path(target).expanduser()
    if not root.exists():
        raise InputError("deploy.agents:not-there", field="target", path=shown(target))
    things = {each.scanned.path: each.pin for each in _examined(root, options or Options()) if each.pin}
    if not things:
        raise InputError("deploy.agents:nothing", field="target", path=shown(target))
    write_pins(things, path)
    return len(things)


def _examined(root: Path, options: Options) -> Iterator[Examined]:
    skills: list[str] = []
    single = not root.is_dir()
    if not single:
        skills = sorted({path.parent.relative_to(root).as_posix() for path in _skill_files(root, options.most_files)})
    for source in sources(root, most=options.most_files):
        of_skill = single or any(folder == "." or source.path.startswith(f"{folder}/") for folder in skills)
        for each in examine(source, of_skill=of_skill, single=single, limit=options.most_files):
            yield each
            if options.live and each.server is not None:
                here = (root.parent if single else (root / source.path).parent).resolve()
                yield from listed(each.server, each.scanned.path, here, seconds=options.live_seconds)


def _skill_files(root: Path, most: int) -> Iterator[Path]:
    for number, path in enumerate(root.rglob("*")):
        if number > most:
            return
        if path.name.lower() == "skill.md":
            yield path


def _pinned(each: Examined, pins: Pins | None) -> Scanned:
    if pins is None or not each.pin:
        return each.scanned
    expected = pins.things.get(each.scanned.path)
    if expected == each.pin:
        return each.scanned
    notes = Notes(each.scanned.path)
    if expected is None:
        notes.find("new-since-pin", each.scanned.path, seen=each.pin[:16])
    else:
        notes.find("changed", each.scanned.path, seen=f"{expected[:16]} → {each.pin[:16]}")
    return each.scanned.model_copy(update={"findings": (*notes.findings, *each.scanned.findings)})
