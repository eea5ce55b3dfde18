"""Reporting clocks: how soon which incident must be reported to whom."""

from typing import Literal

from pydantic import Field

from jingwei.catalog.entry import Condition, Entry
from jingwei.core.text import Both


class Clock(Entry):
    """One duty to report."""

    law: Both
    recipient: Both
    when: Condition
    """Which incidents start it: a rule over the incident facts."""
    hours: float = Field(ge=0)
    """0 means at once."""
    verified: Literal["seen", "known"]
    """`seen`: read in a public text. `known`: general knowledge that a lawyer must check before it is relied on."""
    note: Both | None = None
