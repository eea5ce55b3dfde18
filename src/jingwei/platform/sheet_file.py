"""Rows of a spreadsheet (Office Open XML), a stretch at a time: what its first sheet's cells show, as text.

Only text is read: a cell that is shown as a date or a percentage comes as the number that is kept in it. A document
type is refused wherever it stands, so nothing in the file can define anything.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn
from xml.parsers import expat

from jingwei.core.errors import InputError

MOST_COLUMNS = 8
LAST_ROW = 1_048_576
"""Of a sheet, by its format."""
_STRETCH = 256 * 1024
_TRUE = {"1": "TRUE", "0": "FALSE"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, expat.ExpatError, UnicodeDecodeError)
"""What reading a damaged file raises."""


def rows(packed: zipfile.ZipFile) -> Iterator[Sequence[str]]:
    """Give the rows of the first sheet, empty ones too; of each its first cells.

    Raises:
        InputError: it is no spreadsheet, or damaged.
    """
    try:
        book = _target(packed, "", "/officeDocument")
        sheet = _first_sheet(packed, book)
        shared = _shared(packed, book)
        reader = _Sheet(shared)
        with packed.open(sheet) as content:
            while stretch := content.read(_STRETCH):
                reader.parser.Parse(stretch, False)  # noqa: FBT003 - expat takes no keyword
                yield from reader.taken()
        reader.parser.Parse(b"", True)  # noqa: FBT003 - as above
        yield from reader.taken(all_of_them=True)
    except (*BROKEN, KeyError, IndexError, ValueError) as error:
        raise InputError("platform:words-sheet", field="file") from error


def _first_sheet(packed: zipfile.ZipFile, book: str) -> str:
    listed = [attributes for name, attributes in _elements(packed, book) if name == "sheet"]
    parts = _relations(packed, book)
    kept = (parts[each] for attributes in listed for key, each in attributes.items() if _local(key) == "id")
    found = next((target for kind, target in kept if kind.endswith("/worksheet")), None)
    if found is None:
        raise InputError("platform:words-sheet", field="file")
    return found


def _target(packed: zipfile.ZipFile, part: str, kind: str) -> str:
    """Return the part of a kind that another part names.

    Raises:
        KeyError: it names none.
    """
    for each, target in _relations(packed, part).values():
        if each.endswith(kind):
            return target
    raise KeyError(kind)


def _relations(packed: zipfile.ZipFile, part: str) -> Mapping[str, tuple[str, str]]:
    folder, name = posixpath.split(part)
    found: dict[str, tuple[str, str]] = {}
    for element, attributes in _elements(packed, posixpath.join(folder, "_rels", f"{name}.rels")):
        if element == "Relationship":
            target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/")
            found[attributes["Id"]] = attributes["Type"], target
    return found


def _elements(packed: zipfile.ZipFile, part: str) -> list[tuple[str, Mapping[str, str]]]:
    found: list[tuple[str, Mapping[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: found.append((_local(name), attributes))
    parser.Parse(packed.read(part), True)  # noqa: FBT003 - expat takes no keyword
    return found


def _shared(packed: zipfile.ZipFile, book: str) -> Sequence[str]:
    """Return the texts that cells refer to."""
    try:
        part = _target(packed, book, "/sharedStrings")
    except KeyError:
        return ()
    texts = _Texts()
    with packed.open(part) as content:
        while stretch := content.read(_STRETCH):
            texts.parser.Parse(stretch, False)  # noqa: FBT003 - expat takes no keyword
    texts.parser.Parse(b"", True)  # noqa: FBT003 - as above
    return texts.found


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_about: object) -> NoReturn:
    raise InputError("platform:words-sheet", field="file")


def _local(name: str) -> str:
    return name[name.rfind(":") + 1 :]


class _Texts:
    """Collects the texts of items: all `t` but those that tell how characters are read."""

    ITEM = "si"

    def __init__(self) -> None:
        self.found: list[str] = []
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._pieces: list[str] = []
        self._reading_aid = 0

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = _local(name)
        if local == "rPh":
            self._reading_aid += 1
        elif local in {"t", "v"} and not self._reading_aid:
            self.parser.CharacterDataHandler = self._pieces.append
        else:
            self._opened(local, attributes)

    def _opened(self, local: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element that is no text."""

    def _end(self, name: str) -> None:
        local = _local(name)
        self.parser.CharacterDataHandler = None
        if local == "rPh":
            self._reading_aid -= 1
        elif local == self.ITEM:
            self._closed("".join(self._pieces))
            self._pieces.clear()

    def _closed(self, text: str) -> None:
        """Take an item."""
        self.found.append(text)


class _Sheet(_Texts):
    """Collects rows."""

    ITEM = "c"

    def __init__(self, shared: Sequence[str]) -> None:
        super().__init__()
        self._shared = shared
        self._rows: list[list[str]] = []
        self._row = 0
        self._column = -1
        self._kind = ""

    def taken(self, *, all_of_them: bool = False) -> list[list[str]]:
        """Return the rows that are whole, and forget them."""
        whole = len(self._rows) - (not all_of_them)
        done, self._rows = self._rows[: max(0, whole)], self._rows[max(0, whole) :]
        return done

    def _opened(self, local: str, attributes: Mapping[str, str]) -> None:
        if local == "c":
            self._column = _column(attributes["r"]) if "r" in attributes else self._column + 1
            self._kind = attributes.get("t", "n")
        elif local == "row":
            number = int(attributes.get("r", self._row + 1))
            if number > LAST_ROW:
                raise InputError("platform:words-sheet", field="file")
            self._rows.extend([] for _ in range(max(1, number - self._row)))
            self._row = max(self._row + 1, number)
            self._column = -1

    def _closed(self, text: str) -> None:
        if not 0 <= self._column < MOST_COLUMNS:
            return
        row = self._rows[-1]
        row.extend("" for _ in range(self._column + 1 - len(row)))
        shown = self._shared[int(text)] if self._kind == "s" and text else text
        row[self._column] = _TRUE.get(shown, shown) if self._kind == "b" else shown


def _column(place: str) -> int:
    """Return the number of a cell's column, counted from nought; a large one for any further than are read."""
    letters = place.rstrip("0123456789")
    return _LETTERS.find(letters) if len(letters) == 1 else MOST_COLUMNS
