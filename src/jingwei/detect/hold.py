"""Hold-back: how much of a stream's end must wait, because what comes next could make it a hit.

Exact for words, in every form the lexicon finds (the end is held while it is the beginning of one, in its own
characters, by sound, in pinyin, in parts or pulled apart), and by kind of character for numbers and keys (the end is
held while it could be part of one). Ordinary prose is held for a word at most.
"""

import re
from collections.abc import Iterator, Sequence

from jingwei.detect import leet, pinyin
from jingwei.detect.disguise import Window, sites, window
from jingwei.detect.normalize import fold
from jingwei.detect.reading import Reading, read_text
from jingwei.detect.splits import splits
from jingwei.detect.tails import number_start
from jingwei.detect.wordlist import Entry, WordList, compiled

REACH = 1024
"""Only this much of the end is looked at; a run padded with more invisible characters is itself a sign of injection."""

_SHORTEST_TAIL = 96
_STRETCH = 8
"""How much longer a word may become by a disguise: a syllable has six letters, and separators come between."""
_GAP = re.compile(r"[\W_]{7,}")
"""No form of a word goes on across so many separators."""
_SPELLING = re.compile(r"(?<![a-z])(?:[a-z][^\w]{1,3})+(?:[a-z](?:[1-5])?)?$|[a-z]+(?:[1-5][a-z]+)*[1-5]?$")
_LONGEST_PARTS = 3


class Hold:
    """Knows how every word begins, in every form that the lexicon finds."""

    def __init__(self, lists: Sequence[WordList], markers: Sequence[str] = ()) -> None:
        """Prepare for the words of compiled lists and for further markers, folded."""
        self.markers = tuple(markers)
        self._parts = [part for part in (*lists, compiled([Entry(each, "") for each in markers])) if len(part)]
        self.longest_word = max((part.longest_word for part in self._parts), default=0)
        self._reach = max((part.longest for part in self._parts), default=0)
        self._tail = min(REACH, max(_SHORTEST_TAIL, self._reach * _STRETCH))
        self._heads = frozenset[str]().union(*(part.heads for part in self._parts))
        symbols = [word for part in self._parts for word in part.symbol_words()]
        self._symbols = frozenset(word[:length] for word in symbols for length in range(1, len(word) + 1))

    def back(self, text: str) -> int:
        """Return how many characters at the end of a text must wait."""
        folded = fold(text[-REACH:])
        begin = min(self._word_start(folded.folded), number_start(folded.clean))
        return len(folded.original) - folded.span(begin, begin)[0]

    def _word_start(self, folded: str) -> int:
        tail = folded[-self._tail :]
        gaps = [match.end() for match in _GAP.finditer(tail)]
        tail = tail[gaps[-1] :] if gaps else tail
        reading = read_text(tail)
        starts = [self._earliest(reading)]
        for end in _unfinished(reading):
            starts += end, self._earliest(reading.cut(end))
        if reading.has_latin:
            starts += [self._begun(_as_it_is(plain), plain) for plain in map(read_text, leet.plain(tail))]
        start = min(self._symbol_start(tail), _place(reading, min(starts)))
        return len(folded) - len(tail) + start

    def _earliest(self, reading: Reading) -> int:
        """Return where in the skeleton the earliest beginning of a word is that goes on to the end."""
        size = len(reading.skeleton)
        ways = [window(reading, way, begin=0, end=size) for way in sites(reading, growing=True)]
        return min(self._begun(way, reading) for way in [_as_it_is(reading), *ways])

    def _begun(self, way: Window, reading: Reading) -> int:
        size = len(way.sounds)
        best = size - 1 if way.skeleton[-1:] in self._heads else size
        cut = max(0, size - self._reach)
        for part in self._parts:
            reaches = part.reaches
            for start, _, number in part.beginnings.find(way.sounds[cut:]):
                if size - cut - start <= reaches[number] and start + cut < best and _begins(way, start + cut, reading):
                    best = start + cut
        return way.span(best, best + 1)[0] if best < size else len(reading.skeleton)

    def _symbol_start(self, tail: str) -> int:
        longest = min(len(tail), self.longest_word) if self._symbols else 0
        lengths = [length for length in range(1, longest + 1) if tail[-length:] in self._symbols]
        return len(tail) - max(lengths, default=0)


def _as_it_is(reading: Reading) -> Window:
    return Window(reading.skeleton, reading.sounds, 0, (), ())


def _begins(way: Window, start: int, reading: Reading) -> bool:
    """Tell whether a word may begin here: a Latin one not in the middle of another."""
    letter = way.skeleton[start]
    if not letter.isascii():
        return True
    place = _place(reading, way.span(start, start + 1)[0])
    before = reading.folded[place - 1] if place else " "
    return not (before.isascii() and before.isalnum())


def _place(reading: Reading, start: int) -> int:
    """Return where in the folded text a character of the skeleton is."""
    return reading.span(start, start + 1)[0] if start < len(reading.skeleton) else len(reading.folded)


def _unfinished(reading: Reading) -> Iterator[int]:
    """Say where in the skeleton a syllable or a split character may begin that is still being written."""
    skeleton = reading.skeleton
    for length in range(1, min(_LONGEST_PARTS, len(skeleton)) + 1):
        if skeleton[-length:] in splits().beginnings:
            yield len(skeleton) - length
    spelling = _SPELLING.search(reading.folded) if skeleton and skeleton[-1] < "\x7f" else None
    if spelling:
        letters = "".join(filter(str.isalpha, spelling[0]))
        for start in pinyin.unfinished(letters):
            # Tone numbers are in the skeleton, too; between two syllables they only make it wait a little more.
            tones = sum(map(str.isdigit, spelling[0]))
            yield max(0, len(skeleton) - len(letters) + start - tones)
