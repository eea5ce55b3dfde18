"""Disguises that only Chinese has: parts, sounds, look-alikes, old and local words. Attackers use them daily."""

import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from jingwei.core.text import Language
from jingwei.detect import fold
from jingwei.detect.reading import syllables
from jingwei.develop.evaluate.transforms.tables import tables, tones
from jingwei.develop.evaluate.transforms.values import Change, Likeness, Transform, Undo

_SIGNS = ("*", "·", "~", "_", "|")
_TONES = {"\u0304": 1, "\u0301": 2, "\u030c": 3, "\u0300": 4}
_ROW, _FIRST = 0xA0, "gb2312"
_RADICALS = range(0x2F00, 0x2FD6)
_AMBIGUOUS = frozenset(map(chr, (0x4EE5, 0x53EF, 0x4E14, 0x7136, 0x82E5, 0x6545, 0x5C06, 0x4F7F, 0x4E8E, 0x4E0E, 0x5176,
                                 0x5F17, 0x4E3A, 0x4E00, 0x77E5, 0x5F97, 0x81F3, 0x751A, 0x91CA)))  # fmt: skip
"""Classical words of one character that modern ones hold too."""
_LOCATION = re.compile(r"\d{4}")


def _changed(pairs: Mapping[str, str]) -> Change:
    """Put other words in place, the longest first."""
    longest = sorted(pairs, key=len, reverse=True)
    found = re.compile("|".join(map(re.escape, longest)))

    def change(text: str, _: Language, __: random.Random) -> str:
        return found.sub(lambda match: pairs[match[0]], text)

    return change


def _back(pairs: Mapping[str, str], around: Callable[[str], str] = lambda said: said) -> Undo:
    """Read with the table turned round; of words that became the same the first is read.

    A word may stand in a request already, as 以 does in 以及: read back are only those that no request has by itself,
    and of the others those of two characters and more.
    """
    inverse: dict[str, str] = {}
    for word, other in pairs.items():
        if len(other) > 1 or other not in _AMBIGUOUS:
            inverse.setdefault(other, word)
    change = _changed(inverse)
    return lambda said, language: around(change(said, language, random.Random(0)))  # noqa: S311 - nothing is drawn


def _plain(said: str, _: Language) -> str:
    return fold(said).clean


def _table(name: str, pairs: Mapping[str, str], alike: Likeness = "letters") -> Transform:
    return Transform(name, "chinese", _changed(pairs), ("zh",), _back(pairs), alike)


def _traditional_table() -> dict[str, str]:
    return {pair[0]: pair[1] for pair in tables().traditional.split()}


@lru_cache
def _letters() -> dict[str, str]:
    """Return each character's syllable, without its tone."""
    by_code = {code: letters for letters, code in syllables().codes.items()}
    return {character: by_code[code] for character, code in syllables().known.items()}


def _spelled(text: str, sound: Callable[[str], str]) -> str:
    """Write each Chinese character as its sound between blanks, and leave the rest."""
    return re.sub(r" {2,}", " ", "".join(f" {said} " if (said := sound(each)) else each for each in text)).strip()


def _full(text: str, _: Language, __: random.Random) -> str:
    return _spelled(text, lambda each: _letters().get(each, ""))


def _toned(text: str, _: Language, __: random.Random) -> str:
    return _spelled(text, lambda each: tones().get(each) or _letters().get(each, ""))


@lru_cache
def _zhuyin_table() -> dict[str, str]:
    """Return the spelling in zhuyin of each syllable."""
    known = dict(tables().zhuyin_whole)
    for begins, first in tables().zhuyin_initials.items():
        for ends, last in tables().zhuyin_finals.items():
            known.setdefault(begins + ends, first + last)
    return known


def _bare(syllable: str) -> tuple[str, int]:
    """Part a toned syllable into its letters and the number of its tone; 5 where it has none."""
    letters, tone = "", 5
    for each in unicodedata.normalize("NFD", syllable):
        if each in _TONES:
            tone = _TONES[each]
        else:
            letters += each
    return unicodedata.normalize("NFC", letters), tone


def _in_zhuyin(text: str, _: Language, __: random.Random) -> str:
    def sound(each: str) -> str:
        letters, tone = _bare(tones().get(each, ""))
        said = _zhuyin_table().get(letters, "")
        return said and said + tables().tone_marks[tone - 1].strip()

    return _spelled(text, sound)


def _from_zhuyin(said: str, _: Language) -> str:
    inverse: dict[str, str] = {}
    for letters, signs in _zhuyin_table().items():
        if letters.replace("ü", "v") in syllables().codes or letters in syllables().codes:
            inverse.setdefault(signs, letters)
    words = (each.strip(tables().tone_marks) for each in said.split(" "))
    return " ".join(inverse.get(each, each) for each in words)


@lru_cache
def _same_sound() -> dict[str, str]:
    """Return the common characters of each toned syllable."""
    found: dict[str, str] = {}
    for character, syllable in tones().items():
        found[syllable] = found.get(syllable, "") + character
    return found


def _homophone(text: str, _: Language, chance: random.Random) -> str:
    """Write a character of the same sound and tone for half of those that have one."""

    def other(each: str) -> str:
        choices = _same_sound().get(tones().get(each, ""), "").replace(each, "")
        return chance.choice(choices) if choices and chance.random() < 0.5 else each

    return "".join(map(other, text))


@lru_cache
def _radical_table() -> dict[str, str]:
    return {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in _RADICALS}


def _acrostic(text: str, _: Language, chance: random.Random) -> str:
    """Begin a line of verse with each character."""
    verse = tables().verse
    return "\n".join(each + chance.choice(verse) for each in "".join(text.split()))


def _quwei(text: str, _: Language, __: random.Random) -> str:
    def place(each: str) -> str:
        try:
            row, column = each.encode(_FIRST)
        except ValueError:
            return each
        return f"{row - _ROW:02d}{column - _ROW:02d}"

    return " ".join(map(place, text))


def _from_quwei(said: str, _: Language) -> str:
    def read(token: str) -> str:
        if not _LOCATION.fullmatch(token):
            return token or " "
        return bytes((int(token[:2]) + _ROW, int(token[2:]) + _ROW)).decode(_FIRST, "replace")

    return "".join(map(read, said.split(" ")))


def _interleaved(text: str, _: Language, chance: random.Random) -> str:
    return chance.choice(_SIGNS).join(text)


def chinese() -> Iterator[Transform]:
    """Give the disguises."""
    given = tables()
    yield _table("chaizi", given.chaizi)
    yield Transform("pinyin", "chinese", _changed(given.pinyin), ("zh",), alike="sound")
    yield Transform("pinyin-full", "chinese", _full, ("zh",), alike="sound")
    yield Transform("pinyin-tones", "chinese", _toned, ("zh",), alike="sound")
    yield Transform("zhuyin", "chinese", _in_zhuyin, ("zh",), _from_zhuyin, "sound")
    yield Transform("homophone", "chinese", _homophone, ("zh",), alike="sound")
    yield Transform("traditional", "chinese", _changed(_traditional_table()), ("zh",), _plain, "letters")
    martian = {plain: odd for plain, odd in given.martian.items() if plain != odd}
    yield Transform("martian", "chinese", _changed(martian), ("zh",), _back(martian, lambda said: fold(said).clean),
                    "letters")  # fmt: skip
    yield Transform("radicals", "chinese", _changed(_radical_table()), ("zh",), _plain, "letters")
    yield _table("look-alike", given.look_alike, "mostly")
    yield _table("classical", given.classical, "mostly")
    yield _table("dialect", given.dialect, "mostly")
    yield _table("code-mixing", given.code_mixing, "mostly")
    yield _table("emoji", given.emoji, "mostly")
    yield Transform("acrostic", "chinese", _acrostic, ("zh",),
                    lambda said, _: "".join(line[:1] for line in said.split("\n")), "letters")  # fmt: skip
    yield Transform("quwei", "chinese", _quwei, ("zh",), _from_quwei, "letters")
    yield Transform("interleave", "chinese", _interleaved, ("zh",), alike="letters")
    yield Transform("brackets", "chinese",
                    lambda text, _, __: "".join(f"【{each}】" if each.isalnum() else each for each in text), ("zh",),
                    alike="letters")  # fmt: skip
