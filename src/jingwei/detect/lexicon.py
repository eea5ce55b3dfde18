"""The lexicon: words by topic, found as written and in the disguises that a reader sees through.

    fold → skeleton and sounds → automata (short words, sounds) → what was written there? → form and score
         → windows around pinyin and split characters, read again; digits for letters, read again

The automata do the work; a word's form is looked at only where one of them fired. An organisation's list of a million
words is compiled once (`compile_base`) and loaded in milliseconds; words added since lie beside it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import NamedTuple

from jingwei.core.canonical import digest
from jingwei.core.policy import Category
from jingwei.detect import leet, pinyin
from jingwei.detect.disguise import Site, Window, replaced, sites, touched, windows
from jingwei.detect.forms import SIGNAL, Form, Written, form
from jingwei.detect.given import LONGEST_WORD, Given, entries, folded_word
from jingwei.detect.hit import Hit, strongest
from jingwei.detect.matcher import matcher
from jingwei.detect.normalize import Folded, fold
from jingwei.detect.reading import Reading, read, read_plain, read_text
from jingwei.detect.spellings import IN_PARTS
from jingwei.detect.topics import Meaning, meaning, topics
from jingwei.detect.typed import letters_of
from jingwei.detect.wordlist import SHORT, Entry, WordList, compiled, load

__all__ = ["LONGEST_WORD", "Base", "Given", "Lexicon", "compile_base", "folded_word", "topics"]

_PARTED = "\n"
_LEET_FROM = 4
_SHORT_LATIN = 4


class Found(NamedTuple):
    """A word that was written in the folded text."""

    start: int
    end: int
    meaning: Meaning
    form: Form


class Base(NamedTuple):
    """A large list of words, compiled by `compile_base` and loaded; kept by its holder, shared by lexicons."""

    digest: str
    words: WordList

    @classmethod
    def load(cls, image: bytes, *, digest: str = "") -> "Base":
        """Load an image as it is, in milliseconds for a million words.

        It is trusted: load only an image whose SHA-256 was told by a source you trust, such as the signed snapshot.
        One who has compared it already gives it as `digest`; else it is worked out.

        Raises:
            InputError: it is not a compiled word list.
        """
        return cls(digest or sha256(image).hexdigest(), load(image))


class Lexicon:
    """Built-in words, an organisation's own, and its whitelist, compiled; immutable."""

    def __init__(
        self,
        words: Iterable[Given] = (),
        *,
        allowed: Iterable[str] = (),
        bases: Sequence["Base"] = (),
        removed: Iterable[str] = (),
    ) -> None:
        """Compile a lexicon.

        Args:
            words: words, or words with a topic, to be found besides the built-in ones.
            allowed: phrases in which no word is flagged.
            bases: large lists, compiled elsewhere and loaded once; they may be shared by many lexicons.
            removed: words of the bases (or built in) that no longer count.

        Raises:
            InputError: a word is empty or too long, or a topic is not written like an id.
        """
        own = entries(words, field="words")
        known = any(base.words.holds == _built_in_digest() for base in bases)
        listed = {entry.word: entry for entry in (*(() if known else _built_in()), *own)}
        self._removed = frozenset(folded_word(word, field="removed") for word in removed) - {each.word for each in own}
        kept = [entry for entry in listed.values() if entry.word not in self._removed]
        self.parts = tuple(
            part for part in (*(base.words for base in bases), compiled(kept, backwards=own)) if len(part)
        )
        phrases = sorted({folded_word(word, field="allowed_words") for word in allowed})
        self._phrases, self._allowed = len(phrases), matcher(phrases)
        self.held = (*self.parts, compiled([Entry(phrase, "") for phrase in phrases]))
        """What a stream waits for: a phrase of the whitelist, too, so that its beginning is not taken for a word."""
        self._reach = max((part.longest_mixed for part in self.parts), default=0)
        given = "\n".join(sorted({"\t".join(each) for each in own}))
        self.version = digest({
            "words": sha256(given.encode()).hexdigest(), "allowed": phrases, "removed": sorted(self._removed),
            "bases": [base.digest for base in bases],
        })  # fmt: skip
        """Digest of all that an organisation gave; equal lexicons of one release find the same words."""

    @classmethod
    def loaded(cls, base: "bytes | Base", *, added: Iterable[Given] = (), removed: Iterable[str] = (),
               allowed: Iterable[str] = ()) -> "Lexicon":  # fmt: skip
        """Take one base, with what changed since. Only the changes are compiled; see `Base` for whom to trust."""
        known = base if isinstance(base, Base) else Base.load(base)
        return cls(added, allowed=allowed, bases=[known], removed=removed)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def scan(self, text: str | Folded) -> tuple[Hit, ...]:
        """Find the words that the whitelist does not cover."""
        reading = read(text) if isinstance(text, Folded) else read_plain(text)
        if reading is None:
            text = fold(text)
            reading = read(text)
        found = self._find(reading)
        allowed = list(self._allowed.find(reading.folded)) if found and self._phrases else ()
        if allowed:
            found = [each for each in found
                     if not any(first <= each.start and each.end <= last for first, last, _ in allowed)]  # fmt: skip
        if not found:
            return ()
        span = text.span if isinstance(text, Folded) else _as_is
        return strongest([_hit(each, *span(each.start, each.end)) for each in found], floor=SIGNAL)

    def _find(self, reading: Reading) -> list[Found]:
        found: list[Found] = []
        in_parts = not all(part.tells_parts for part in self.parts)
        for part in self.parts:
            in_parts |= self._as_written(part, reading, found)
        for way in self._ways(reading, in_parts=in_parts):
            only = self._touched(reading, way)
            if only:
                found += self._in_windows(list(windows(reading, way, self._reach, only=only)), reading)
        for run in leet.numbered(reading) if reading.has_han else ():
            found += self._numbered(run)
        if reading.has_latin:
            for plain in leet.plain(reading):
                found += self._with_digits(plain, reading.folded)
        return found

    def _as_written(self, part: WordList, reading: Reading, found: list[Found]) -> bool:
        """Find words; tell whether some may be there whose characters are split."""
        in_parts = False
        spans = [(span, part.sounds) for span in part.sounds.matcher.find(reading.sounds)]
        if part.has_short:
            spans += [(span, part.short) for span in part.short.matcher.find(reading.skeleton)]
        for (start, end, number), patterns in spans:
            owners = patterns.owned(number)
            if owners[-1] == IN_PARTS:
                in_parts = True
            written = Written(reading.skeleton[start:end], start, end, replaced=False)
            found += self._judged(part, owners, written, reading)
        if part.has_symbols:
            found += self._symbols(part, reading.folded)
        return in_parts

    def _symbols(self, part: WordList, folded: str) -> Iterator[Found]:
        for start, end, number in part.symbols.matcher.find(folded):
            for owner in part.symbols.owned(number):
                yield from self._meant(part.entry(owner), start, end, Form.LITERAL)

    def _ways(self, reading: Reading, *, in_parts: bool) -> tuple[tuple[Site, ...], ...]:
        """Say how to read a text again, if that is worth it: something is spelled, or parts make a word's character."""
        if reading.has_han:
            reach = None if in_parts else self._reach
            return sites(reading, worth=self._typed if reading.marks_han else None, reach=reach)
        return sites(reading) if reading.has_latin and self._typed(reading.letters) and self._spoken(reading) else ()

    def _touched(self, reading: Reading, way: Sequence[Site]) -> set[Site]:
        """Return the sites that some pattern has in it once they are replaced; mostly none."""
        sounds, at = replaced(reading.sounds, way, self._reach, by_sound=True)
        found = [touched(at, way, part.sounds.matcher.find(sounds)) for part in self.parts]
        short = [part for part in self.parts if part.has_short]
        if short:
            skeleton, at = replaced(reading.skeleton, way, self._reach, by_sound=False)
            found += [touched(at, way, part.short.matcher.find(skeleton)) for part in short]
        return set[Site]().union(*found)

    def _typed(self, text: bytes) -> bool:
        """Tell whether letters stand side by side that begin a word in pinyin."""
        letters = letters_of(text)
        return any(part.spoken.find(letters) for part in self.parts)

    def _spoken(self, reading: Reading) -> bool:
        """Tell whether a text without Chinese characters may have a word in pinyin; mostly its syllables say no."""
        texts = pinyin.spoken(reading.folded, reading.letters)
        return any(end - start > SHORT for text in texts for part in self.parts
                   for start, end, _ in part.sounds.matcher.find(text))  # fmt: skip

    def _in_windows(self, all_of_them: list[Window], reading: Reading) -> Iterator[Found]:
        if not all_of_them:
            return
        begins = list(accumulate((len(window.sounds) + 1 for window in all_of_them), initial=0))
        skeleton = _PARTED.join(window.skeleton for window in all_of_them)
        sounds = _PARTED.join(window.sounds for window in all_of_them)
        for part in self.parts:
            for patterns, text in ((part.short, skeleton), (part.sounds, sounds)):
                for start, end, number in patterns.matcher.find(text):
                    which = bisect_right(begins, start) - 1
                    window, at = all_of_them[which], begins[which]
                    if window.touches(start - at, end - at):
                        span = window.span(start - at, end - at)
                        written = Written(skeleton[start:end], *span, replaced=True)
                        yield from self._judged(part, patterns.owned(number), written, reading)

    def _numbered(self, run: leet.Plain) -> Iterator[Found]:
        written: list[Found] = []
        for part in self.parts:
            self._as_written(part, read_text(run.text), written)
        for each in written:
            if each.end - each.start >= _LEET_FROM and each.form is Form.LITERAL:
                start = run.start + 2 * each.start
                end = run.start + 2 * each.end - 1
                yield each._replace(start=start, end=end, form=Form.REPLACED)

    def _with_digits(self, plain: leet.Plain, folded: str) -> Iterator[Found]:
        reading = read_text(plain.text)
        for part in self.parts:
            written: list[Found] = []
            self._as_written(part, reading, written)
            for each in written:
                start, end = plain.start + each.start, plain.start + each.end
                was, became = folded[start:end], plain.text[each.start : each.end]
                same = sum(left == right for left, right in zip(was, became, strict=True))
                # a55 is a size, too: the shorter a word, the more of it must be letters
                if (
                    len(became) > same >= len(became) / (2 if len(became) <= _SHORT_LATIN else 4)
                    and len(became) >= _LEET_FROM
                ):
                    yield each._replace(start=start, end=end, form=Form.REPLACED)

    def _judged(self, part: WordList, owners: Iterable[int], written: Written, reading: Reading) -> Iterator[Found]:
        for owner in owners:
            if owner == IN_PARTS:
                continue
            entry = part.entry(owner if owner >= 0 else ~owner)
            if owner < 0:
                written = written._replace(piece=written.piece[::-1], replaced=True)
            found = form(entry.word, written, reading, crowd=0 if entry.built_in else len(part))
            if found and (owner >= 0 or found is Form.REPLACED):
                yield from self._meant(entry, *reading.span(written.start, written.end), found)

    def _meant(self, entry: Entry, start: int, end: int, found: Form) -> Iterator[Found]:
        if entry.word not in self._removed:
            yield Found(start, end, meaning(entry.topic), found)


def compile_base(words: Iterable[Given]) -> bytes:
    """Compile an organisation's words into an image for `Lexicon(bases=…)`, the built-in words with them.

    Raises:
        InputError: a word is empty or too long, or a topic is not written like an id.
    """
    listed = {entry.word: entry for entry in (*_built_in(), *entries(words, field="words"))}
    return compiled(list(listed.values()), holds=_built_in_digest()).image()


@lru_cache(maxsize=1)
def _built_in() -> tuple[Entry, ...]:
    listed: dict[str, Entry] = {}
    for topic in topics():
        for word in (word for language in topic.words.values() for word in language):
            folded = folded_word(word, field="lexicon")
            listed.setdefault(folded, Entry(folded, f"={topic.id}"))
    return tuple(listed.values())


@lru_cache(maxsize=1)
def _built_in_digest() -> str:
    return digest([list(entry) for entry in _built_in()])


def _as_is(start: int, end: int) -> tuple[int, int]:
    return start, end


def _hit(found: Found, first: int, last: int) -> Hit:
    score = found.form.score(found.meaning.score)
    return Hit(first, last, Category.KEYWORD, found.meaning.rule_id, score, found.meaning.severity)
