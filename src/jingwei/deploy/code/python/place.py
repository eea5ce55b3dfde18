"""Where something was seen in code, and what a sink is to those who call the function it lies in."""

from dataclasses import dataclass
from typing import NamedTuple

from jingwei.deploy.code.python.value import Taint


class Place(NamedTuple):
    """One place in one file."""

    path: str
    line: int
    column: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """A parameter of a function comes to a sink."""

    taint: Taint
    """The parameter's, with what it was made safe for on the way."""
    rule: str
    group: str
    place: Place
    call: str
    """The name of the dangerous call."""


@dataclass(frozen=True, slots=True)
class Report:
    """One thing to be told, before its texts are put on."""

    rule: str
    place: Place
    call: str
    taint: Taint | None = None
    note: str = ""
    """A variant of the rule, where it has several."""
