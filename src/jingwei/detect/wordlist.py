"""Compiled word lists: built in seconds where words are managed, loaded in milliseconds where they are used.

Words of three letters or characters and more are found by their sounds, shorter ones as they are written. Beside each
automaton lies which words own each of its patterns; a beginning of a word is known for a stream's hold-back by its
first characters and by how far the longest such word reaches.

An image holds the automata as they are in memory. It is trusted: load one only if its SHA-256 was told by a source you
trust, such as the signed snapshot.
"""

import json
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from jingwei.core.errors import InputError
from jingwei.detect import typed
from jingwei.detect.matcher import Matcher, has_daachorse, matcher
from jingwei.detect.reading import is_syllable
from jingwei.detect.spellings import MOST_IN_PARTS, Spellings, add_in_parts, add_other_readings, read_all

SHORT = 2
"""Words up to this length are found as they are written only."""
_FEW = 300
"""So few words of two characters are looked for by their sounds with the others: that saves a pass over the text, and
what sounds like them by chance is seldom enough to be looked at."""
_MAGIC = b"JWWORDS1"
_LENGTHS = 4
"""Told by an image; one of an earlier release tells fewer, and is compiled anew."""
_MOST_BACKWARDS = 5_000
"""Of more words than this none is looked for backwards: it would double the automaton."""
_BACKWARDS_FROM = 4
_DEPTH = 3
"""Characters by which the beginning of a word is told; then it is held as far as the longest such word reaches."""
_LATIN_DEPTH = 6


class Entry(NamedTuple):
    """A folded word and its topic."""

    word: str
    topic: str

    @property
    def built_in(self) -> bool:
        """Tell whether it is a word of the product's own; those are few."""
        return self.topic.startswith("=")


@dataclass(frozen=True, slots=True)
class Patterns:
    """An automaton and the words that own its patterns."""

    matcher: Matcher
    starts: "array[int]"
    owners: "array[int]"

    def owned(self, number: int) -> "array[int]":
        """Return the words that a pattern stands for."""
        return self.owners[self.starts[number] : self.starts[number + 1]]


@dataclass(frozen=True, slots=True)
class WordList:
    """Words, compiled; immutable and safe to share between threads."""

    text: str
    """All words, one after the other."""
    starts: "array[int]"
    topics: tuple[str, ...]
    topic_numbers: "array[int]"
    short: Patterns
    """By the skeleton of words of one or two characters."""
    sounds: Patterns
    """By the sounds of longer ones."""
    symbols: Patterns
    """Words without any letter or digit, as they are written."""
    spoken: Matcher
    """By the first letters of words in pinyin."""
    beginnings: Matcher
    reaches: bytes
    """Of each beginning: how long the longest word is that begins so."""
    heads: frozenset[str]
    """First characters of short words and of symbols."""
    longest: int
    """Characters of the longest word's skeleton."""
    longest_spoken: int
    """The same, of words that begin with a Chinese character."""
    longest_mixed: int
    """The same, of words that have one anywhere."""
    longest_word: int
    """Characters of the longest word as written."""
    holds: str = ""
    """Digest of the built-in words, where they are among these."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def entry(self, number: int) -> Entry:
        """Return a word and its topic."""
        word = self.text[self.starts[number] : self.starts[number + 1]]
        return Entry(word, self.topics[self.topic_numbers[number]])

    def entries(self) -> Iterable[Entry]:
        """Return all words and their topics."""
        return map(self.entry, range(len(self)))

    @property
    def has_short(self) -> bool:
        """Tell whether some words are looked for as they are written only."""
        return len(self.short.owners) > 0

    @property
    def has_symbols(self) -> bool:
        """Tell whether some words have no letter or digit."""
        return len(self.symbols.owners) > 0

    @property
    def tells_parts(self) -> bool:
        """Tell whether its patterns say where a word may be with a character split into parts that prose has."""
        return len(self) <= MOST_IN_PARTS

    def symbol_words(self) -> list[str]:
        """Return the words without any letter or digit."""
        return [self.entry(number).word for number in self.symbols.owners]

    def image(self) -> bytes:
        """Return the compiled form."""
        parts: dict[str, bytes] = {
            "text": self.text.encode(), "starts": self.starts.tobytes(), "topics": self.topic_numbers.tobytes(),
            "beginnings": self.beginnings.image(), "spoken": self.spoken.image(), "reaches": self.reaches,
        }  # fmt: skip
        for name, patterns in (("short", self.short), ("sounds", self.sounds), ("symbols", self.symbols)):
            parts |= {f"{name}.automaton": patterns.matcher.image(), f"{name}.starts": patterns.starts.tobytes(),
                      f"{name}.owners": patterns.owners.tobytes()}  # fmt: skip
        about = {
            "topics": self.topics,
            "holds": self.holds,
            "heads": "".join(sorted(self.heads)),
            "longest": [self.longest, self.longest_spoken, self.longest_mixed, self.longest_word],
            "engine": "daachorse" if has_daachorse() else "",
            "parts": [[name, len(part)] for name, part in parts.items()],
        }
        head = json.dumps(about).encode()
        padded = head + b" " * (-(len(head) + 12) % 4)
        return b"".join([_MAGIC, len(padded).to_bytes(4, "little"), padded, *map(_aligned, parts.values())])


def load(image: bytes) -> WordList:
    """Load a compiled form; where its automata are of another engine, they are built anew from its words.

    Raises:
        InputError: it is not a compiled word list.
    """
    view = memoryview(image)
    if bytes(view[: len(_MAGIC)]) != _MAGIC:
        raise InputError("detect:not-a-word-list")
    size = int.from_bytes(view[8:12], "little")
    about: Mapping[str, Any] = json.loads(bytes(view[12 : 12 + size]))
    parts, at = {}, 12 + size
    for name, length in about["parts"]:
        parts[name] = view[at : at + length]
        at += length + -length % 4
    text = str(parts["text"], "utf-8")
    starts = _numbers("i", parts["starts"])
    topics, numbers = tuple(about["topics"]), _numbers("H", parts["topics"])
    if (about["engine"] == "daachorse") is not has_daachorse() or len(about["longest"]) < _LENGTHS:
        spans = zip(starts, starts[1:], numbers, strict=False)
        return compiled(
            [Entry(text[first:last], topics[topic]) for first, last, topic in spans], holds=about.get("holds", "")
        )

    def patterns(name: str) -> Patterns:
        owners = (_numbers("i", parts[f"{name}.{each}"]) for each in ("starts", "owners"))
        return Patterns(matcher((), image=parts[f"{name}.automaton"]), *owners)

    longest, longest_spoken, longest_mixed, longest_word = about["longest"]
    return WordList(
        text, starts, topics, numbers, patterns("short"), patterns("sounds"), patterns("symbols"),
        matcher((), image=parts["spoken"]), matcher((), image=parts["beginnings"]), bytes(parts["reaches"]),
        frozenset(about["heads"]), longest, longest_spoken, longest_mixed, longest_word, about["holds"],
    )  # fmt: skip


def _numbers(kind: str, part: bytes | memoryview) -> "array[int]":
    numbers: array[int] = array(kind)
    numbers.frombytes(part)
    return numbers


def _aligned(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)


def compiled(entries: Sequence[Entry], *, holds: str = "", backwards: Sequence[Entry] = ()) -> WordList:
    """Compile folded words, each of which is given once; some may be found written backwards, too."""
    words = [entry.word for entry in entries]
    topics = tuple(dict.fromkeys(entry.topic for entry in entries))
    ranks = {topic: number for number, topic in enumerate(topics)}
    skeletons, sounds = read_all(words)
    short, long, symbols = Spellings(), Spellings(), Spellings()
    by_sound = 1 if sum(len(skeleton) == SHORT for skeleton in skeletons) <= _FEW else SHORT
    for number, (skeleton, sound) in enumerate(zip(skeletons, sounds, strict=True)):
        if len(skeleton) > by_sound:
            long.add(sound, number)
        else:
            (short if skeleton else symbols).add(skeleton or words[number], number)
    turned = frozenset(entry.word for entry in backwards if len(backwards) <= _MOST_BACKWARDS)
    for number, (word, sound) in enumerate(zip(words, sounds, strict=True)):
        if word in turned and len(sound) >= _BACKWARDS_FROM and all(map(is_syllable, sound)):
            long.add(sound[::-1], ~number)
    add_other_readings(long, skeletons, short=SHORT)
    reaches, spoken = _beginnings(long.numbers), typed.beginnings(long.numbers)
    longest_spoken, longest_mixed = _longest((*long.numbers, *short.numbers))
    add_in_parts(long, skeletons, sounds)
    return WordList(
        text="".join(words),
        starts=array("i", accumulate(map(len, words), initial=0)),
        topics=topics,
        topic_numbers=array("H", (ranks[entry.topic] for entry in entries)),
        short=_patterns(short),
        sounds=_patterns(long),
        symbols=_patterns(symbols),
        spoken=matcher(spoken),
        beginnings=matcher(list(reaches)),
        reaches=bytes(reaches.values()),
        heads=frozenset(each[0] for each in (*short.numbers, *symbols.numbers)),
        longest=max(map(len, skeletons), default=0),
        longest_spoken=longest_spoken,
        longest_mixed=longest_mixed,
        longest_word=max(map(len, words), default=0),
        holds=holds,
    )


def _patterns(spellings: Spellings) -> Patterns:
    return Patterns(matcher(list(spellings.numbers)), *spellings.owners())


def _longest(patterns: Collection[str]) -> tuple[int, int]:
    """Return the length of the longest pattern that begins with a Chinese character, and that has one anywhere."""
    mixed = [each for each in patterns if not each.isascii()]
    return max((len(each) for each in mixed if not each[0].isascii()), default=0), max(map(len, mixed), default=0)


def _beginnings(patterns: Iterable[str]) -> dict[str, int]:
    reaches: dict[str, int] = {}
    for pattern in patterns:
        depth = min(len(pattern), _DEPTH if is_syllable(pattern[0]) else _LATIN_DEPTH)
        for length in range(1, depth):
            reaches.setdefault(pattern[:length], length)
        deepest = pattern[:depth]
        reaches[deepest] = max(reaches.get(deepest, 0), min(len(pattern), 255))
    return reaches
