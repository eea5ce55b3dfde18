"""Disguises: what a text says once its pinyin and its split characters are read as the characters they stand for.

Places where a syllable is spelled in Latin letters, or parts stand for a character, are sites. Around them the text
is read again with the sites replaced, and only there: ordinary prose has few sites, so the second look costs little.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import NamedTuple

from jingwei.detect import pinyin
from jingwei.detect.reading import Reading
from jingwei.detect.splits import splits


class Site(NamedTuple):
    """A stretch of the skeleton and the one character that it may stand for."""

    start: int
    end: int
    letter: str
    sound: str
    weak: bool
    """Ordinary text has this too: with nothing else it counts only in a word of four characters and more."""


class Window(NamedTuple):
    """A stretch of the text around sites, read with the sites replaced."""

    skeleton: str
    sounds: str
    begin: int
    """Where it begins in the skeleton of the text."""
    sites: tuple[Site, ...]
    at: tuple[int, ...]
    """Place of each site in the window."""

    def touches(self, start: int, end: int) -> bool:
        """Tell whether a span of the window has a site in it, and is long enough for one that prose has, too."""
        return _counts(self.at, self.sites, start, end)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Turn a span of the window into one of the skeleton."""
        return self._place(start).start, self._place(end - 1).end

    def _place(self, index: int) -> "_Place":
        number = bisect_right(self.at, index) - 1
        if number < 0:
            return _Place(self.begin + index, self.begin + index + 1)
        site = self.sites[number]
        if self.at[number] == index:
            return _Place(site.start, site.end)
        start = site.end + index - self.at[number] - 1
        return _Place(start, start + 1)


class _Place(NamedTuple):
    start: int
    end: int


def sites(reading: Reading, *, worth: Callable[[bytes], bool] | None = None,
          reach: int | None = None) -> tuple[tuple[Site, ...], ...]:  # fmt: skip
    """Find the sites of a text, once for each way to read them; two at most.

    Args:
        reading: the text.
        worth: says whether syllables in a stretch of letters count wherever they stand; see `pinyin.tokens`.
        reach: leave out parts that prose has, too, where no other site is as near as that; None leaves out none.
    """
    spelled = _spelled_sites(reading, worth) if reading.has_latin else _NOTHING
    split = _split_sites(reading, spelled.first, reach) if reading.has_han else _NOTHING
    if not split.first or not spelled.first:
        first, second = spelled if spelled.first else split
    else:
        first = second = sorted(split.first + spelled.first, key=_start)
        if split.first is not split.second or spelled.first is not spelled.second:
            second = sorted(split.second + spelled.second, key=_start)
    if not first:
        return ()
    return (tuple(first),) if first is second or first == second else (tuple(first), tuple(second))


class _Ways(NamedTuple):
    first: list[Site]
    second: list[Site]


_PARTED = "\n"
_Span = tuple[int, int, int]
_start = itemgetter(0)
_WEAK_FROM = 4
_LONGEST_SITE = 8
_TONES = frozenset("12345")
_NOTHING = _Ways([], [])


def _spelled_sites(reading: Reading, worth: Callable[[bytes], bool] | None) -> _Ways:
    found = pinyin.tokens(reading.letters, worth=worth)
    if not found:
        return _NOTHING
    first = _in_way(reading, found, 0)
    same = all(token.cuts.left == token.cuts.right for token in found)
    return _Ways(first, first if same else _in_way(reading, found, 1))


def _in_way(reading: Reading, found: Sequence[pinyin.Token], number: int) -> list[Site]:
    syllables = [(token.start + each.start, token.start + each.end, each.code)
                 for token in found for each in token.cuts[number]]  # fmt: skip
    starts = _in_skeleton(reading, [start for start, _, _ in syllables])
    ends = _in_skeleton(reading, [end for _, end, _ in syllables])
    skeleton = reading.skeleton
    return [Site(start, end + _tone(skeleton, end), code, code, weak=False)
            for start, end, (_, _, code) in zip(starts, ends, syllables, strict=True)]  # fmt: skip


def _in_skeleton(reading: Reading, places: list[int]) -> list[int]:
    if reading.places is None:
        return places
    found: list[int] = reading.places.searchsorted(places).tolist()
    return found


def _tone(skeleton: str, end: int) -> int:
    """Return 1 where the number of a tone follows a syllable."""
    return int(skeleton[end : end + 1] in _TONES and not skeleton[end + 1 : end + 2].isdigit())


def _split_sites(reading: Reading, others: Sequence[Site], reach: int | None) -> _Ways:
    table = splits()
    found = sorted(table.matcher.find(reading.skeleton))
    if found and reach is not None:
        found = _near(found, others, reach)
    if not found:
        return _NOTHING
    first = second = found
    if any(left[1] > right[0] for left, right in pairwise(found)):
        first = _apart(sorted(found, key=lambda span: (span[0], -span[1])))
        second = sorted(_apart(sorted(found, key=lambda span: (-span[1], span[0]))))
    common = [Site(start, end, *table.common[number]) for start, end, number in first]
    if first is second and table.several.isdisjoint(number for _, _, number in found):
        return _Ways(common, common)
    rare = [Site(start, end, *table.rare[number]) for start, end, number in second]
    return _Ways(common, common) if common == rare else _Ways(common, rare)


def _near(found: list[_Span], others: Sequence[Site], reach: int) -> list[_Span]:
    """Leave out natural parts that are far from any other parts and sites."""
    strong = splits().strong
    at = [span[0] for span in found if span[2] in strong] + [site.start for site in others]
    if not at or len(found) == len(at):
        return found if at else []
    at.sort()
    far = 2 * reach + _LONGEST_SITE
    return [span for span in found if bisect_left(at, span[0] - far) < bisect_right(at, span[1] + far)]


def replaced(text: str, way: Sequence[Site], reach: int, *, by_sound: bool) -> tuple[str, list[int]]:
    """Return the surroundings of all sites, each replaced by its character or its sound, and where those stand."""
    pieces: list[str] = []
    at: list[int] = []
    size, done = 0, -1
    for site in way:
        begin = done
        if done < 0 or site.start - done > 2 * reach:
            tail = text[done : done + reach] + _PARTED if done >= 0 else ""
            begin = max(0, site.start - reach)
            pieces.append(tail)
            size += len(tail)
        pieces += text[begin : site.start], site.sound if by_sound else site.letter
        size += site.start - begin
        at.append(size)
        size += 1
        done = site.end
    return "".join([*pieces, text[done : done + reach]]), at


def touched(places: Sequence[int], way: Sequence[Site], spans: Iterable[tuple[int, int, int]]) -> set[Site]:
    """Return the sites that one of the spans has in it, by where they stand."""
    return {way[bisect_left(places, start)] for start, end, _ in spans if _counts(places, way, start, end)}


def _counts(places: Sequence[int], way: Sequence[Site], start: int, end: int) -> bool:
    first, last = bisect_left(places, start), bisect_left(places, end)
    return first < last and (end - start >= _WEAK_FROM or not all(site.weak for site in way[first:last]))


def _apart(spans: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Keep the spans that overlap none kept before."""
    kept: list[tuple[int, int, int]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1] or span[1] <= kept[-1][0]:
            kept.append(span)
    return kept


def windows(reading: Reading, way: Sequence[Site], reach: int, *, only: set[Site]) -> Iterator[Window]:
    """Cut out the windows around some of the sites, far enough on both sides for the longest word."""
    group: list[Site] = []
    for site in way:
        if group and site.start - group[-1].end > reach:
            if not only.isdisjoint(group):
                yield _around(reading, group, reach)
            group = []
        group.append(site)
    if not only.isdisjoint(group):
        yield _around(reading, group, reach)


def _around(reading: Reading, group: list[Site], reach: int) -> Window:
    begin, end = max(0, group[0].start - reach), min(len(reading.skeleton), group[-1].end + reach)
    return window(reading, tuple(group), begin=begin, end=end)


def window(reading: Reading, group: tuple[Site, ...], *, begin: int, end: int) -> Window:
    """Read one stretch of the text with its sites replaced."""
    skeleton: list[str] = []
    sounds: list[str] = []
    done = begin
    for site in group:
        skeleton += reading.skeleton[done : site.start], site.letter
        sounds += reading.sounds[done : site.start], site.sound
        done = site.end
    skeleton.append(reading.skeleton[done:end])
    sounds.append(reading.sounds[done:end])
    shrunk = accumulate((site.end - site.start - 1 for site in group), initial=0)
    at = tuple(site.start - begin - lost for site, lost in zip(group, shrunk, strict=False))
    return Window("".join(skeleton), "".join(sounds), begin, group, at)
