"""Live lexicons as people look at them: what is in one, since when, who put it there and why."""

from pydantic import BaseModel, ConfigDict

from jingwei.core.blobs import Blobs
from jingwei.core.settings import Settings
from jingwei.detect.lexicon import folded_word
from jingwei.manage import Desk, LexiconChanges, LexiconVersion, demand_lexicon
from jingwei.platform.word_file import clean_word
from jingwei.platform.word_index import Spell, WordEntry, WordIndex, held_at

PAGE = 50
MOST_SHOWN = 500


class LexiconState(BaseModel):
    """A lexicon as it is now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: LexiconVersion | None
    words: int
    topics: dict[str, int]
    """Words by topic; the empty one for those without."""


class Difference(BaseModel):
    """What is in one version and not in another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    second: int
    added: int
    removed: int
    added_words: tuple[tuple[str, str], ...]
    """Word and topic; not all where there are very many."""
    removed_words: tuple[tuple[str, str], ...]


class Blame(BaseModel):
    """A time that a word was in a lexicon, and the changes that began and ended it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spell: Spell
    added: LexiconVersion
    removed: LexiconVersion | None


class Lexicons:
    """Live word lists: the organisation's, and one for each System that has its own."""

    def __init__(self, desk: Desk, *, settings: Settings) -> None:
        self.desk = desk
        self.settings = settings
        self._changes = LexiconChanges(desk)

    def names(self) -> tuple[str, ...]:
        """List the lexicons that were ever changed."""
        return self._changes.names()

    def lexicon(self, name: str) -> LexiconState:
        """Tell how a lexicon stands."""
        index = index_of(self.desk, self.settings, name)
        with index.opened() as connection:
            query = f"SELECT topic, count(*) FROM word WHERE {held_at(index.now)} GROUP BY topic"  # noqa: S608 - whole numbers of our own
            counted = connection.execute(query)
            topics = dict(counted)
        return LexiconState(name=name, version=self._changes.newest(name), words=sum(topics.values()), topics=topics)

    def versions(self, name: str) -> list[LexiconVersion]:
        """List the versions of a lexicon, newest first."""
        return self._changes.versions(name)

    def search(self, name: str, *, part: str = "", topic: str | None = None, after: str = "",
               limit: int = PAGE) -> list[WordEntry]:  # fmt: skip
        """Find words, in their order.

        Args:
            name: the lexicon.
            part: what a word must hold.
            topic: of which topic; the empty one is of those without.
            after: go on after this word; the last of the page before.
            limit: how many at most.
        """
        sought = " ".join(part.split())[:80]
        folded = folded_word(sought, field="part") if sought else ""
        index = index_of(self.desk, self.settings, name)
        query = f"SELECT word, topic, number FROM word WHERE {held_at(index.now)} AND folded > ? AND instr(folded, ?)"  # noqa: S608 - whole numbers of our own
        given: list[object] = [folded_word(after, field="after") if after else "", folded]
        if not folded:
            query, given = query.replace(" AND instr(folded, ?)", ""), given[:1]
        if topic is not None:
            query, given = f"{query} AND topic = ?", [*given, topic]
        with index.opened() as connection:
            found = connection.execute(f"{query} ORDER BY folded LIMIT ?", [*given, min(limit, MOST_SHOWN)])
            return [WordEntry(word=word, topic=of, number=number) for word, of, number in found]

    def difference(self, name: str, first: int, second: int) -> Difference:
        """Tell what a version has that another has not, and the other way round.

        Raises:
            NotFound: there is no such version.
        """
        for number in (first, second):
            if number:
                self._changes.version(name, number)
        with index_of(self.desk, self.settings, name).opened() as connection:
            found = []
            for then, was in ((second, first), (first, second)):
                query = (
                    f"FROM word AS one WHERE {held_at(then, 'one')} AND NOT EXISTS (SELECT 1 FROM word AS other"  # noqa: S608 - whole numbers of our own
                    f" WHERE other.folded = one.folded AND other.topic = one.topic AND {held_at(was, 'other')})"
                )
                count = connection.execute(f"SELECT count(*) {query}").fetchone()[0]
                shown = connection.execute(f"SELECT word, topic {query} ORDER BY folded LIMIT {MOST_SHOWN}")
                found.append((count, tuple(shown)))
        return Difference(first=first, second=second, added=found[0][0], added_words=found[0][1], removed=found[1][0],
                          removed_words=found[1][1])  # fmt: skip

    def blame(self, name: str, word: str) -> list[Blame]:
        """Tell who added a word and who removed it, when and why; the newest first, empty where it never was there.

        Raises:
            InputError: it is no word.
        """
        folded = folded_word(clean_word(word), field="word")
        index = index_of(self.desk, self.settings, name)
        with index.opened() as connection:
            query = (
                f"SELECT word, topic, number, iif(removed > {index.now:d}, NULL, removed) FROM word"  # noqa: S608 - whole numbers of our own
                f" WHERE folded = ? AND number <= {index.now:d} ORDER BY number DESC"
            )
            spells = [
                Spell(word=word, topic=topic, number=number, removed=removed)
                for word, topic, number, removed in connection.execute(query, (folded,))
            ]
        return [
            Blame(spell=spell, added=self._changes.version(name, spell.number),
                  removed=self._changes.version(name, spell.removed) if spell.removed else None)
            for spell in spells
        ]  # fmt: skip


def index_at(settings: Settings, name: str) -> WordIndex:
    """Return the index of a lexicon as it lies on this host.

    Raises:
        NotFound: there is no such lexicon.
    """
    demand_lexicon(name)
    return WordIndex(settings.home / "lexicons" / f"{name}.db")


def index_of(desk: Desk, settings: Settings, name: str) -> WordIndex:
    """Return the index of a lexicon, caught up with its versions.

    Raises:
        NotFound: there is no such lexicon.
    """
    index = index_at(settings, name)
    index.catch_up(LexiconChanges(desk).since(name, 0), Blobs(settings.blobs_path).open)
    return index
