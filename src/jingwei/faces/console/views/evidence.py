"""Evidence: the list, and one piece with all that was measured and found."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.evidence import Evidence
from jingwei.core.text import Both
from jingwei.faces.console.views.listing import Listing
from jingwei.faces.console.views.parts import Label, Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """One piece in the list."""

    id: str
    type: str
    name: Label
    system_id: str
    system: str
    outcome: str
    standing: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencesView:
    """The list of evidence."""

    listing: Listing[EvidenceLine]
    types: tuple[tuple[str, Label], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """One piece of evidence."""

    evidence: Evidence
    name: Label
    system: str
    standing: str
    why: Label = ""
    expires_at: datetime | None = None
    actor: str = ""
    proof: Proof | None = None
    """Given once the visitor asked for it."""
    measured: bool = False
    """Whether it is an evaluation's, so that there is a whole report."""
    earlier: tuple[tuple[str, datetime], ...] = ()
    """Earlier evaluations of the same System to compare with, the latest first."""
    controls: tuple[tuple[str, Both], ...] = ()
    """Controls that this type of evidence serves."""
