"""Evidence types: the vocabulary of proof, who produces each, how long it holds and what it is bound to."""

from typing import Literal

from pydantic import Field

from jingwei.catalog.entry import CheckId, Entry
from jingwei.core.evidence import BoundTo


class EvidenceType(Entry):
    """One kind of proof."""

    kind: Literal["auto", "record", "document"]
    """`auto`: a check produces and signs it, nobody enters it by hand. `record`: made by work in the console.
    `document`: a file that somebody brings."""
    producer: str
    """The room that produces it, such as `deploy.artifacts`."""
    validity_days: int = Field(ge=0)
    """0: never expires by time, only when what it is bound to changes. Our proposal, not a standard's number."""
    bound_to: BoundTo
    checks: tuple[CheckId, ...] = ()
    """Checks that can produce it; empty while there is none yet."""
