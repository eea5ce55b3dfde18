"""numpy's .npy: a header, then raw bytes, or a pickle where the items are Python objects."""

from ast import literal_eval
from math import prod
from typing import NamedTuple

from jingwei.deploy.artifacts.arrays import width_of
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.pickles import looks_pickled, scan_pickle, trailing
from jingwei.deploy.artifacts.source import Source

_LONGEST_HEADER = 64 * 1024
_DEEPEST = 20
_MARK = b"\x93NUMPY"


def scan_npy(source: Source, path: str, examination: Examination) -> None:
    """Examine each array that the file holds, one behind the other."""
    examination.notes.format("numpy")
    at = 0
    while True:
        end = _array(source, path, examination, start=at)
        if end is None:
            return
        examination.cover(at, end)
        if end <= at or source.read(end, 6) != _MARK:
            break
        at = end
    if end < source.size:
        trailing(source, path, examination, at=end)


def _array(source: Source, path: str, examination: Examination, *, start: int) -> int | None:
    """Examine one header, and the pickle of an array of objects; return the end, or nothing where it cannot be told."""
    notes = examination.notes
    width = 2 if source.read(start + 6, 1) == b"\x01" else 4
    length = int.from_bytes(source.read(start + 8, width), "little")
    data = start + 8 + width + length
    header = _header(source.read(start + 8 + width, length)) if length <= _LONGEST_HEADER else None
    if header is None or data > source.size:
        notes.gap("gap-header", path)
        return None
    item = _item_width(header.descr)
    if item is not None and item >= 0:
        end = data + item * prod(header.shape)
        if source.size < end:
            notes.gap("gap-truncated", path, position=source.size)
            return None
        return end
    examination.cover(start, data)
    if item is None and not looks_pickled(source, data):  # a dtype that is not known here, and no objects behind it
        notes.gap("gap-array", path, position=data)
        return None
    return scan_pickle(source, path, examination, start=data, most=1)


def plain_length(source: Source) -> int | None:
    """Return how long a file of one array without objects is, by its header; nothing where it is no such file."""
    width = 2 if source.read(6, 1) == b"\x01" else 4
    length = int.from_bytes(source.read(8, width), "little")
    if source.read(0, 6) != _MARK or length > _LONGEST_HEADER:
        return None
    header = _header(source.read(8 + width, length))
    item = None if header is None else _item_width(header.descr)
    return None if header is None or item is None or item < 0 else 8 + width + length + item * prod(header.shape)


class _Header(NamedTuple):
    descr: object
    shape: tuple[int, ...]


def _header(raw: bytes) -> _Header | None:
    """Read the header as numpy does: as one Python literal, of which nothing is run."""
    try:
        told = literal_eval(raw.decode("utf-8" if raw.isascii() else "latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    shape = told.get("shape") if isinstance(told, dict) else None
    if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        return None
    return _Header(told.get("descr"), shape)


def _item_width(descr: object, depth: int = 0) -> int | None:
    """Return the bytes one item takes; -1 where it holds Python objects, none where that cannot be told."""
    if isinstance(descr, str):
        return width_of(descr)
    if not isinstance(descr, list | tuple) or depth > _DEEPEST:
        return None
    if isinstance(descr, tuple):  # a dtype with the shape of a sub-array
        inner = _item_width(descr[0], depth + 1) if len(descr) == 2 else None
        sides = descr[1] if len(descr) == 2 else ()
        sides = sides if isinstance(sides, tuple) else (sides,)
        return inner * prod(sides) if inner is not None and inner >= 0 and _plain(sides) else inner
    widths = [_field_width(each, depth) for each in descr]
    if -1 in widths:
        return -1
    return None if None in widths else sum(width for width in widths if width)


def _field_width(field: object, depth: int) -> int | None:
    if not isinstance(field, tuple) or len(field) not in {2, 3}:
        return None
    return _item_width((field[1], field[2]) if len(field) == 3 else field[1], depth + 1)


def _plain(sides: tuple[object, ...]) -> bool:
    return all(type(side) is int and side >= 0 for side in sides)
