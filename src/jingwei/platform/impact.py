"""The effect of a change of words before it is made: which texts it would newly flag, and which no longer.

Looked at are the recordings of the Systems concerned, and everyday texts that come with Jingwei. A recording that was
stopped anyway is not newly flagged. What is shown of a recording is redacted, and only the words around the find.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.policy import Category
from jingwei.detect import Bundle
from jingwei.platform.recording import Source, everyday, recordings
from jingwei.platform.word_index import ADDED, Line

_AT_ONCE = 50_000
"""Words compiled at a time: a list of a million takes no more memory than these."""
_MOST_TEXTS = 2_000
_MOST_SAMPLES = 20
_AROUND = 24


class Sample(BaseModel):
    """A text that a change would newly flag: the find, and a few characters around it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    before: str
    found: str
    after: str


class Share(BaseModel):
    """How many texts of a kind there are, and how many of them a change would newly flag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    texts: int
    newly: int
    no_longer: int

    @property
    def share(self) -> float:
        """Return the share that would newly be flagged."""
        return self.newly / self.texts if self.texts else 0.0


class Impact(BaseModel):
    """The effect of a change of words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shares: tuple[Share, ...]
    samples: tuple[Sample, ...]


class _Text(NamedTuple):
    source: Source
    text: str
    stopped: bool


def measured(lexicon: str, lines: Iterable[Line], *, folder: Path) -> Impact:
    """Look for the words of a change in recordings and everyday texts.

    Args:
        lexicon: whose words; those of a System are looked for in its own recordings only.
        lines: the change.
        folder: where recordings lie.
    """
    texts = list(_texts(lexicon, folder))
    newly: dict[int, Sample] = {}
    no_longer: set[int] = set()
    known = Bundle.build()
    flagged = {place for place, each in enumerate(texts) if each.stopped or _finds(known, each.text)}
    for sign, words in _chunks(lines):
        bundle = Bundle.build(words)
        for place, each in enumerate(texts):
            if place in flagged and sign == ADDED:
                continue
            found = _finds(bundle, each.text)
            if found and sign == ADDED:
                newly.setdefault(place, _sample(each, *found))
            elif found and place not in flagged:
                no_longer.add(place)
    sources: tuple[Source, ...] = ("recorded", "everyday")
    shares = tuple(
        Share(source=source, texts=sum(each.source == source for each in texts),
              newly=sum(texts[place].source == source for place in newly),
              no_longer=sum(texts[place].source == source for place in no_longer - newly.keys()))
        for source in sources
    )  # fmt: skip
    different = dict.fromkeys(newly[place] for place in sorted(newly))  # the same text often comes again
    return Impact(shares=shares, samples=tuple(islice(different, _MOST_SAMPLES)))


def _texts(lexicon: str, folder: Path) -> Iterator[_Text]:
    of_system = lexicon if lexicon.startswith("sys_") else None
    for each in recordings(folder, system_id=of_system, most=_MOST_TEXTS):
        yield _Text("recorded", each.text, not each.decision.passes)
    for common in everyday():
        yield _Text("everyday", common.text, stopped=False)


def _chunks(lines: Iterable[Line]) -> Iterator[tuple[str, list[str]]]:
    """Give the words of a change in pieces of one sign each; a change names what it removes first."""
    sign, words = "", list[str]()
    for line in lines:
        if words and (line.sign != sign or len(words) >= _AT_ONCE):
            yield sign, words
            words = []
        sign = line.sign
        words.append(line.word)
    if words:
        yield sign, words


def _finds(bundle: Bundle, text: str) -> tuple[int, int] | None:
    """Return the first place where a word is found that is there to act on, not only to be counted."""
    hits = bundle.detectors[Category.KEYWORD](text)
    return next(((hit.start, hit.end) for hit in hits if hit.score >= 0.5), None)


def _sample(each: _Text, start: int, end: int) -> Sample:
    text = each.text
    first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
    return Sample(source=each.source, before=("…" if first else "") + text[first:start], found=text[start:end],
                  after=text[end:last] + ("…" if last < len(text) else ""))  # fmt: skip
