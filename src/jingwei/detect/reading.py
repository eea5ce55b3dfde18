"""Readings: what is left of a text when everything is dropped that only pulls a word apart.

    folded     转*账 密·码!      as written, folded
    skeleton   转账密码          letters, digits and characters only
    sounds     ⟨zhuan⟩⟨zhang⟩⟨mi⟩⟨ma⟩   each Chinese character by its syllable, one code point each

A word's sounds are found wherever the word is written, spelled by homophones or pulled apart; what was really written
there is looked at only on a hit. The code points lie where UTF-8, which the automata read, takes two bytes; letters
that Unicode has there are moved away in `sounds`, so nothing can imitate a syllable.
"""

from codecs import utf_16_le_decode, utf_16_le_encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jingwei.detect.normalize import Folded, code_points, fold, folded_units, written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HAN = 1
LATIN = 2
OTHER = 3
_FIRST_SYLLABLE = 0x100
_LAST_SYLLABLE = 0x2FF
_MOVED = 0xE000
_TYPED = {"lv": "lu", "nv": "nu"}
_LAST_LETTER = 0x32400
"""No letter or digit lies beyond."""
_UNITS = 0x10000
_KEY = "lexicon.reading"
_SEPARATORS = bytes(code for code in range(128) if not chr(code).isalnum())


class Reading:
    """One text, read for the lexicon. What only a find needs is worked out when it is asked for."""

    __slots__ = ("_folded", "_letters", "_original", "_places", "_skeleton", "_units", "has_han", "has_latin", "sounds")

    def __init__(self, folded: str | None, skeleton: str | None, sounds: str, *, units: Any = None, places: Any = None,
                 has_han: bool = False, has_latin: bool = True, original: str = "",
                 letters: bytes | None = None) -> None:  # fmt: skip
        """Any: arrays of the code unit of each character of the skeleton, and of its place in `folded`."""
        self.sounds = sounds
        self._units = units
        self.has_han = has_han
        self.has_latin = has_latin
        self._original = original
        self._folded = folded
        self._skeleton = skeleton
        self._places = places
        self._letters = letters

    @property
    def folded(self) -> str:
        """Return the folded text."""
        if self._folded is None:
            self._folded = fold(self._original).folded
        return self._folded

    @property
    def letters(self) -> bytes:
        """Return the folded text with a mark for each character beyond ASCII."""
        if self._letters is None:
            self._letters = self.folded.encode("ascii", "replace")
        return self._letters

    @property
    def marks_han(self) -> bool:
        """Tell whether `letters` says where the Chinese characters are."""
        return b"\1" in self.letters

    @property
    def skeleton(self) -> str:
        """Return letters, digits and characters only."""
        if self._skeleton is None:
            self._skeleton = utf_16_le_decode(_plain_tables().skeleton.take(self._units).data)[0]
        return self._skeleton

    @property
    def places(self) -> "NDArray[np.intp] | None":
        """Return the place in `folded` of each character of the skeleton; None where they are the same."""
        if self._places is None and len(self.sounds) != len(self._folded or self._original):
            self._places = _tables().kinds.take(code_points(self.folded)).nonzero()[0]
        places: NDArray[np.intp] | None = self._places
        return places

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Turn a span of the skeleton into one of the folded text."""
        places = self.places
        if places is None:
            return start, end
        return int(places[start]), int(places[end - 1]) + 1

    def cut(self, end: int) -> "Reading":
        """Return the reading of the text up to a place in the skeleton."""
        places = self.places
        folded = self.folded[: self.span(end, end + 1)[0]] if end < len(self.sounds) else self.folded
        kept = None if places is None else places[:end]
        return Reading(folded, self.skeleton[:end], self.sounds[:end], places=kept,
                       has_han=self.has_han, has_latin=self.has_latin)  # fmt: skip


def read(folded: Folded) -> Reading:
    """Read a folded text, once for all who need it."""
    found: Reading | None = folded.shared.get(_KEY)
    if found is None:
        found = folded.shared[_KEY] = read_text(folded.folded)
    return found


def read_text(text: str) -> Reading:
    """Read a text that is folded already."""
    found = read_plain(text, text)
    if found is not None:
        return found
    import numpy as np  # noqa: PLC0415 - imported when a text first needs it

    tables = _tables()
    codes = code_points(text)
    kinds = tables.kinds.take(codes)
    kept = kinds.nonzero()[0]
    marks = kinds.tobytes()
    skeleton, places = text, None
    if len(kept) != len(codes):
        codes, places = codes.take(kept), kept
        skeleton = written(codes)
    sounds = written(tables.sounds.take(codes))
    letters = bytearray(text.encode("ascii", "replace"))
    np.frombuffer(letters, np.uint8)[kinds == HAN] = 1
    return Reading(text, skeleton, sounds, places=places, has_han=b"\1" in marks, has_latin=b"\2" in marks,
                   letters=bytes(letters))  # fmt: skip


def read_plain(text: str, folded: str | None = None) -> Reading | None:
    """Read a text that is not folded, folding as it reads; None where a character vanishes, expands or is rare.

    What is read is what `read` finds in the folded text, place by place.
    """
    if text.isascii():
        folded = folded or text.lower()
        letters = folded.encode()
        skeleton = letters.translate(None, _SEPARATORS).decode()
        return Reading(folded, skeleton, skeleton, letters=letters)
    import numpy as np  # noqa: PLC0415 - imported when a text first needs it

    tables = _plain_tables()
    units = np.frombuffer(utf_16_le_encode(text, "surrogatepass")[0], np.uint16).astype(np.intp)
    letters = tables.letters.take(units).tobytes()
    if b"\0" in letters:
        return None
    places = None
    kept = tables.kept.take(units).nonzero()[0]
    if len(kept) != len(units):
        units, places = units.take(kept), kept
    sounds = utf_16_le_decode(tables.sounds.take(units).data)[0]
    return Reading(folded, None, sounds, units=units, places=places, has_han=b"\1" in letters,
                   has_latin=letters.islower(), original=text, letters=letters)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Tables:
    kinds: "NDArray[np.uint8]"
    """Of each code point: `HAN` (its syllable is known), `LATIN`, `OTHER`, or 0: it separates."""
    sounds: "NDArray[np.uint32]"
    """The code point of its syllable, or itself."""


@dataclass(frozen=True, slots=True)
class Syllables:
    """The syllables of Mandarin without tones."""

    codes: Mapping[str, str]
    """The private code point of each, by its letters."""
    others: Mapping[str, str]
    """Further readings of a character, as code points."""
    known: Mapping[str, str]
    """The first reading of each character."""


@lru_cache(maxsize=1)
def syllables() -> Syllables:
    """Load the syllables."""
    source = files("jingwei.detect").joinpath("readings", "syllables.txt").read_text(encoding="utf-8")
    codes: dict[str, str] = {}
    known: dict[str, str] = {}
    others: dict[str, str] = {}
    for number, line in enumerate(source.splitlines()):
        letters, first, further = line.split("\t")
        codes[letters] = code = chr(_FIRST_SYLLABLE + number)
        known.update(dict.fromkeys(first, code))
        for character in further:
            others[character] = others.get(character, "") + code
    for letters, typed in _TYPED.items():  # an accent is lost in folding, and many keyboards have none
        for character in (each for each, code in known.items() if code == codes[letters]):
            others[character] = codes[typed] + others.get(character, "")
    return Syllables(codes, others, known)


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    import numpy as np  # noqa: PLC0415 - imported when a text first needs it

    kinds = np.zeros(0x110000, np.uint8)
    kinds[[code for code in range(_LAST_LETTER) if chr(code).isalnum()]] = OTHER
    kinds[ord("a") : ord("z") + 1] = LATIN
    sounds = np.arange(0x110000, dtype=np.uint32)
    sounds[_FIRST_SYLLABLE : _LAST_SYLLABLE + 1] += _MOVED
    for character, code in syllables().known.items():
        kinds[ord(character)] = HAN
        sounds[ord(character)] = ord(code)
    kinds.flags.writeable = sounds.flags.writeable = False
    return _Tables(kinds, sounds)


@dataclass(frozen=True, slots=True)
class _PlainTables:
    """By the code unit of a character that is not folded yet."""

    letters: "NDArray[np.uint8]"
    """Its folded letter, digit or sign; 1 for a Chinese character, `?` for others, 0 where it is not one character."""
    kept: "NDArray[np.bool_]"
    """Whether it is a letter, digit or Chinese character, not a separator."""
    skeleton: "NDArray[np.uint16]"
    """What it folds to; 0 where it separates."""
    sounds: "NDArray[np.uint16]"
    """The code point of the syllable of what it folds to, or that itself."""


@lru_cache(maxsize=1)
def _plain_tables() -> _PlainTables:
    import numpy as np  # noqa: PLC0415 - as above

    tables = _tables()
    plain = folded_units()
    single = plain < _UNITS
    plain = np.where(single, plain, 0)
    kinds = tables.kinds.take(plain)
    shown = (plain >= ord(" ")) & (plain < 0x80)
    ascii_or_mark = np.where(shown | (plain == 0), plain, np.where(kinds == HAN, 1, ord("?")))
    letters = np.where(single, ascii_or_mark, 0).astype(np.uint8)
    skeleton = np.where(kinds > 0, plain, 0).astype(np.uint16)
    sounds = tables.sounds.take(skeleton).astype(np.uint16)
    for table in (letters, kept := skeleton > 0, skeleton, sounds):
        table.flags.writeable = False
    return _PlainTables(letters, kept, skeleton, sounds)


def is_syllable(character: str) -> bool:
    """Tell whether a character of `sounds` is a syllable."""
    return "\u0100" <= character <= "\u02ff"
