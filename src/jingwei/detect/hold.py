"""Hold-back: how much of a stream's end must wait, because what comes next could make it a hit.

Exact for words, in every form the lexicon finds (the end is held while it is the beginning of one, in its own
characters, by sound, in pinyin, in parts or pulled apart), and by kind of character for numbers and keys (the end is
held while it could be part of one). Ordinary prose is held for a word at most.
"""

import re
from collections.abc import Iterator, Sequence

from jingwei.detect import leet
from jingwei.detect.disguise import Site, Window, sites, window
from jingwei.detect.endings import Ending, endings
from jingwei.detect.normalize import fold
from jingwei.detect.reading import Reading, read_text
from jingwei.detect.splits import splits
from jingwei.detect.tails import LIMIT, number_start
from jingwei.detect.wordlist import Entry, WordList, compiled

REACH = 1024
"""Only this much of the end is looked at; a run padded with more invisible characters is itself a sign of injection."""

_STRETCH = 8
"""How much longer a word may become by a disguise: a syllable has six letters, and separators come between."""
_GAP = re.compile(r"[\W_]{7,}")
"""No form of a word goes on across so many separators."""
_LONGEST_PARTS = 3


class Hold:
    """Knows how every word begins, in every form that the lexicon finds."""

    def __init__(self, lists: Sequence[WordList], markers: Sequence[str] = ()) -> None:
        """Prepare for the words of compiled lists and for further markers, folded."""
        self.markers = tuple(markers)
        self._parts = [part for part in (*lists, compiled([Entry(each, "") for each in markers])) if len(part)]
        self.longest_word = max((part.longest_word for part in self._parts), default=0)
        self._reach = max((part.longest for part in self._parts), default=0)
        self._spoken_reach = max((part.longest_spoken for part in self._parts), default=0)
        self._near = self._reach * 2 + 16
        self._far = min(REACH, self._reach * _STRETCH + 16)
        self._heads = frozenset[str]().union(*(part.heads for part in self._parts))
        symbols = [word for part in self._parts for word in part.symbol_words()]
        self._symbols = frozenset(word[:length] for word in symbols for length in range(1, len(word) + 1))

    def back(self, text: str) -> int:
        """Return how many characters at the end of a text must wait."""
        enough = max(self._far, LIMIT)
        folded = fold(text[-enough:])
        if len(folded.folded) < enough < len(text):  # much of it is invisible
            folded = fold(text[-REACH:])
        begin = min(self._word_start(folded.folded), number_start(folded.clean))
        return len(folded.original) - folded.span(begin, begin)[0]

    def _word_start(self, folded: str) -> int:
        """Look at the last characters; where they are few without separators, or disguised ones among them, at more."""
        near = _after_gap(folded[-self._near :])
        reading = read_text(near)
        ways = sites(reading) if reading.has_han else ()
        if len(near) == self._near < len(folded) and (ways or len(reading.skeleton) < self._reach):
            near = _after_gap(folded[-self._far :])
            reading = read_text(near)
            ways = sites(reading) if reading.has_han else ()
        starts = [self._earliest(reading, ways), self._symbol_start(near)]
        for end in _unfinished(reading):
            before = reading.cut(end)
            starts += _place(reading, end), self._earliest(before, sites(before))
        run = leet.numbered_end(reading) if reading.has_han else None
        if run:
            starts.append(run.start + 2 * (self._numbered(run)))
        if reading.has_latin:
            starts += [
                self._disguised(plain) for plain in leet.plain(reading) if plain.start + len(plain.text) == len(near)
            ]
            starts.append(self._spoken_start(reading, folded))
        return len(folded) - len(near) + min(starts)

    def _earliest(self, reading: Reading, ways: Sequence[tuple[Site, ...]]) -> int:
        """Return where the earliest beginning of a word is that goes on to the end."""
        size = len(reading.skeleton)
        begun = [self._begun(window(reading, way, begin=0, end=size), reading) for way in ways]
        return min(self._begun(_as_it_is(reading), reading), *begun, len(reading.folded))

    def _numbered(self, run: leet.Plain) -> int:
        reading = read_text(run.text)
        return self._begun(_as_it_is(reading), reading)

    def _disguised(self, plain: leet.Plain) -> int:
        reading = read_text(plain.text)
        return plain.start + self._begun(_as_it_is(reading), reading)

    def _begun(self, way: Window, reading: Reading) -> int:
        size = len(way.sounds)
        best = size - 1 if way.skeleton[-1:] in self._heads else size
        cut = max(0, size - (self._reach if reading.has_latin else self._spoken_reach))
        for start in self._begins(way.sounds[cut:]):
            if start + cut < best and _may_begin(way, start + cut, reading):
                best = start + cut
        return _place(reading, way.span(best, best + 1)[0]) if best < size else len(reading.folded)

    def _begins(self, sounds: str, settled: int | None = None) -> Iterator[int]:
        """Say where a word may begin that goes on to the end of some sounds, or beyond those that are settled."""
        size = len(sounds) if settled is None else min(len(sounds), settled + 1)
        for part in self._parts:
            reaches = part.reaches
            yield from [start for start, _, number in part.beginnings.find(sounds) if size - start <= reaches[number]]

    def _spoken_start(self, reading: Reading, folded: str) -> int:
        """Return where a word may begin that goes on in the pinyin at the end; counted in the text of the reading."""
        near = reading.folded
        starts = [len(near)]
        for ending in endings(near):
            first = min([ending.end, *ending.places[:1]])
            starts.append(ending.end)
            if not reading.has_han:
                if not near[:first].strip() and len(near) == self._near < len(folded):
                    far = _after_gap(folded[-self._far :])
                    return self._spoken_start(read_text(far), far) - len(far) + len(near)
                starts += [ending.places[at] for at in self._begins(ending.sounds, ending.settled)]
            else:
                before = reading.cut(_index(reading, first))
                starts += self._mixed_starts(before, ending)
        return min(starts)

    def _mixed_starts(self, before: Reading, ending: Ending) -> Iterator[int]:
        size = len(before.skeleton)
        ways = [window(before, way, begin=0, end=size) for way in sites(before)]
        for way in [_as_it_is(before), *ways]:
            known = len(way.sounds)
            for at in self._begins(way.sounds + ending.sounds, known + ending.settled):
                yield ending.places[at - known] if at >= known else _place(before, way.span(at, at + 1)[0])

    def _symbol_start(self, tail: str) -> int:
        longest = min(len(tail), self.longest_word) if self._symbols else 0
        lengths = [length for length in range(1, longest + 1) if tail[-length:] in self._symbols]
        return len(tail) - max(lengths, default=0)


def _after_gap(tail: str) -> str:
    """Return what follows the last gap that no word goes on across."""
    gaps = [match.end() for match in _GAP.finditer(tail)]
    return tail[gaps[-1] :] if gaps else tail


def _as_it_is(reading: Reading) -> Window:
    return Window(reading.skeleton, reading.sounds, 0, (), ())


def _may_begin(way: Window, start: int, reading: Reading) -> bool:
    """Tell whether a word may begin here: a Latin one not in the middle of another."""
    if not way.skeleton[start].isascii():
        return True
    place = _place(reading, way.span(start, start + 1)[0])
    before = reading.folded[place - 1] if place else " "
    return not (before.isascii() and before.isalnum())


def _place(reading: Reading, start: int) -> int:
    """Return where in the folded text a character of the skeleton is."""
    return reading.span(start, start + 1)[0] if start < len(reading.skeleton) else len(reading.folded)


def _unfinished(reading: Reading) -> Iterator[int]:
    """Say where in the skeleton a split character may begin that is not yet whole."""
    if not reading.has_han:
        return
    skeleton = reading.skeleton
    for length in range(1, min(_LONGEST_PARTS, len(skeleton)) + 1):
        if skeleton[-length:] in splits().beginnings:
            yield len(skeleton) - length


def _index(reading: Reading, place: int) -> int:
    """Return the place in the skeleton of a place in the folded text."""
    places = reading.places
    return place if places is None else int(places.searchsorted(place))
