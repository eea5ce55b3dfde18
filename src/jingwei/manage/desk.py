"""What every service of this room is given: one unit of work and the few things that differ between installations."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from jingwei.catalog import DEFAULT_GRADING, Catalog, GradingRules
from jingwei.core.clock import Clock, utc_now
from jingwei.core.configuration import ABSENT
from jingwei.core.signing import Signer


@dataclass(frozen=True, slots=True)
class Desk:
    """One unit of work's session with the catalogue, the platform's key and the clock."""

    session: Session
    catalog: Catalog
    signer: Signer
    clock: Clock = utc_now
    gateway_version: str = ABSENT
    """Version of the gateway that Systems are served through."""
    rules_id: str = DEFAULT_GRADING
    """The grading rule pack in force."""

    @property
    def rules(self) -> GradingRules:
        """Return the grading rules in force."""
        return self.catalog.grading_rules(self.rules_id)
