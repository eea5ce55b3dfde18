"""Controls: what the CAICT Blue Book 202510 asks for, placed on its two lines and three sides (两横三纵)."""

from enum import StrEnum
from typing import Literal

from jingwei.catalog.entry import Requirement
from jingwei.core.text import Both


class Axis(StrEnum):
    """The two lines."""

    MANAGEMENT = "management"
    TECHNOLOGY = "technology"


class Stage(StrEnum):
    """The three sides, and what lies across or around them."""

    DEVELOP = "develop"
    DEPLOY = "deploy"
    OPERATE = "operate"
    ALL = "all"
    ECOSYSTEM = "ecosystem"
    SECTOR = "sector"


class Room(StrEnum):
    """The folder of the tree that carries a control."""

    MANAGE = "manage"
    DEVELOP = "develop"
    DEPLOY = "deploy"
    OPERATE = "operate"
    SECTORS = "sectors"
    ECOSYSTEM = "ecosystem"


class Control(Requirement):
    """One requirement."""

    axis: Axis
    stage: Stage
    room: Room
    sector: Literal["finance", "health", "transport", "energy", "telecom"] | None = None
    source: Both
    """The paragraph it comes from."""
    exemplars: tuple[Both, ...] = ()
    """Practices that the source names as examples."""
