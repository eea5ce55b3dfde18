"""The model scan: every file of a folder examined for itself, and the folder judged as the one artefact it is."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.errors import InputError
from jingwei.deploy.artifacts.examination import Limits
from jingwei.deploy.artifacts.repository import MOST_NAMES, repository
from jingwei.deploy.artifacts.scan import scan_file, unread
from jingwei.deploy.artifacts.walk import Found, walk
from jingwei.deploy.scanned import Scanned, plain


class Options(BaseModel):
    """What a model scan can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: bool = True
    """Whether to compute each file's SHA-256; it takes longer than the examination of large weights."""
    most_files: int = Field(default=2_000_000, gt=0)
    """Files looked at in a folder; more make the result incomplete."""
    most_unpacked_bytes: int = Field(default=2 * 1024**3, gt=0)
    """How much one file may unpack to."""
    depth: int = Field(default=6, gt=0, le=20)
    """How many archives inside one another are opened."""

    @property
    def limits(self) -> Limits:
        """Return how far an examination goes."""
        return Limits(depth=self.depth, unpacked_bytes=self.most_unpacked_bytes)


def scan(target: str, options: Options) -> Iterator[Scanned]:
    """Examine a file, or a folder file by file.

    Raises:
        InputError: there is nothing at the path, or a folder without files.
    """
    root = Path(target)
    if not root.is_dir():
        yield scan_file(root, limits=options.limits, digest=options.hash)
        return
    count, names = 0, list[str]()
    for count, found in enumerate(walk(root), 1):
        if count > options.most_files:
            yield unread("gap-many-files", ".", limit=options.most_files)
            return
        if len(names) < MOST_NAMES:
            names.append(found.path.relative_to(root).as_posix())
        yield examined(found, options)
    if not count:
        raise InputError("deploy.artifacts:empty", field="target", path=plain(root))
    yield from repository(root, names)


def examined(found: Found, options: Options) -> Scanned:
    """Examine one file of a folder; whatever keeps it from being read is told as a gap."""
    if found.gap:
        return unread(found.gap, found.name)
    try:
        return scan_file(found.path, found.name, limits=options.limits, digest=options.hash)
    except InputError:
        return unread("gap-vanished", found.name)
