"""Letters that look different, or stand in another order, and say the same."""

import math
import random
import unicodedata
from collections.abc import Callable, Iterator
from string import ascii_lowercase, ascii_uppercase

from jingwei.core.text import Language
from jingwei.detect import fold
from jingwei.develop.evaluate.transforms.tables import tables
from jingwei.develop.evaluate.transforms.values import CUT, Change, Transform

_INVISIBLE = ("\u200b", "\u200c", "\u2060")
_ABOVE_AND_BELOW = tuple(map(chr, (*range(0x300, 0x30B), *range(0x316, 0x320))))
_ACCENTS = tuple(map(chr, (0x300, 0x301, 0x302, 0x303, 0x308)))
_OVERRIDE, _POP = "\u202e", "\u202c"
_TAGS = 0xE0000
_RAILS = 3


def _by_letter(letters: Callable[[int], str]) -> Change:
    """Write each Latin letter as the one of the same number in another alphabet (capitals from 26 on)."""
    table = {ord(each): letters(at) for at, each in enumerate(ascii_lowercase + ascii_uppercase)}

    def change(text: str, _: Language, __: random.Random) -> str:
        return text.translate(table)

    return change


def _folded(said: str, _: Language) -> str:
    return fold(said).clean


def _small(alphabet: str) -> Change:
    def change(text: str, _: Language, __: random.Random) -> str:
        return text.lower().translate(str.maketrans(ascii_lowercase, alphabet))

    return change


def _zero_width(text: str, _: Language, chance: random.Random) -> str:
    return "".join(each + (chance.choice(_INVISIBLE) if each.isalnum() else "") for each in text)


def _homoglyph(text: str, _: Language, chance: random.Random) -> str:
    table = tables().homoglyph
    return "".join(table[each] if each in table and chance.random() < 0.6 else each for each in text)


def _fullwidth(text: str, _: Language, __: random.Random) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def _marked(marks: tuple[str, ...], most: int) -> Change:
    def change(text: str, _: Language, chance: random.Random) -> str:
        return "".join(
            each + "".join(chance.choices(marks, k=chance.randint(1, most))) if each.isalnum() else each
            for each in text
        )

    return change


def _mixed_case(text: str, _: Language, chance: random.Random) -> str:
    return "".join(each.upper() if chance.random() < 0.5 else each.lower() for each in text)


def _spaced(text: str, _: Language, __: random.Random) -> str:
    return "   ".join(" ".join(word) for word in text.split(" "))


def _upside_down(text: str, _: Language, __: random.Random) -> str:
    return text.lower().translate(str.maketrans(ascii_lowercase, tables().upside_down))[::-1]


def _right_way_up(said: str, _: Language) -> str:
    return said[::-1].translate(str.maketrans(tables().upside_down, ascii_lowercase))


def _tagged(text: str, _: Language, __: random.Random) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(chr(_TAGS + ord(each)) for each in plain if " " <= each <= "~")


def _rail_order(size: int) -> list[int]:
    turn = 2 * (_RAILS - 1)
    return sorted(range(size), key=lambda at: (min(at % turn, turn - at % turn), at))


def _rails(text: str, _: Language, __: random.Random) -> str:
    return "".join(text[at] for at in _rail_order(len(text)))


def _unrailed(said: str, _: Language) -> str:
    places = dict(zip(_rail_order(len(said)), said, strict=True))
    return "".join(places[at] for at in range(len(said)))


def _split(text: str, _: Language, chance: random.Random) -> str:
    """Cut at two random places, so that no piece alone shows what is asked."""
    if len(text) < 3:
        return text
    first, second = sorted(chance.sample(range(1, len(text)), 2))
    return CUT.join((text[:first], text[first:second], text[second:]))


def _every_other(text: str, language: Language, chance: random.Random) -> str:
    fillers = tables().fillers[language]
    return "".join(each + chance.choice(fillers) for each in text)


def _vertical(text: str, _: Language, __: random.Random) -> str:
    """Write in columns from right to left."""
    letters = "".join(text.split())
    height = max(2, math.isqrt(len(letters)))
    columns = [letters[at : at + height].ljust(height, "\u3000") for at in range(0, len(letters), height)]
    return "\n".join("".join(column[row] for column in reversed(columns)) for row in range(height))


def _horizontal(said: str, _: Language) -> str:
    rows = said.split("\n")
    return "".join("".join(row[at] for row in rows) for at in reversed(range(len(rows[0])))).rstrip("\u3000")


def _words(change: Callable[[list[str]], list[str]]) -> Change:
    def by_word(text: str, _: Language, __: random.Random) -> str:
        return " ".join(change(text.split(" ")))

    return by_word


def _undone(change: Change) -> Callable[[str, Language], str]:
    """Return a reader for a change that is its own inverse and leaves nothing to chance."""
    return lambda said, language: change(said, language, random.Random(0))  # noqa: S311 - nothing is drawn


def styles() -> Iterator[Transform]:
    """Give the styles and orders."""
    yield Transform("zero-width", "letters", _zero_width, undo=_folded, alike="letters")
    yield Transform("homoglyph", "letters", _homoglyph, ("en",), _folded, "letters")
    yield Transform("fullwidth", "letters", _fullwidth, ("en",), _folded, "letters")
    yield Transform("superscript", "letters", _small(tables().superscript), ("en",), _folded, "letters")
    yield Transform("math-bold", "letters", _by_letter(lambda at: chr(0x1D400 + (at + 26) % 52)), ("en",), _folded,
                    "letters")  # fmt: skip
    yield Transform("small-caps", "letters", _small(tables().small_caps), ("en",), _folded, "letters")
    yield Transform("circled", "letters", _by_letter(lambda at: chr(0x24B6 + (at + 26) % 52)), ("en",), _folded,
                    "letters")  # fmt: skip
    yield Transform("upside-down", "letters", _upside_down, ("en",), _right_way_up, "letters")
    yield Transform("diacritics", "letters", _marked(_ACCENTS, 1), ("en",), _folded, "letters")
    yield Transform("zalgo", "letters", _marked(_ABOVE_AND_BELOW, 3), undo=_folded, alike="letters")
    yield Transform("mixed-case", "letters", _mixed_case, ("en",), alike="letters")
    yield Transform("spaced", "letters", _spaced, undo=lambda said, _: said, alike="letters")
    yield Transform("bidi", "letters", lambda text, _, __: f"{_OVERRIDE}{text[::-1]}{_POP}",
                    undo=lambda said, _: said[1:-1][::-1])  # fmt: skip
    yield Transform("unicode-tags", "letters", _tagged, ("en",),
                    lambda said, _: "".join(chr(ord(each) - _TAGS) for each in said), "letters")  # fmt: skip
    reverse = _words(lambda words: words[::-1])
    flip = _words(lambda words: [word[::-1] for word in words])
    yield Transform("reverse", "order", lambda text, _, __: text[::-1], undo=lambda said, _: said[::-1])
    yield Transform("reverse-words", "order", reverse, ("en",), _undone(reverse))
    yield Transform("flip-words", "order", flip, ("en",), _undone(flip))
    yield Transform("rail-fence", "order", _rails, undo=_unrailed)
    yield Transform("split", "order", _split)
    yield Transform("every-other", "order", _every_other, undo=lambda said, _: said[::2])
    yield Transform("vertical", "order", _vertical, ("zh",), _horizontal, "letters")
