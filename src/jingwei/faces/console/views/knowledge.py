"""Knowledge bases: which documents are for whom, and what one asker would see."""

from dataclasses import dataclass

from jingwei.faces.console.views.parts import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """One document, and how much of it the asker looked through would see."""

    id: str
    title: str
    source: str
    whom: str
    open_to_all: bool
    paragraphs: int
    narrowed: int
    visible: int | None = None
    """None where nobody's eyes are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageLine:
    """A paragraph that the asker would be given."""

    title: str
    heading: str
    text: str
    nearness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeView:
    """All bases."""

    rows: tuple[tuple[str, int, int], ...]
    """Name, documents, and how many of them everybody may see."""
    may_keep: bool
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseView:
    """One base, perhaps through somebody's eyes."""

    name: str
    rows: tuple[DocumentLine, ...]
    asker: str
    groups: str
    level: str
    question: str
    found: tuple[PassageLine, ...] | None
    """None where nothing was asked."""
    leaks: int | None
    """Stretches of a pasted answer that the asker may not see; None where none was pasted."""
    may_keep: bool
    may_ask: bool
    form: Form
