"""Values that several pages show."""

from dataclasses import dataclass, field
from datetime import datetime

from jingwei.core.text import Both

Label = Both | str
"""A text of ours in both languages, or a name from data that is the same in both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One figure with its name and the list it counts."""

    key: str
    """Text key of its name."""
    count: int
    url: str
    tone: str = "quiet"
    trend: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A name that leads somewhere."""

    name: Label
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value to choose."""

    value: str
    label: Label
    about: Label = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a form: with one field, or (`field` empty) with the whole."""

    field: str
    message: Both


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a person sent and what was wrong with it; a fresh form has neither."""

    values: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def value(self, name: str, otherwise: str = "") -> str:
        """Return what was sent in a field."""
        return self.values.get(name, otherwise)

    def problem(self, name: str) -> Both | None:
        """Return what is wrong with a field."""
        return next((problem.message for problem in self.problems if problem.field == name), None)


FRESH = Form()
"""A form nobody has sent yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a timeline or feed."""

    at: datetime
    kind: str
    """Text key of what happened, under `happened.`."""
    name: Label
    tone: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a verification found."""

    holds: bool
    lines: tuple[tuple[Both, bool], ...]
    """Each thing that was verified, and whether it holds."""
