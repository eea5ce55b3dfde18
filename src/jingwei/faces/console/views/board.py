"""The home board: the framework as one picture, and what waits for a person."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.faces.console.views.parts import Label, Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One place of the framework: how many of its required controls are proven."""

    key: str
    """`management.develop`, `ecosystem.benchmark`, `sector.finance`: names its texts."""
    proven: int
    total: int
    url: str

    @property
    def tone(self) -> str:
        """Return the colour of the meter."""
        if not self.total:
            return "quiet"
        share = self.proven / self.total
        return "good" if share >= 0.75 else "warn" if share >= 0.4 else "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the nine steps of the loop: how many systems stand at it."""

    key: str
    count: int | None
    """None where this version cannot count."""
    url: str
    busy: bool = False
    """True where somebody must act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits for a person."""

    kind: str
    """Text key under `waiting.`."""
    system: str
    detail: Label
    url: str
    tone: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """The home board."""

    stats: tuple[Stat, ...]
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]
    """The two lines by name, each with its cell on the three sides."""
    ecosystem: tuple[Cell, ...]
    sectors: tuple[Cell, ...]
    steps: tuple[Step, ...]
    waiting: tuple[Waiting, ...]
