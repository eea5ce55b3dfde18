"""Ciphers of Latin letters. What is lost (capitals, signs) a reader does not need."""

import codecs
import random
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase, digits

from jingwei.core.text import Language
from jingwei.develop.evaluate.transforms.tables import tables
from jingwei.develop.evaluate.transforms.values import Change, Likeness, Transform, Undo

_CAESAR, _KEY, _SIDE, _BACON = 7, "LEMON", 6, 5
_WORD = re.compile(r"[A-Za-z]+")
_PIG = re.compile(r"([a-z]+)-([a-z]*)ay\b", re.IGNORECASE)
_VOWELS = "aeiou"


def _of(name: str, change: Callable[[str], str], undo: Callable[[str], str], alike: Likeness = "letters") -> Transform:
    return Transform(name, "cipher", _plainly(change), ("en",), _read(undo), alike)


def _plainly(change: Callable[[str], str]) -> Change:
    def plainly(text: str, _: Language, __: random.Random) -> str:
        return change(text)

    return plainly


def _read(undo: Callable[[str], str]) -> Undo:
    def read(said: str, _: Language) -> str:
        return undo(said)

    return read


def _shifted(text: str, shifts: Callable[[int], int]) -> str:
    """Move each letter forward in the alphabet; `shifts` tells how far by the number of the letter in the text."""
    said, number = [], 0
    for each in text:
        alphabet = ascii_lowercase if each in ascii_lowercase else ascii_uppercase if each in ascii_uppercase else ""
        said.append(alphabet[(alphabet.index(each) + shifts(number)) % 26] if alphabet else each)
        number += bool(alphabet)
    return "".join(said)


def _vigenere(text: str, sign: int) -> str:
    return _shifted(text, lambda number: sign * ascii_uppercase.index(_KEY[number % len(_KEY)]))


def _atbash(text: str) -> str:
    letters = ascii_lowercase + ascii_uppercase
    return text.translate(str.maketrans(letters, ascii_lowercase[::-1] + ascii_uppercase[::-1]))


def _rot47(text: str) -> str:
    return "".join(chr(33 + (ord(each) + 14) % 94) if "!" <= each <= "~" else each for each in text)


def _keyboard(text: str, step: int) -> str:
    table = {
        row[at]: row[(at + step) % len(row)]
        for low in tables().keyboard
        for row in (low, low.upper())
        for at in range(len(row))
    }
    return "".join(table.get(each, each) for each in text)


def _spelled(
    codes: Mapping[str, str], *, letters: str, words: str
) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return how to write each known letter as its code, and to read it again; others are left out."""
    back = {code: letter for letter, code in codes.items()}

    def write(text: str) -> str:
        spelled = [[codes[each] for each in word.lower() if each in codes] for word in text.split()]
        return words.join(letters.join(word) for word in spelled if word)

    def read(said: str) -> str:
        return " ".join("".join(back.get(each, "") for each in word.split(letters)) for word in said.split(words))

    return write, read


@lru_cache
def _codes() -> dict[str, dict[str, str]]:
    both = ascii_lowercase + digits
    return {
        "a1z26": {letter: str(number) for number, letter in enumerate(ascii_lowercase, start=1)}
        | {digit: f"#{digit}" for digit in digits},
        "morse": dict(zip(ascii_lowercase + "1234567890", _morse_marks(), strict=True)),
        "nato": dict(zip(both, tables().nato.split(), strict=True)),
        "polybius": {each: f"{at // _SIDE + 1}{at % _SIDE + 1}" for at, each in enumerate(both)},
        "bacon": {
            each: format(at, f"0{_BACON}b").translate(str.maketrans("01", "AB"))
            for at, each in enumerate(ascii_lowercase)
        },
    }


def _morse_marks() -> list[str]:
    marks = tables().morse.split()
    return [*marks[:26], *marks[27:], marks[26]]


def _braille(text: str) -> str:
    return text.lower().translate(str.maketrans(ascii_lowercase, tables().braille))


def _unbraille(said: str) -> str:
    return said.translate(str.maketrans(tables().braille, ascii_lowercase))


def _pig_latin(text: str) -> str:
    """Move the consonants a word begins with behind a hyphen, and add `ay`."""

    def moved(match: re.Match[str]) -> str:
        word = match[0]
        at = next((place for place, each in enumerate(word) if each.lower() in _VOWELS), 0)
        return f"{word[at:]}-{word[:at]}ay"

    return _WORD.sub(moved, text)


def _leetspeak(text: str) -> str:
    table = tables().leetspeak
    return "".join(table.get(each.lower(), each) for each in text)


def _unleet(said: str) -> str:
    return said.translate({ord(sign): letter for letter, sign in tables().leetspeak.items()})


def _misspelled(text: str, _: Language, chance: random.Random) -> str:
    """Swap two letters inside each longer word."""

    def swapped(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) < 5:
            return word
        at = chance.randrange(1, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _WORD.sub(swapped, text)


def ciphers() -> Iterator[Transform]:
    """Give the ciphers."""
    yield _of("rot13", lambda text: codecs.encode(text, "rot13"), lambda said: codecs.decode(said, "rot13"), "exact")
    yield _of("rot47", _rot47, _rot47, "exact")
    yield _of("atbash", _atbash, _atbash, "exact")
    yield _of("caesar", lambda text: _shifted(text, lambda _: _CAESAR), lambda said: _shifted(said, lambda _: -_CAESAR),
              "exact")  # fmt: skip
    yield _of("vigenere", lambda text: _vigenere(text, 1), lambda said: _vigenere(said, -1), "exact")
    yield _of("keyboard-shift", lambda text: _keyboard(text, 1), lambda said: _keyboard(said, -1), "exact")
    codes = _codes()
    yield _of("a1z26", *_spelled(codes["a1z26"], letters="-", words=" / "))
    yield _of("morse", *_spelled(codes["morse"], letters=" ", words=" / "))
    yield _of("nato", *_spelled(codes["nato"], letters=" ", words=" / "))
    yield _of("polybius", *_spelled(codes["polybius"], letters=" ", words="  /  "))
    yield _of("bacon", *_spelled(codes["bacon"], letters=" ", words=" / "), "mostly")
    yield _of("braille", _braille, _unbraille)
    yield _of("pig-latin", _pig_latin, lambda said: _PIG.sub(lambda match: match[2] + match[1], said))
    yield _of("leetspeak", _leetspeak, _unleet, "mostly")
    yield Transform("misspelling", "cipher", _misspelled, ("en",), alike="mostly")
