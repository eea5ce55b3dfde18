"""The catalogue: packs, their entries, and how much of the framework is covered."""

from dataclasses import dataclass

from jingwei.core.text import Both
from jingwei.faces.console.views.listing import Listing
from jingwei.faces.console.views.parts import Label, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class PackLine:
    """One pack."""

    id: str
    title: Both
    about: Label
    count: int
    source: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How the controls at one place of the board are shown."""

    part: str
    """Text key under `cell.`."""
    full: int
    """By an installed check."""
    partial: int
    """By a check that is not installed."""
    none: int
    """By people only."""

    @property
    def total(self) -> int:
        """Return how many controls the part has."""
        return self.full + self.partial + self.none


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueView:
    """The list of packs."""

    packs: tuple[PackLine, ...]
    coverage: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One entry of a pack."""

    id: str
    title: Label
    about: Label
    tags: tuple[Label, ...] = ()
    standing: str = ""
    """Of a control: whether evidence shows it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackView:
    """One pack and a page of its entries."""

    id: str
    title: Both
    about: Label
    listing: Listing[ItemLine]
    placed: bool = False
    """True where its entries lie on the board."""
    places: tuple[tuple[str, Both], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One entry with everything it says."""

    pack_id: str
    pack: Both
    id: str
    title: Label
    rows: tuple[tuple[Label, Label], ...]
    links: tuple[tuple[Label, tuple[Link, ...]], ...]
    """Named groups of entries it refers to or that refer to it."""
