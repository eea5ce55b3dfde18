"""Knowledge bases as people keep them: who may see which document, changed on the record, and looked at as anybody.

A base is a file of its own beside the database; each change of what is in it, and for whom, is entered in the ledger
by digests alone. Nobody reads a base as the one who keeps it: every question names its asker.
"""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import digest
from jingwei.core.errors import InputError, NotFound
from jingwei.core.identity import Actor
from jingwei.core.settings import Settings
from jingwei.core.store import append_entry
from jingwei.manage import Desk, demand
from jingwei.operate.access import Acl, Asker, Document, KnowledgeBase, Leak, Passage, leaks
from jingwei.operate.access.paragraphs import Section

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
KEEP = "knowledge.keep"
ASK = "knowledge.ask"


class Sight(BaseModel):
    """What one asker may see of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: Document
    visible: int
    """Paragraphs of it that the asker may see."""


class Knowledge:
    """The knowledge bases of one installation."""

    def __init__(self, desk: Desk, *, settings: Settings) -> None:
        self.desk = desk
        self._folder = settings.home / "knowledge"

    def bases(self) -> tuple[str, ...]:
        """Return the names of the bases there are."""
        return tuple(sorted(path.stem for path in self._folder.glob("*.db")))

    def documents(self, base: str) -> tuple[Document, ...]:
        """List a base's documents and whom each is for, by title.

        Raises:
            NotFound: there is no such base.
        """
        with self._opened(base) as opened:
            return opened.documents()

    def take(self, base: str, title: str, text: str, acl: Acl, *, source: str, actor: Actor,
             narrowed: dict[str, Acl] | None = None) -> str:  # fmt: skip
        """Take a document in, or in the place of the one from the same source; the base is made where there is none.

        Args:
            base: the base's name.
            title: what to call the document.
            text: its text, in plain form or Markdown.
            acl: whom it is for.
            source: where it comes from.
            actor: who does it.
            narrowed: headings whose paragraphs are for fewer people, and for whom.

        Raises:
            InputError: the base's name is not one, the text is empty, or a heading does not stand in it.
            Refused: the actor may not.
        """
        demand(actor, KEEP, domain="*")
        if not _NAME.fullmatch(base):
            raise InputError("platform:base-name", field="base", given=base[:40])
        sections = [Section(heading, one) for heading, one in (narrowed or {}).items()]
        with KnowledgeBase(self._path(base)) as opened:
            document_id = opened.add(title, text, acl, source=source, sections=sections)
        lists = [acl.model_dump(mode="json"), *(one.acl.model_dump(mode="json") for one in sections)]
        self._enter("knowledge.take", base, document_id, text=digest(text), lists=digest(_sorted(lists)))
        return document_id

    def permit(self, base: str, document_id: str, acl: Acl, *, actor: Actor) -> None:
        """Change whom a document is for, from the next question on.

        Raises:
            NotFound: there is no such base or document.
            Refused: the actor may not.
        """
        demand(actor, KEEP, domain="*")
        with self._opened(base) as opened:
            opened.permit(document_id, acl)
        self._enter("knowledge.permit", base, document_id, lists=digest(_sorted([acl.model_dump(mode="json")])))

    def remove(self, base: str, document_id: str, *, actor: Actor) -> None:
        """Forget a document.

        Raises:
            NotFound: there is no such base or document.
            Refused: the actor may not.
        """
        demand(actor, KEEP, domain="*")
        with self._opened(base) as opened:
            opened.remove(document_id)
        self._enter("knowledge.remove", base, document_id)

    def ask(self, base: str, question: str, asker: Asker, *, actor: Actor, most: int = 8) -> tuple[Passage, ...]:
        """Return the paragraphs nearest to a question among those that its asker may see.

        Raises:
            NotFound: there is no such base.
            Refused: the actor may not ask on somebody's behalf.
        """
        demand(actor, ASK, domain="*")
        with self._opened(base) as opened:
            return opened.search(question, asker, most=most)

    def screen(self, base: str, answer: str, asker: Asker, *, actor: Actor) -> tuple[Leak, ...]:
        """Return the stretches of an answer that its asker may not see.

        Raises:
            NotFound: there is no such base.
            Refused: the actor may not ask on somebody's behalf.
        """
        demand(actor, ASK, domain="*")
        with self._opened(base) as opened:
            return leaks(answer, asker, opened)

    def sight(self, base: str, asker: Asker) -> tuple[Sight, ...]:
        """Return how much of each document an asker may see; no text is shown.

        Raises:
            NotFound: there is no such base.
        """
        with self._opened(base) as opened:
            visible = opened.visible(asker)
            seen = [each.document_id for each in opened.every_paragraph() if each.id in visible]
            return tuple(Sight(document=each, visible=seen.count(each.id)) for each in opened.documents())

    def _opened(self, base: str) -> KnowledgeBase:
        if not _NAME.fullmatch(base) or not self._path(base).is_file():
            raise NotFound("platform:no-base", field="base", base=base[:40])
        return KnowledgeBase(self._path(base))

    def _path(self, base: str) -> Path:
        return self._folder / f"{base}.db"

    def _enter(self, action: str, base: str, document_id: str, **digests: str) -> None:
        append_entry(self.desk.session, action, subject=document_id, body={"base": base, **digests})


def _sorted(lists: list[dict[str, object]]) -> list[dict[str, object]]:
    """Put the names of each list in order: a set has none, and a digest needs one."""
    return [{name: sorted(value) if isinstance(value, list) else value for name, value in one.items()} for one in lists]
