"""The gate of one System: what is missing, who signed, and the form to sign."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.text import Both
from jingwei.faces.console.views.listing import Listing
from jingwei.faces.console.views.parts import FRESH, Form
from jingwei.faces.console.views.system import Required


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One signature the lane demands."""

    role: str
    signer: str = ""
    approves: bool | None = None
    comment: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """One release request in the list."""

    id: str
    system_id: str
    system: str
    grade: int
    status: str
    requested_by: str
    at: datetime
    signed: int
    needed: int
    mine: bool
    """True where this visitor's signature is awaited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesView:
    """Release requests of all Systems."""

    listing: Listing[RequestLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """The gate of one System."""

    system_id: str
    system: str
    status: str
    grade: int
    passes: bool
    """The rules and the evidence allow a release."""
    stops: tuple[Both, ...]
    required: tuple[Required, ...]
    request_id: str = ""
    request_status: str = ""
    requested_by: str = ""
    requested_at: datetime | None = None
    evidence_digest: str = ""
    seats: tuple[Seat, ...] = ()
    roles: tuple[str, ...] = ()
    """Roles this visitor may sign in; empty means the form is not offered."""
    why_not: Both | None = None
    """Why this visitor may not sign."""
    may_request: bool = False
    may_withdraw: bool = False
    may_release: bool = False
    form: Form = FRESH
    needs_code: bool = False
    """True where the visitor signs with a one-time code beside the password."""

    @property
    def open_lines(self) -> tuple[Required, ...]:
        """Return the lines that keep the gate closed."""
        return tuple(line for line in self.required if line.standing != "valid")

    @property
    def standing_lines(self) -> tuple[Required, ...]:
        """Return the lines that stand."""
        return tuple(line for line in self.required if line.standing == "valid")

    @property
    def signed(self) -> int:
        """Return how many seats have approved."""
        return sum(1 for seat in self.seats if seat.approves)
