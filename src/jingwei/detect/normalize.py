"""Folding: one spelling for what a reader would take for the same text, with offsets into the original.

Fullwidth and styled letters, traditional characters, look-alike letters of other scripts, accents and upper case
become their plain form; characters that show nothing (zero-width, tags, bidirectional marks, variation selectors,
combining marks) vanish. Two readings of equal length come out: `clean` keeps the case, which keys and tokens need, and
`folded` does not.

The work is a look-up of every code point in one table. Where nothing vanishes and nothing expands (㈱ is three
characters), the offsets are those of the original and cost nothing; otherwise they are worked out, exactly.
"""

import unicodedata
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.uint32]
    Table = NDArray[np.uint32]

_FOLDING = (range(0x3400), range(0x3400, 0xAC00), range(0xD7A4, 0x11000), range(0x1D400, 0x1D800),
            range(0x1EE00, 0x1F300), range(0x1FBF0, 0x1FBFA), range(0x2F800, 0x2FA20),
            range(0xE0000, 0xE0200))  # fmt: skip
"""Where code points fold to something else; the large blocks between never do."""
_INVISIBLE = frozenset({"Cf", "Mn", "Me"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters by category, but nothing is drawn."""

_GONE = 0x110000
"""In the table: the character vanishes."""
_SEVERAL = 0x110001
"""In the table: the character becomes more than one."""
_MANY = 4096
_SHORTENED = 4
"""Where more than so many characters of a text grow, each to no more than this: one becomes eighteen, and a text of
nothing else would fill the memory."""


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
    tables = _tables()
    codes = code_points(text)
    clean = tables.clean.take(codes)
    offsets: Sequence[int] | None = None
    if int(clean.max()) >= _GONE:
        clean, offsets = _irregular(codes, clean, tables)
    folded = tables.lower.take(clean)
    return Folded(text, written(clean), written(folded), offsets, role)


def code_points(text: str) -> "Codes":
    """Return the code points of a text; half characters too."""
    import numpy as np  # noqa: PLC0415 - imported when a text first needs it: `jingwei --help` does not

    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def written(codes: "Codes") -> str:
    """Return the text that code points spell."""
    if not len(codes):
        return ""
    if codes[-1] == 0:  # numpy takes trailing zeros for padding
        return codes.tobytes().decode("utf-32-le")
    text: str = codes.view(f"<U{len(codes)}").item()
    return text


def folded_units() -> "Codes":
    """Return what each code unit of UTF-16 folds to in lower case; 0x10000 or more where that is not one character."""
    tables = _tables()
    clean = tables.clean[:0x10000]
    lower = tables.lower.take(clean)
    lower[clean >= _GONE] = _GONE
    lower[0xD800:0xE000] = _GONE  # halves of a character
    return lower


def _irregular(codes: "Codes", clean: "Codes", tables: "_Tables") -> tuple["Codes", Sequence[int]]:
    """Leave out what vanishes and write out what expands."""
    import numpy as np  # noqa: PLC0415 - as above

    if int(clean.max()) == _GONE:
        kept = (clean != _GONE).nonzero()[0]
        return clean.take(kept), array("i", kept.astype(np.int32).tobytes())
    lengths = (clean != _GONE).astype(np.int32)
    growing = (clean == _SEVERAL).nonzero()[0]
    which = tables.growing.searchsorted(codes.take(growing))
    grown = np.diff(tables.starts).take(which)
    if len(growing) > _MANY:
        grown = np.minimum(grown, _SHORTENED)
    lengths[growing] = grown
    places = np.repeat(np.arange(len(codes), dtype=np.int32), lengths)
    longer = clean.take(places)
    shifts = tables.starts.take(which) - (np.cumsum(grown) - grown)  # from a place among all that grows to the form's
    longer[longer == _SEVERAL] = tables.forms.take(np.arange(grown.sum()) + np.repeat(shifts, grown))
    return longer, array("i", places.tobytes())


@dataclass(frozen=True, slots=True)
class _Tables:
    clean: "Table"
    """What each code point folds to, case kept; or `_GONE`, or `_SEVERAL`."""
    lower: "Table"
    """Lower case of each code point."""
    growing: "Table"
    """The code points that become more than one, in order."""
    starts: "NDArray[np.intp]"
    """Where the form of each begins in `forms`, and where the last one ends."""
    forms: "Table"


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    import numpy as np  # noqa: PLC0415 - as above

    clean = np.arange(_SEVERAL + 1, dtype=np.uint32)
    lower = np.arange(_SEVERAL + 1, dtype=np.uint32)
    mended = _mended()
    several: dict[int, str] = {}
    for code in chain.from_iterable(_FOLDING):
        form = _form(chr(code), mended)
        clean[code] = ord(form) if len(form) == 1 else _SEVERAL if form else _GONE
        if len(form) > 1:
            several[code] = form
    for code in chain(range(0x3000), range(0xA640, 0xABC0), range(0x10400, 0x11000), range(0x16E00, 0x1E944)):
        lower[code] = ord(chr(code).lower()[0])
    clean.flags.writeable = lower.flags.writeable = False
    ordered = sorted(several)
    starts = np.fromiter(accumulate((len(several[code]) for code in ordered), initial=0), np.intp)
    forms = code_points("".join(several[code] for code in ordered))
    return _Tables(clean, lower, np.array(ordered, np.uint32), starts, forms)


def _mended() -> Mapping[str, str]:
    """Read the pairs that Unicode itself does not know: traditional to simplified, and look-alike letters."""
    folder = files("jingwei.detect")
    pairs = dict(_pairs([folder.joinpath("readings", "traditional.txt").read_text(encoding="utf-8")]))
    pairs.update(_pairs(yaml.safe_load(folder.joinpath("fold.yaml").read_text(encoding="utf-8")).values()))
    return {left: right for left, right in pairs.items() if left != right}


def _pairs(groups: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((pair[0], pair[1]) for group in groups for pair in group.split())


def _form(character: str, mended: Mapping[str, str]) -> str:
    """Return what a character folds to; what comes out would not fold any further."""
    category = unicodedata.category(character)
    if category == "Cs":  # half a character: not writable as UTF-8, which the pattern engine reads
        return "\ufffd"
    if category in _INVISIBLE or character in _FILLERS:
        return ""
    if category in {"Cn", "Co"}:
        return character
    plain = unicodedata.normalize("NFKC", mended.get(character, character))
    kept = (_bare(mended.get(each, each), mended) for each in plain if unicodedata.category(each) not in _INVISIBLE)
    # Lower case must not change the length, so characters that grow (only one does) are folded here already.
    return "".join(each if len(each.lower()) == 1 else each.lower()[0] for each in kept if each not in _FILLERS)


def _bare(letter: str, mended: Mapping[str, str]) -> str:
    """Return a Latin letter without its accents; anything else as it is."""
    base = unicodedata.normalize("NFD", letter)[0]
    base = mended.get(base) or mended.get(base.lower(), base)
    return base if base.isascii() and base.isalpha() else letter
