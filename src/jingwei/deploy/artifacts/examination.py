"""One file's examination: its notes, its limits, and the way back in for what lies inside something else."""

from collections.abc import Callable
from dataclasses import dataclass, field

from jingwei.deploy.artifacts.compressed import unpack
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.source import Source, Unpacked

_BOMB_RATIO = 200
_BOMB_SIZE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an examination goes."""

    depth: int = 6
    unpacked_bytes: int = 2 * 1024**3
    members: int = 100_000


@dataclass(slots=True)
class Examination:
    """What format readers share."""

    notes: Notes
    limits: Limits
    look: Callable[["Examination", Source, str, int], None]
    """Examines something found inside: source, path, depth."""
    unpacked: int = field(default=0)
    members: int = field(default=0)

    def inside(self, source: Source, path: str, depth: int) -> None:
        """Examine something found inside, within the limits."""
        self.members += 1
        if depth > self.limits.depth:
            self.notes.gap("gap-depth", path, limit=self.limits.depth)
        elif self.members > self.limits.members:
            self.notes.gap("gap-members", path, limit=self.limits.members)
        else:
            self.look(self, source, path, depth)

    def unpack(self, source: Source, method: str, path: str, *, start: int = 0, length: int | None = None) -> Unpacked:
        """Decompress within the limit that all of a file's parts share; a shortfall is noted."""
        out = unpack(source, method, limit=self.limits.unpacked_bytes - self.unpacked, start=start, length=length)
        self.unpacked += out.size
        packed = source.size if length is None else length
        if out.size > max(_BOMB_SIZE, packed * _BOMB_RATIO):
            self.notes.find("archive.bomb", path, start, packed=packed, unpacked=out.size)
        if not out.whole:
            self.notes.gap(out.reason, path, position=start)
        return out
