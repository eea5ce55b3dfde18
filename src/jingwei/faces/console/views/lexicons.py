"""Live word lists: the lists, one list, a change before it is made, a version, a word's history."""

from dataclasses import dataclass
from datetime import datetime

from jingwei.faces.console.views.parts import FRESH, Choice, Form, Label, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class LexiconLine:
    """One list."""

    name: str
    title: Label
    words: int
    version: int
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LexiconsView:
    """All lists, and Systems that have none yet."""

    rows: tuple[LexiconLine, ...]
    without: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordLine:
    """One word."""

    word: str
    topic: Label
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One version of a list."""

    number: int
    added: int
    removed: int
    source: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LexiconView:
    """One list: its words, its versions, and the form to change it."""

    name: str
    title: Label
    words: int
    version: int
    topics: tuple[tuple[str, Label, int], ...]
    rows: tuple[WordLine, ...]
    part: str
    topic: str
    older: str
    """Word to go on after, where there are more."""
    earlier: bool
    versions: tuple[VersionLine, ...]
    known_topics: tuple[Choice, ...]
    may_edit: bool
    form: Form = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLine:
    """Texts of one source that a change would newly flag, or no longer."""

    source: str
    texts: int
    newly: int
    no_longer: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLine:
    """A redacted text around a find."""

    source: str
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A change that was worked out and not yet made."""

    name: str
    title: Label
    digest: str
    since: int
    added: int
    removed: int
    same: int
    source: str
    shares: tuple[ShareLine, ...]
    finds: tuple[FindLine, ...]
    form: Form

    @property
    def empty(self) -> bool:
        """Tell whether nothing would change."""
        return not self.added + self.removed


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """One version, and what it changed against another."""

    name: str
    title: Label
    version: VersionLine
    first: int
    added: tuple[tuple[str, Label], ...]
    added_count: int
    removed: tuple[tuple[str, Label], ...]
    removed_count: int
    others: tuple[int, ...]
    newest: bool
    may_edit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellLine:
    """A time that a word was in the list."""

    topic: Label
    added: VersionLine
    removed: VersionLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordView:
    """Who put a word there, and why."""

    name: str
    title: Label
    word: str
    spells: tuple[SpellLine, ...]
    may_edit: bool
    back: Link
