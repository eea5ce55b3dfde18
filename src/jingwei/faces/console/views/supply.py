"""The supply chain of one System, one file's anatomy, and the queue of fixes."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.finding import Severity
from jingwei.deploy.fixing import Fix
from jingwei.deploy.scanned import Scanned, ScanVerdict, Seen
from jingwei.faces.console.views.parts import Stat
from jingwei.platform import ScanProof


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """One thing the System is made of."""

    name: str
    kind: str
    version: str
    licence: str
    worst: Severity | None
    """Of what any scan found in it."""
    found: int

    @property
    def tone(self) -> str:
        """Return how it is coloured."""
        if self.worst is None or self.worst.rank < Severity.MEDIUM.rank:
            return "good"
        return "bad" if self.worst.rank >= Severity.HIGH.rank else "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """One thing that a scan looked at, and where the scan is kept."""

    one: Scanned
    evidence_id: str
    verdict: ScanVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FlawLine:
    """One advisory that a component falls under."""

    each: Seen
    name: str
    version: str
    fixed: str
    published: datetime | None
    evidence_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One service on the network."""

    one: Scanned
    evidence_id: str

    @property
    def name(self) -> str:
        """Return what it was recognised as."""
        return self.one.facts.get("component") or self.one.format

    @property
    def version(self) -> str:
        """Return its version, where it could be told."""
        return self.one.facts.get("version", "")

    @property
    def auth(self) -> str:
        """Return `open`, `login` or `unknown`."""
        said = self.one.facts.get("auth", "")
        return said if said in {"open", "login"} else "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyView:
    """The page."""

    system_id: str
    system: str
    proofs: tuple[ScanProof, ...]
    stats: tuple[Stat, ...]
    parts: tuple[PartLine, ...]
    files: tuple[FileLine, ...]
    others: tuple[FileLine, ...]
    """What the scans of code, configuration and agents found."""
    flaws: tuple[FlawLine, ...]
    services: tuple[ServiceLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnatomyView:
    """What one file would do."""

    proof: ScanProof
    system: str
    one: Scanned
    steps: tuple[str, ...]
    """What loading it would call, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixesView:
    """The queue of fixes."""

    fixes: tuple[Fix, ...]
    now: datetime
    median_seconds: float | None
    closed: int

    @property
    def open(self) -> tuple[Fix, ...]:
        """Return what is not closed yet."""
        return tuple(each for each in self.fixes if each.closed_at is None)
