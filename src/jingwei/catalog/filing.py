"""Filing schemes: what a regulator wants to see, as checkable data."""

from typing import Literal

from jingwei.catalog.entry import Entry
from jingwei.core.text import Both


class FilingCheck(Entry):
    """One number that the dossier must meet."""

    comparison: Literal[">=", "<=", "=="]
    value: float
    unit: Literal["count", "days", "ratio"]
    verified: Literal["seen", "verify"]
    """`seen`: read in a public text. `verify`: must be checked against the standard before it is relied on."""
    note: Both | None = None

    def met(self, measured: float) -> bool:
        """Tell whether a measured number meets it."""
        if self.comparison == ">=":
            return measured >= self.value
        return measured <= self.value if self.comparison == "<=" else measured == self.value


class FilingScheme(Entry):
    """One filing procedure."""

    standards: tuple[Entry, ...]
    materials: tuple[Entry, ...]
    checks: tuple[FilingCheck, ...]
    labels: tuple[Entry, ...]
    """Facts about the labels that generated content must carry."""
    states: tuple[Entry, ...]
