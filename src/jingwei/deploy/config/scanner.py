"""The configuration scan: every configuration file of a folder, and images that lie there as files."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError
from jingwei.core.text import text
from jingwei.deploy.code.source import decoded
from jingwei.deploy.code.tree import NOT_OURS, File, files, read
from jingwei.deploy.config.examine import examine
from jingwei.deploy.config.images import is_image, scan_image
from jingwei.deploy.config.kinds import CANDIDATE
from jingwei.deploy.config.rule import seen
from jingwei.deploy.config.units import read_environment
from jingwei.deploy.scanned import Scanned, plain


class Options(BaseModel):
    """What a configuration scan can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_key: str = ""
    """PEM file of the public key that images must be signed with."""
    most_files: int = Field(default=50_000, gt=0)
    """Files looked at; more make the result incomplete."""
    most_bytes: int = Field(default=2_000_000, gt=0)
    """The largest configuration file that is read."""
    most_unpacked_bytes: int = Field(default=8 * 1024**3, gt=0)
    """How much an image may unpack to."""


def scan(target: str, options: Options) -> Iterator[Scanned]:
    """Check a configuration file, a folder file by file, an image or the root folder of one.

    Raises:
        InputError: there is nothing at the path, no configuration in it, or the public key is none.
    """
    root = Path(target)
    if not root.exists():
        raise InputError("deploy.config:not-there", field="target", path=plain(root))
    if is_image(root):
        yield from scan_image(root, public_key=options.public_key, most_unpacked=options.most_unpacked_bytes)
        return
    count = 0
    for number, each in enumerate(files(root, skipped=NOT_OURS), 1):
        if number > options.most_files:
            yield unread("gap-many-files", ".", limit=options.most_files)
            break
        for one in _file(each, root, options):
            count += 1
            yield one
    if not count:
        raise InputError("deploy.config:no-config", field="target", path=plain(root))


def unread(gap: str, place: str, /, **values: object) -> Scanned:
    """Return what is said of a thing that could not be looked at."""
    return Scanned(path=place, gaps=(text(f"deploy.config:{gap}").format(path=place, **values),))


def _file(each: File, root: Path, options: Options) -> Iterator[Scanned]:
    if not CANDIDATE.search(each.name):
        if root.is_file() or _is_archive(each):
            yield from _single(each, options)
        return
    if each.gap:
        yield unread(each.gap, each.name)
        return
    yield from _read(each, options)


def _is_archive(each: File) -> bool:
    return not each.gap and each.name.endswith((".tar", ".tar.gz", ".tgz")) and is_image(each.path)


def _single(each: File, options: Options) -> Iterator[Scanned]:
    """A file that was named, or an image found on the way."""
    if _is_archive(each):
        for one in scan_image(each.path, public_key=options.public_key, most_unpacked=options.most_unpacked_bytes):
            inner = one.path.partition("!")
            yield one.model_copy(update={"path": f"{each.name}{inner[1]}{inner[2]}"})
    else:
        yield from _read(each, options)


def _read(each: File, options: Options) -> Iterator[Scanned]:
    raw = read(each, options.most_bytes + 1)
    if raw is None:
        yield unread("gap-unreadable", each.name)
        return
    if len(raw) > options.most_bytes:
        if not each.name.endswith(".json"):  # a large JSON is data, not configuration
            yield unread("gap-large", each.name, limit=options.most_bytes)
        return
    content = decoded(raw, python=False)
    if content is None:
        if PurePosixPath(each.name).name.lower().startswith(("dockerfile", "containerfile")):
            yield unread("gap-not-text", each.name)
        return
    found = examine(each.name, content, variables=_beside(each))
    if found is None:
        return
    lines = content.splitlines()
    hidden = {note.hidden for note in found.notes} - {""}
    findings = tuple(seen(note, path=each.name, lines=lines, hidden=hidden) for note in found.notes)
    gaps = (text(f"deploy.config:{found.gap}").format(path=each.name),) if found.gap else ()
    yield Scanned(path=each.name, sha256=sha256(raw).hexdigest(), size=len(raw), format=found.kind, findings=findings,
                  coverage=((0, len(raw)),) if raw and not gaps else (), gaps=gaps)  # fmt: skip


def _beside(each: File) -> dict[str, str]:
    """Return what the `.env` file beside a compose file sets."""
    if "compose" not in each.name:
        return {}
    raw = read(File(each.path.parent / ".env", ".env"), 200_000)
    content = decoded(raw, python=False) if raw else None
    held = read_environment(content).environment if content else {}
    return {name: setting.value for name, setting in held.items()}
