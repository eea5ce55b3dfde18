"""One file's examination: its notes, its limits, and the way back in for what lies inside something else.

Whatever is examined gets a list of the stretches that were accounted for. What lies inside something else hands its
own list on to what holds it, so that a file's coverage is told in the file's own positions; a hole is a gap.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jingwei.deploy.artifacts.compressed import unpack
from jingwei.deploy.artifacts.coverage import Ranges
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
    hashed_bytes: int = 64 * 1024**3


@dataclass(slots=True)
class Examination:
    """What format readers share."""

    notes: Notes
    limits: Limits
    look: Callable[["Examination", Source, str, int], None]
    """Examines something found inside: source, path, depth."""
    watch: Callable[[Source, str, int], None] | None = None
    """Told of each pickle before it is examined: source, path, where it begins."""
    weights: bool = False
    """Whether a description beside the file says that it is bare numbers."""
    unpacked: int = field(default=0)
    members: int = field(default=0)
    _ranges: list[Ranges] = field(default_factory=list)

    def cover(self, start: int, end: int) -> None:
        """Account for a stretch of what is being examined: read, or known to be plain data that nothing runs."""
        if self._ranges:
            self._ranges[-1].add(start, end)

    def inside(self, source: Source, path: str, depth: int, *, at: int | None = None,
               length: int | None = None) -> Ranges:  # fmt: skip
        """Examine something found inside, within the limits, and return which of its bytes were accounted for.

        Args:
            source: its bytes.
            path: what findings call it.
            depth: how deep it lies.
            at: where it lies in what holds it.
            length: how long it is there, where it had to be unpacked.
        """
        self.members += 1
        if depth > self.limits.depth:
            self.notes.gap("gap-depth", path, limit=self.limits.depth)
            return Ranges()
        if self.members > self.limits.members:
            self.notes.gap("gap-members", path, limit=self.limits.members)
            return Ranges()
        return self._looked_at(source, path, depth, at=at, length=length)

    def _looked_at(self, source: Source, path: str, depth: int, *, at: int | None,
                   length: int | None) -> Ranges:  # fmt: skip
        told = self.notes.told_gaps
        ranges = Ranges()
        self._ranges.append(ranges)
        try:
            self.look(self, source, path, depth)
        finally:
            self._ranges.pop()
        if not ranges and self.notes.told_gaps == told:  # a reader that names no stretch has read all or told a gap
            ranges.add(0, source.size)
        hole = ranges.hole(source.size)
        if hole is not None and self.notes.told_gaps == told:
            self.notes.gap("gap-uncovered", path, position=hole)
        if at is not None and self._ranges:
            if length is None:
                ranges.shifted_into(self._ranges[-1], at)
            elif hole is None:
                self._ranges[-1].add(at, at + length)
        return ranges

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
