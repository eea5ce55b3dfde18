"""Crosswalk by evidence: one piece of proof serves many frameworks.

A control inherits the outside ids of its evidence. Our own judgement, held as ids only.
"""

from pydantic import Field

from jingwei.catalog.entry import Id, Value


class CrosswalkLine(Value):
    """The outside requirements that one evidence type helps to show."""

    evidence: Id
    frameworks: dict[Id, tuple[str, ...]] = Field(min_length=1)
    """Framework id → ids of its requirements."""
