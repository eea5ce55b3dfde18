"""Risks, and the measures that help against them (TC260 AI Safety Governance Framework 1.0, chapters 3 to 5)."""

from typing import Literal

from jingwei.catalog.entry import Entry, Id, Requirement

Domain = Literal["model", "data", "system", "network", "real-world", "cognitive", "ethical"]
"""The first three are inherent in the technology, the other four arise in its application."""


class Risk(Entry):
    """What can go wrong."""

    paragraph: str
    domain: Domain
    technical: tuple[Id, ...] = ()
    """Ids of the technical measures that help."""
    governance: tuple[Id, ...] = ()
    """Ids of the governance measures that help."""

    @property
    def inherent(self) -> bool:
        """Tell whether the risk lies in the technology itself rather than in its application."""
        return self.domain in {"model", "data", "system"}


class Measure(Requirement):
    """What helps against a risk."""

    paragraph: str
    kind: Literal["technical", "governance"]
