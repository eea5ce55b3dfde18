"""Where HDF5 keeps many links or attributes: a fractal heap of blocks, and a B-tree of version 2 as its index."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from jingwei.deploy.artifacts.source import PIECE, Source

_SEARCHED = 1024**3
_MOST_HEAPS = 10_000
_MOST_OBJECTS = 65_536
_MOST_RECORDS = 1_000_000
_MOST_ROWS = 64


class HeapError(Exception):
    """A structure does not hold, or is of a kind that is not followed."""


class _File(Protocol):
    wide: int
    long: int

    def take(self, at: int, length: int) -> bytes:
        """Return bytes at an address."""
        ...

    def number(self, at: int, width: int) -> int:
        """Return an unsigned number at an address."""
        ...


class _Heap(NamedTuple):
    """What the header of a fractal heap says."""

    identity: int
    offset: int
    """Bytes of an offset inside the heap."""
    length: int
    """Bytes of a length inside the heap."""
    width: int
    start: int
    largest: int
    root: int
    rows: int


def managed(file: _File, heap: int, tree: int, *, record: int, skip: int) -> Iterator[tuple[int, int]]:
    """Give the address and length of every managed object, by its record in the index.

    Args:
        file: the file.
        heap: address of the heap's header.
        tree: address of the index.
        record: least bytes of a record of the index.
        skip: bytes of a record before the object's identity.

    Raises:
        HeapError: a structure does not hold.
    """
    head = _header(file, heap)
    blocks = list(_blocks(file, head)) if head.rows else [(0, head.start, head.root)]
    for at in _records(file, tree, record):
        if file.number(at + skip, 1) >> 4 & 3:
            raise HeapError
        offset = file.number(at + skip + 1, head.offset)
        length = file.number(at + skip + 1 + head.offset, head.length)
        place = next(
            (address + offset - first for first, size, address in blocks if first <= offset < first + size), None
        )
        if place is None:
            raise HeapError
        yield place, length


def _header(file: _File, at: int) -> _Heap:
    if file.take(at, 4) != b"FRHP":
        raise HeapError
    filters, wide, long = file.number(at + 7, 2), file.wide, file.long
    if filters:
        raise HeapError
    most = file.number(at + 10, 4)
    table = at + 14 + long + wide + long + wide + 8 * long
    width, start, largest = file.number(table, 2), file.number(table + 2, long), file.number(table + 2 + long, long)
    bits = file.number(table + 2 + 2 * long, 2)
    root, rows = file.number(table + 6 + 2 * long, wide), file.number(table + 6 + 2 * long + wide, 2)
    if not start or start & (start - 1) or not width or rows > _MOST_ROWS or largest < start:
        raise HeapError
    length = (min(largest, most).bit_length() + 7) // 8
    return _Heap(file.number(at + 5, 2), (bits + 7) // 8, length, width, start, largest, root, rows)


def _blocks(file: _File, head: _Heap) -> Iterator[tuple[int, int, int]]:
    """Give each direct block: where it begins in the heap, its size, its address."""
    if file.take(head.root, 4) != b"FHIB":
        raise HeapError
    at, first = head.root + 5 + file.wide + head.offset, 0
    for row in range(head.rows):
        size = head.start << max(0, row - 1)
        if size > head.largest:
            raise HeapError  # blocks of blocks: more than any model's attributes fill
        for _ in range(head.width):
            address = file.number(at, file.wide)
            if address != (1 << (8 * file.wide)) - 1:
                yield first, size, address
            at += file.wide
            first += size


def _records(file: _File, at: int, least: int) -> Iterator[int]:
    """Give the address of every record of a B-tree of version 2, up to two levels."""
    if file.take(at, 4) != b"BTHD":
        raise HeapError
    node, record, depth = file.number(at + 6, 4), file.number(at + 10, 2), file.number(at + 12, 2)
    root, count = file.number(at + 16, file.wide), file.number(at + 16 + file.wide, 2)
    if record < least or depth > 1 or count * record > node:
        raise HeapError
    if root == (1 << (8 * file.wide)) - 1:
        return
    yield from (root + 6 + number * record for number in range(count))
    if not depth:
        return
    width = (((node - 10) // record).bit_length() + 7) // 8
    pointers = root + 6 + count * record
    for number in range(count + 1):
        child = file.number(pointers + number * (file.wide + width), file.wide)
        held = file.number(pointers + number * (file.wide + width) + file.wide, width)
        if file.take(child, 4) != b"BTLF" or held * record > node:
            raise HeapError
        yield from (child + 6 + place * record for place in range(held))


def heap_objects(source: Source, heaps: list[int]) -> Iterator[tuple[int, int]]:
    """Give place and size of each object in the file's global heaps, found by their mark.

    Args:
        source: the whole file.
        heaps: takes down where heaps were found.
    """
    at = 0
    while at < min(source.size, _SEARCHED) and len(heaps) < _MOST_HEAPS:
        piece = source.read(at, PIECE + 3)
        here = piece.find(b"GCOL")
        while here >= 0:
            heaps.append(at + here)
            yield from _in_heap(source, at + here)
            here = piece.find(b"GCOL", here + 1)
        at += PIECE


def _in_heap(source: Source, heap: int) -> Iterator[tuple[int, int]]:
    end = min(heap + int.from_bytes(source.read(heap + 8, 8), "little"), source.size)
    at = heap + 16
    for _ in range(_MOST_OBJECTS):
        entry = source.read(at, 16)
        number, size = int.from_bytes(entry[:2], "little"), int.from_bytes(entry[8:], "little")
        if len(entry) < 16 or not number or at + 16 + size > end:
            return
        yield at + 16, size
        at += 16 + -(-size // 8) * 8
