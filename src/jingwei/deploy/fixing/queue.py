"""The queue of fixes: one file a fix in a folder, written whole, with its clocks."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from statistics import median

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from jingwei.core.errors import InputError, NotFound
from jingwei.core.finding import Severity
from jingwei.core.folder import write_whole
from jingwei.core.text import Both

ALLOWED_HOURS = {
    Severity.CRITICAL: 24,
    Severity.HIGH: 168,
    Severity.MEDIUM: 720,
    Severity.LOW: 2160,
    Severity.INFO: 8760,
}
"""Hours from finding to mending; ours, not a standard's: a day, a week, a month, three months, a year."""


class FixState(StrEnum):
    """How far a fix has come."""

    FOUND = "found"
    """No change is known that would end it."""
    PROPOSED = "proposed"
    """A change was tried on a copy and ends it."""
    APPLIED = "applied"
    """A person applied it; a scan has not confirmed it yet."""
    CLOSED = "closed"
    """A scan no longer finds it."""


class Edit(BaseModel):
    """One line to change; line numbers begin with 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int
    before: str
    after: str


class Fix(BaseModel):
    """One finding on its way to being mended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: str
    """Of the scan that found it."""
    target: str
    """What was scanned."""
    rule: str
    severity: Severity
    title: Both
    detail: Both
    path: str
    """The file it is in, relative to the target; empty for the target itself."""
    where: str
    """What the finding is about: a file or a package."""
    found_at: AwareDatetime
    edits: tuple[Edit, ...] = ()
    diff: str = ""
    before_sha256: str = ""
    """Digest of the file that the change was made for."""
    proposed_at: AwareDatetime | None = None
    applied_at: AwareDatetime | None = None
    applied_by: str = ""
    closed_at: AwareDatetime | None = None

    @property
    def state(self) -> FixState:
        """Return how far it has come."""
        if self.closed_at:
            return FixState.CLOSED
        if self.applied_at:
            return FixState.APPLIED
        return FixState.PROPOSED if self.proposed_at else FixState.FOUND

    @property
    def due_at(self) -> datetime:
        """Return by when it must be mended."""
        return self.found_at + timedelta(hours=ALLOWED_HOURS[self.severity])

    def late(self, now: datetime) -> bool:
        """Tell whether it was or is mended too late."""
        return (self.closed_at or now) > self.due_at


def fix_id(kind: str, target: str, rule: str, path: str, what: str) -> str:
    """Return 12 hex digits that stay the same while the same problem lies in the same file."""
    return sha256(f"{kind}\0{target}\0{rule}\0{path}\0{what}".encode()).hexdigest()[:12]


class Queue:
    """A folder of fixes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __iter__(self) -> Iterator[Fix]:
        """Give the fixes, the most urgent first: open before closed, then by when they are due."""
        fixes = [self._read(path) for path in self.folder.glob("*.json")] if self.folder.is_dir() else []
        return iter(sorted(fixes, key=lambda each: (each.state is FixState.CLOSED, each.due_at, each.id)))

    def __getitem__(self, wanted: str) -> Fix:
        """Return one fix by its id, or by the beginning of it.

        Raises:
            NotFound: there is none, or more than one.
        """
        found = [each for each in self if each.id.startswith(wanted)] if wanted else []
        if len(found) != 1:
            raise NotFound("deploy.fixing:no-such-fix", field="fix", wanted=wanted, count=len(found))
        return found[0]

    def get(self, whole: str) -> Fix | None:
        """Return the fix of a whole id, reading no other; none where it is not kept."""
        path = self.folder / f"{whole}.json"
        return self._read(path) if path.is_file() else None

    def keep(self, fix: Fix) -> None:
        """Write a fix, whole.

        Raises:
            Unavailable: the disk is full, or the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / f"{fix.id}.json", lambda draft: draft.write_text(fix.model_dump_json(indent=1)))

    def _read(self, path: Path) -> Fix:
        try:
            return Fix.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError("deploy.fixing:unreadable", field="queue", path=str(path)) from error


def median_seconds(fixes: Iterable[Fix]) -> float | None:
    """Return the median time from finding to closing, in seconds; none where nothing was closed."""
    taken = [(each.closed_at - each.found_at).total_seconds() for each in fixes if each.closed_at]
    return median(taken) if taken else None
