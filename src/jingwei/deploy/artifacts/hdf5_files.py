"""HDF5 files judged: the model's JSON in attributes, pickles, links and storage in other files, sizes that lie."""

import json
import re
from collections.abc import Iterator
from math import prod

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.hdf5 import MARK, PLACES, BrokenError, Hdf5, Message, Object
from jingwei.deploy.artifacts.hdf5_heap import heap_objects
from jingwei.deploy.artifacts.json_objects import read_json
from jingwei.deploy.artifacts.keras import looks_like_keras, scan_keras
from jingwei.deploy.artifacts.pickles import looks_pickled, scan_pickle
from jingwei.deploy.artifacts.source import Source, Stretch

_MOST_TEXTS = 4096
_MOST_TEXT = 64 * 1024 * 1024
_DAMAGE = 64 * 1024**3
_KNOWN_FILTERS = frozenset(
    {1, 2, 3, 4, 5, 6, 257, 305, 307, 32000, 32001, 32004, 32008, 32013, 32015, 32017, 32018, 32019, 32026}
)
_ENDS = re.compile(rb"\0+$")


def is_hdf5(source: Source) -> bool:
    """Tell whether HDF5's mark stands at one of the places it may."""
    return any(source.read(at, 8) == MARK for at in PLACES)


def scan_hdf5(source: Source, path: str, examination: Examination, depth: int = 0) -> None:
    """Examine the whole account of the file; the data sets themselves cannot act."""
    notes = examination.notes
    notes.format("hdf5")
    base = next(at for at in PLACES if source.read(at, 8) == MARK)
    if base and source.read(0, base).strip(b"\0"):
        notes.find("hdf5.user-block", path, 0, bytes=base)
        examination.inside(Stretch(source, 0, base), f"{path}!", depth + 1)
    try:
        file = Hdf5(source, base)
        if file.end > source.size:
            notes.gap("gap-truncated", path, position=source.size)
        reader = _Judge(file, path, examination)
        for found, links in file.walk():
            for link in links:
                if link.kind == "external":
                    notes.find("hdf5.other-file", path, base + found.address, name=link.target)
            reader.object(found)
    except (BrokenError, EOFError, RecursionError):
        notes.gap("gap-header", path)
        _loose(source, path, examination)
    examination.cover(0, source.size)


def _loose(source: Source, path: str, examination: Examination) -> None:
    """Look for a model's JSON anywhere, where the file's own account is broken."""
    at, overlap = 0, 64
    marks = (b'{"class_name"', b'{"module"')
    while at < min(source.size, _MOST_TEXT * 4):
        piece = source.read(at, 256 * 1024 + overlap)
        for mark in marks:
            here = piece.find(mark)
            if here >= 0:
                _text(source.read(at + here, 1 << 20), path, examination, at=at + here)
        at += 256 * 1024


def _text(raw: bytes, path: str, examination: Examination, *, at: int) -> None:
    """Judge a text of an attribute: a model's configuration, or nothing."""
    head = raw[:64].lstrip()
    if head[:1] not in {b"{", b"["}:
        return
    text = _ENDS.sub(b"", raw).decode("utf-8", "replace")
    try:
        value = read_json(text)
    except ValueError:
        value = _begun(text)
    if value is None:
        if '"class_name"' in text[:4096]:
            examination.notes.gap("gap-json", path)
    elif looks_like_keras(value) or isinstance(value, list):
        scan_keras(value, path, examination.notes, offset=at)


def _begun(text: str) -> object:
    """Return the JSON value that a text begins with, or none."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


class _Judge:
    """Judges one object at a time."""

    def __init__(self, file: Hdf5, path: str, examination: Examination) -> None:
        self.file, self.path, self.examination = file, path, examination
        self.notes = examination.notes
        self.heaps: list[int] = []

    def object(self, found: Object) -> None:
        """Judge an object's messages."""
        space = next((message for message in found.messages if message.kind == 0x01), None)
        kind = next((message for message in found.messages if message.kind == 0x03), None)
        for message in found.messages:
            if message.flags & 2 and message.kind in {0x0C, 0x08}:
                self.notes.gap("gap-header", self.path)
            elif message.kind == 0x0C:
                self._attribute(message.start, found)
            elif message.kind == 0x15:
                self._dense(message, found)
            elif message.kind == 0x07:
                self._elsewhere(message)
            elif message.kind == 0x0B:
                self._filters(message)
            elif message.kind == 0x08:
                self._layout(message, space, kind)

    def _dense(self, message: Message, found: Object) -> None:
        """Judge attributes that are kept apart, because they are many."""
        flags = self.file.number(message.start + 1, 1)
        at = message.start + 2 + (2 if flags & 1 else 0)
        heap, tree = self.file.number(at, self.file.wide), self.file.number(at + self.file.wide, self.file.wide)
        for start, _ in self.file.dense(heap, tree, record=17, skip=0):
            self._attribute(start, found)

    def _attribute(self, at: int, found: Object) -> None:
        """Judge one attribute."""
        file = self.file
        version, flags = file.number(at, 1), file.number(at + 1, 1)
        if version not in {1, 2, 3}:
            raise BrokenError
        name, kind, space = (file.number(at + place, 2) for place in (2, 4, 6))
        unit = 8 if version == 1 else 1
        start = at + (9 if version == 3 else 8)
        title = file.take(start, name).rstrip(b"\0").decode("utf-8", "replace")
        start += -(-name // unit) * unit
        if flags & 1 and version > 1:
            return  # the type is kept elsewhere: an enumeration or a compound, never a model's text
        type_at, space_at = start, start + -(-kind // unit) * unit
        data = space_at + -(-space // unit) * unit
        items = self._items(space_at)
        for raw, place in self._texts(type_at, data, items):
            self._value(title, raw, place, found)

    def _items(self, at: int) -> int:
        """Return how many items a data space has."""
        version, rank, flags = (self.file.number(at + place, 1) for place in (0, 1, 2))
        if rank > 32:
            raise BrokenError
        if version == 2 and self.file.number(at + 3, 1) == 2:
            return 0
        _ = flags
        first = at + (8 if version == 1 else 4)
        return prod(self.file.number(first + number * self.file.long, self.file.long) for number in range(rank))

    def _texts(self, kind: int, data: int, items: int) -> Iterator[tuple[bytes, int]]:
        """Give the texts or bytes that a value holds, each with its place."""
        file = self.file
        cls, bits, size = file.number(kind, 1) & 15, file.number(kind + 1, 1), file.number(kind + 4, 4)
        if cls in {3, 5} and size:  # texts, opaque bytes
            for number in range(min(items, _MOST_TEXTS)):
                yield file.take(data + number * size, min(size, _MOST_TEXT)), data + number * size
        elif cls == 9:  # of varying length, in a global heap
            _ = bits
            for number in range(min(items, _MOST_TEXTS)):
                at = data + number * (8 + file.wide)
                length, heap = file.number(at, 4), file.number(at + 4, file.wide)
                place = self._kept(heap, file.number(at + 4 + file.wide, 4)) if length and heap else None
                if place is not None and length <= _MOST_TEXT:
                    yield file.take(place, length), place

    def _kept(self, heap: int, index: int) -> int | None:
        """Find an object of a global heap."""
        file = self.file
        if heap == (1 << (8 * file.wide)) - 1:
            return None
        if file.take(heap, 4) != b"GCOL":
            raise BrokenError
        end, at = heap + file.number(heap + 8, file.long), heap + 8 + file.long
        while at + 8 + file.long <= end:
            number, size = file.number(at, 2), file.number(at + 8, file.long)
            if number == index:
                return at + 8 + file.long
            if not number:
                return None
            at += 8 + file.long + -(-size // 8) * 8
        return None

    def _value(self, name: str, raw: bytes, at: int, found: Object) -> None:
        """Judge what an attribute says."""
        place = self.file.base + at
        _text(raw, self.path, self.examination, at=place)
        bare = raw.rstrip(b"\0")
        if name == "PSEUDOATOM" and bare == b"object":
            self.notes.find("hdf5.pickled-objects", self.path, place, name=found.path)
            self._objects()
        stretch = Stretch(self.file.source, place, len(raw))
        if bare[:1] in {b"\x80", b"c", b"(", b"I", b"]", b"}"} and len(bare) > 4 and looks_pickled(stretch):
            scan_pickle(stretch, f"{self.path}!{name}", self.examination)

    def _objects(self) -> None:
        """Examine each pickle that the file's heaps hold; whoever reads the array unpickles them."""
        if self.heaps:
            return
        for start, size in heap_objects(self.file.source, self.heaps):
            stretch = Stretch(self.file.source, start, size)
            if looks_pickled(stretch):
                scan_pickle(stretch, f"{self.path}!{start}", self.examination)

    def _elsewhere(self, message: Message) -> None:
        """External storage: the data lies in other files."""
        file = self.file
        used, heap = file.number(message.start + 6, 2), file.number(message.start + 8, file.wide)
        names = file.number(heap + 8 + 2 * file.long, file.wide)
        for slot in range(min(used, 100)):
            name = file.text(names + file.number(message.start + 8 + file.wide + slot * 3 * file.long, file.long))
            self.notes.find("hdf5.other-file", self.path, file.base + message.start, name=name)

    def _filters(self, message: Message) -> None:
        """A filter that nobody registered makes the library load a plug-in of that number."""
        file = self.file
        version, count = file.number(message.start, 1), file.number(message.start + 1, 1)
        at = message.start + (8 if version == 1 else 2)
        for _ in range(min(count, 32)):
            number = file.number(at, 2)
            named = version == 1 or number >= 256
            length = file.number(at + 2, 2) if named else 0
            values = file.number(at + (6 if named else 4), 2)
            at += (8 if named else 6) + (-(-length // 8) * 8 if version == 1 else length)
            at += 4 * values + (4 if version == 1 and values % 2 else 0)
            if number not in _KNOWN_FILTERS:
                self.notes.find("hdf5.plugin", self.path, file.base + message.start, name=number)

    def _layout(self, message: Message, space: Message | None, kind: Message | None) -> None:
        """Where a data set's bytes lie, and how many it claims to have."""
        file = self.file
        version = file.number(message.start, 1)
        shape = file.number(message.start + (1 if version >= 3 else 2), 1)
        if version == 4 and shape == 3:
            self._virtual(file.number(message.start + 2, file.wide), file.number(message.start + 2 + file.wide, 4))
        size = file.number(kind.start + 4, 4) if kind else 1
        items = self._items(space.start) if space else 0
        if version >= 3 and shape == 1:
            at, length = (
                file.number(message.start + 2, file.wide),
                file.number(message.start + 2 + file.wide, file.long),
            )
            if at != (1 << (8 * file.wide)) - 1 and file.base + at + length > file.source.size:
                self.notes.find("hdf5.bounds", self.path, file.base + message.start, name=f"{at} + {length}")
        if items * size > max(_DAMAGE, file.source.size * 2000):
            self.notes.find("hdf5.claims", self.path, file.base + message.start, bytes=items * size)

    def _virtual(self, heap: int, index: int) -> None:
        """A virtual data set is put together out of other files."""
        place = self._kept(heap, index)
        if place is None:
            return
        name = self.file.text(place + 1 + self.file.long)
        if name != ".":
            severity = Severity.HIGH
            self.notes.find("hdf5.other-file", self.path, self.file.base + place, severity=severity, name=name)
