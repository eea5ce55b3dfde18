"""Folding: one spelling for what a reader would take for the same text, with offsets into the original.

Fullwidth and styled letters, traditional characters, look-alike letters of other scripts and upper case become
their plain form; characters that show nothing (zero-width, tags, bidirectional marks, variation selectors,
combining marks) vanish. Two readings come out of one pass, of equal length: `clean` keeps the case, which keys and
tokens need, and `folded` does not. ASCII text, and text in which nothing vanishes, keeps its own offsets at no cost.
"""

import re
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any, Literal

import yaml

_FOLDING = (range(0x3400), range(0x4E00, 0xAC00), range(0xD7A4, 0x11000), range(0x1D400, 0x1D800),
            range(0x1EE00, 0x1F300), range(0x1FBF0, 0x1FBFA), range(0x2F800, 0x2FA20),
            range(0xE0000, 0xE0200))  # fmt: skip
"""Where code points fold to something else; the large ideograph and syllable blocks between never do."""

_TABLE_END = 0xE0200
"""The table reaches past the tag characters and variation selectors, the last code points that fold."""


Role = Literal["user", "assistant", "tool", "document"]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text and its folded readings."""

    original: str
    clean: str
    """Folded, case kept."""
    folded: str
    """Folded, lower case; same length as `clean`."""
    offsets: Sequence[int] | None = None
    """Offset in the original of each folded character; None where they are the same."""
    role: Role = "user"
    """Whose text it is: a tool's result or a document is no place for instructions."""
    shared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What one detector worked out about this text and another needs too (an embedding, the patterns that may match).
    Any: each key has one writer, which knows its type."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Turn a span of the folded text into the span of the original that it came from."""
        if self.offsets is None:
            return start, end
        first = self.offsets[start] if start < len(self.offsets) else len(self.original)
        last = self.offsets[end - 1] + 1 if end > start else first
        return first, last


def fold(text: str | Folded, *, role: Role = "user") -> Folded:
    """Fold a text; one that is already folded is returned as it is."""
    if isinstance(text, Folded):
        return text
    if text.isascii():
        return Folded(text, text, text.lower(), role=role)
    table = _table()
    clean = text.translate(table.characters)
    offsets = _offsets(text, table) if table.irregular.search(text) else None
    return Folded(text, clean, clean.lower(), offsets, role)


def _offsets(text: str, table: "_Table") -> Sequence[int]:
    offsets = array("L")
    done = 0
    for match in table.irregular.finditer(text):
        offsets.extend(range(done, match.start()))
        done = match.end()
        for position in range(match.start(), done):
            offsets.extend([position] * len(table.characters[ord(text[position])]))
    offsets.extend(range(done, len(text)))
    return offsets


@dataclass(frozen=True, slots=True)
class _Table:
    characters: list[str]
    """What each code point folds to, case kept; none, one or several characters."""
    irregular: re.Pattern[str]
    """Finds runs of characters that do not fold to exactly one."""


@lru_cache(maxsize=1)
def _table() -> _Table:
    mended = _mended()
    characters = [chr(code) for code in range(_TABLE_END)]
    for code in chain.from_iterable(_FOLDING):
        characters[code] = _folded_character(chr(code), mended)
    irregular = [code for code, folded in enumerate(characters) if len(folded) != 1]
    return _Table(characters, re.compile(f"[{_ranges(irregular)}]+"))


def _mended() -> Mapping[str, str]:
    """Read the pairs that Unicode itself does not know: traditional to simplified, and look-alike letters."""
    source = files("jingwei.detect").joinpath("fold.yaml").read_text(encoding="utf-8")
    pairs: dict[str, str] = {}
    for group in yaml.safe_load(source).values():
        pairs.update(group.split())
    return pairs


def _folded_character(character: str, mended: Mapping[str, str]) -> str:
    category = unicodedata.category(character)
    if category == "Cs":  # half a character: not writable as UTF-8, which the pattern engine reads
        return "\ufffd"
    if category in {"Cf", "Mn", "Me"}:
        return ""
    if category in {"Cn", "Co"}:
        return character
    plain = unicodedata.normalize("NFKC", mended.get(character, character))
    kept = (mended.get(each, each) for each in plain if unicodedata.category(each) not in {"Cf", "Mn", "Me"})
    # Lower case must not change the length, so characters that grow (only one does) are folded here already.
    return "".join(each if len(each.lower()) == 1 else each.lower()[0] for each in kept)


def _ranges(codes: list[int]) -> str:
    spans: list[list[int]] = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in spans)
