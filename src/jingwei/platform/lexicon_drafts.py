"""Changes of live lexicons: worked out, looked at, and put in force.

    wanted words ─► worked out against the newest version (`Planned`, nothing is changed yet) ─► its effect looked at
                 ─► applied, with a reason: one row, one ledger entry, one version ─► the relay tells gateways

A change is worked out outside of any unit of work, since a long list takes seconds; applying it is a moment.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from jingwei.core.blobs import Blobs
from jingwei.core.errors import Conflict, InputError
from jingwei.core.identity import Actor
from jingwei.core.settings import Settings
from jingwei.manage import Desk, LexiconChanges, LexiconVersion, demand_lexicon
from jingwei.platform.impact import Impact, measured
from jingwei.platform.lexicons import index_of
from jingwei.platform.word_change import WantedWords
from jingwei.platform.word_file import Row, read_words
from jingwei.platform.word_index import ADDED, REMOVED, held_at, read_change, read_head


class Planned(BaseModel):
    """A change that was worked out and not yet applied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lexicon: str
    digest: str
    since: int
    """The version it was worked out against; applied to another it is refused."""
    added: int
    removed: int
    same: int


class LexiconDrafts:
    """Works out changes of live lexicons, and applies them."""

    def __init__(self, desk: Desk, *, settings: Settings) -> None:
        self.desk = desk
        self.settings = settings
        self._changes = LexiconChanges(desk)
        self._blobs = Blobs(settings.blobs_path)

    def plan(self, name: str, *, add: Iterable[str] = (), remove: Iterable[str] = (), topic: str = "",
             actor: Actor) -> Planned:  # fmt: skip
        """Work out what adding and removing some words would change.

        Raises:
            InputError: a word is empty, too long, or holds what cannot be seen.
            Refused: the actor may not.
        """
        self._changes.demand_editor(name, actor)

        def take(wanted: WantedWords) -> None:
            wanted.take((Row(place, word, "") for place, word in enumerate(add, start=1)), sign=ADDED, topic=topic,
                        where="word")  # fmt: skip
            wanted.take((Row(place, word, "") for place, word in enumerate(remove, start=1)), sign=REMOVED,
                        where="word")  # fmt: skip

        return self._planned(name, take)

    def plan_file(self, name: str, file: BinaryIO, filename: str, *, topic: str = "", replace: bool = False,
                  actor: Actor) -> Planned:  # fmt: skip
        """Work out what a file of words would change.

        Args:
            name: the lexicon.
            file: CSV, plain text or a spreadsheet, open and seekable.
            filename: its ending says which.
            topic: of words that name none.
            replace: whether words that the file lacks are removed.
            actor: who.

        Raises:
            InputError: the file or a row of it is wrong; nothing is kept.
            Refused: the actor may not.
        """
        self._changes.demand_editor(name, actor)

        def take(wanted: WantedWords) -> None:
            if not wanted.take(read_words(file, filename), sign=ADDED, topic=topic):
                raise InputError("platform:words-none", field="file")

        return self._planned(name, take, replace=replace)

    def plan_revert(self, name: str, number: int, *, actor: Actor) -> Planned:
        """Work out the change that brings back the words of an earlier version; 0 is the empty list.

        Raises:
            NotFound: there is no such version.
            Refused: the actor may not.
        """
        self._changes.demand_editor(name, actor)
        if number:
            self._changes.version(name, number)
        index = index_of(self.desk, self.settings, name)

        def take(wanted: WantedWords) -> None:
            with index.opened() as connection:
                rows = connection.execute(f"SELECT word, topic FROM word WHERE {held_at(number)}")  # noqa: S608 - a whole number of our own
                wanted.take((Row(0, word, topic) for word, topic in rows), sign=ADDED, where="word")

        return self._planned(name, take, replace=True)

    def apply(self, name: str, digest: str, *, reason: str, source: str = "", actor: Actor) -> LexiconVersion:
        """Put a planned change in force: one version more.

        Raises:
            InputError: no reason is given, or the change changes nothing.
            Conflict: somebody changed the lexicon since it was worked out.
            NotFound: there is no such change.
            Refused: the actor may not.
        """
        with self._blobs.open(digest) as blob:
            head = read_head(blob)
        if head["lexicon"] != name:
            raise Conflict("platform:lexicon-of-another", field="digest")
        added, removed, since = (int(str(head[each])) for each in ("added", "removed", "since"))
        if not added + removed:
            raise InputError("platform:lexicon-same", field="words")
        version = self._changes.enter(name, digest, since=since, added=added, removed=removed, source=source,
                                      reason=reason, actor=actor)  # fmt: skip
        newest = self._changes.since(name, 0)[:-1]
        if head["previous"] != (newest[-1].words_digest if newest else ""):
            raise Conflict("manage:lexicon-changed", field="since", since=since, number=len(newest))
        return version

    def impact(self, name: str, digest: str) -> Impact:
        """Tell which recorded and benign texts a planned change would newly flag, and which no longer.

        Raises:
            NotFound: there is no such change.
        """
        demand_lexicon(name)
        with self._blobs.open(digest) as blob:
            return measured(name, read_change(blob), folder=self.settings.recordings_path)

    def _planned(self, name: str, take: Callable[[WantedWords], object], *, replace: bool = False) -> Planned:
        index, versions = index_of(self.desk, self.settings, name), self._changes.since(name, 0)
        wanted = WantedWords(index.path)
        try:
            take(wanted)
            worked = wanted.worked(self._blobs, lexicon=name, since=len(versions),
                                           previous=_previous(versions), replace=replace)  # fmt: skip
        finally:
            wanted.close()
        return Planned(lexicon=name, digest=worked.digest, since=worked.since, added=worked.added,
                       removed=worked.removed, same=worked.same)  # fmt: skip


def _previous(versions: Sequence[LexiconVersion]) -> str:
    return versions[-1].words_digest if versions else ""
