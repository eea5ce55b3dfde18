"""The list of Systems, and the form that registers one."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.core.text import Both
from jingwei.faces.console.views.listing import Listing
from jingwei.faces.console.views.parts import Choice, Form, Label


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemLine:
    """One System in the list."""

    id: str
    name: str
    domain: str
    owner: str
    status: str
    grade: int | None
    proven: int
    required: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemsView:
    """The list of Systems."""

    listing: Listing[SystemLine]
    may_register: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One fact of the intake, as a question."""

    name: str
    title: Both
    help: Label
    choices: tuple[Choice, ...]
    from_scan: str = ""
    """Value a scan found, which overrules the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Questions that belong together."""

    key: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeView:
    """The intake form: who the System is, and the facts that grade it."""

    topics: tuple[Topic, ...]
    form: Form
    system_id: str = ""
    """Given where the facts of a registered System are answered again."""
    system_name: str = ""

    @property
    def count(self) -> int:
        """Return how many questions there are."""
        return sum(len(topic.questions) for topic in self.topics)
