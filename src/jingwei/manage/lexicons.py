"""Live lexicons: who changed which words of which list, when and why. The words themselves lie in blobs.

A lexicon is `organisation`, or the id of a System. Each change is one version, counted 1, 2, 3 …, and names the blob
that holds its words; that blob names the one of the version before, so the digest of the newest version stands for the
whole history. Live words only add to what a policy finds: they are no part of its digest (decision 0008), and so a word
can be live within a second, without lapsing evidence.
"""

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from jingwei.core.errors import Conflict, InputError, NotFound
from jingwei.core.identity import Actor
from jingwei.core.ids import new_id
from jingwei.core.store.tables import LexiconChangeRow
from jingwei.manage import rows
from jingwei.manage.desk import Desk
from jingwei.manage.rights import demand, demand_over

ORGANISATION = "organisation"
EDIT = "lexicon.edit"
_NAME = re.compile(r"organisation|sys_[0-9A-Z]{26}")
_LONGEST_REASON = 2_000
_LONGEST_SOURCE = 200


class LexiconVersion(BaseModel):
    """One change of a lexicon, and the version it made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lexicon: str
    number: int
    words_digest: str
    """Blob of the change; stands for the whole history up to here."""
    added: int
    removed: int
    source: str
    reason: str
    actor_id: str
    at: datetime

    @property
    def label(self) -> str:
        """Name the version as events do: its number and the head of its digest."""
        return f"{self.number}.{self.words_digest[:12]}"


class LexiconChanges:
    """Enters and lists changes; `platform` keeps the words."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session

    def enter(self, lexicon: str, words_digest: str, *, since: int, added: int, removed: int, source: str, reason: str,
              actor: Actor) -> LexiconVersion:  # fmt: skip
        """Enter a change that was worked out against a version.

        Args:
            lexicon: which.
            words_digest: the blob of the change.
            since: the version it was worked out against.
            added: how many words it adds.
            removed: how many it removes.
            source: where the words came from.
            reason: why.
            actor: who.

        Raises:
            Refused: the actor may not.
            InputError: no reason is given.
            Conflict: somebody changed the lexicon meanwhile.
        """
        self.demand_editor(lexicon, actor)
        if not reason.strip():
            raise InputError("manage:lexicon-reason", field="reason")
        newest = self.newest(lexicon)
        number = newest.number if newest else 0
        if number != since:
            raise Conflict("manage:lexicon-changed", field="since", since=since, number=number)
        row = LexiconChangeRow(
            id=new_id("lex"), created_at=self.desk.clock(), lexicon=lexicon, number=number + 1, added=added,
            removed=removed, words_digest=words_digest, source=source.strip()[:_LONGEST_SOURCE],
            reason=reason.strip()[:_LONGEST_REASON], actor_id=actor.id,
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return _version(row)

    def demand_editor(self, lexicon: str, actor: Actor) -> None:
        """Refuse who may not change a lexicon.

        Raises:
            NotFound: there is no such lexicon.
            Refused: the actor may not.
        """
        demand_lexicon(lexicon)
        if lexicon == ORGANISATION:
            demand(actor, EDIT, domain="*")
        else:
            demand_over(actor, EDIT, rows.system_row(self.session, lexicon))

    def versions(self, lexicon: str) -> list[LexiconVersion]:
        """List the versions of a lexicon, newest first."""
        demand_lexicon(lexicon)
        query = select(LexiconChangeRow).where(LexiconChangeRow.lexicon == lexicon)
        return [_version(row) for row in self.session.scalars(query.order_by(LexiconChangeRow.number.desc()))]

    def since(self, lexicon: str, number: int) -> list[LexiconVersion]:
        """List the versions after a number, oldest first."""
        query = select(LexiconChangeRow).where(LexiconChangeRow.lexicon == lexicon, LexiconChangeRow.number > number)
        return [_version(row) for row in self.session.scalars(query.order_by(LexiconChangeRow.number))]

    def version(self, lexicon: str, number: int) -> LexiconVersion:
        """Return one version.

        Raises:
            NotFound: there is none.
        """
        row = self.session.scalar(
            select(LexiconChangeRow).where(LexiconChangeRow.lexicon == lexicon, LexiconChangeRow.number == number)
        )
        if row is None:
            raise NotFound("manage:lexicon-version-unknown", field="version", version=number)
        return _version(row)

    def newest(self, lexicon: str) -> LexiconVersion | None:
        """Return the newest version; none before the first change."""
        query = select(LexiconChangeRow).where(LexiconChangeRow.lexicon == lexicon)
        row = self.session.scalars(query.order_by(LexiconChangeRow.number.desc()).limit(1)).first()
        return None if row is None else _version(row)

    def names(self) -> tuple[str, ...]:
        """List the lexicons that were ever changed."""
        query = select(LexiconChangeRow.lexicon, func.max(LexiconChangeRow.number)).group_by(LexiconChangeRow.lexicon)
        return tuple(sorted(name for name, _ in self.session.execute(query)))


def demand_lexicon(lexicon: str) -> None:
    """Refuse what cannot be the name of a lexicon.

    Raises:
        NotFound: it is neither `organisation` nor a System's id.
    """
    if not _NAME.fullmatch(lexicon):
        raise NotFound("manage:lexicon-unknown", field="lexicon", lexicon=lexicon[:80])


def _version(row: LexiconChangeRow) -> LexiconVersion:
    return LexiconVersion(lexicon=row.lexicon, number=row.number, words_digest=row.words_digest, added=row.added,
                          removed=row.removed, source=row.source, reason=row.reason, actor_id=row.actor_id,
                          at=row.created_at)  # fmt: skip
