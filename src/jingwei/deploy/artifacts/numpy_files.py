"""numpy's .npy: a header, then raw bytes, or a pickle where the items are Python objects."""

import re
from math import prod

from jingwei.deploy.artifacts.arrays import width_of
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.pickles import scan_pickle, trailing
from jingwei.deploy.artifacts.source import Source

_LONGEST_HEADER = 1024 * 1024
_DESCRIPTION = re.compile(
    r"""["']descr["'] *: *(?:["']([^"']*)["']|(\[.*?\]) *, *["'](?:fortran_order|shape))""", re.DOTALL
)
_SHAPE = re.compile(r"""["']shape["'] *: *\(([\d, ]*)\)""")
_FIELD = re.compile(r"""["']([<>=|]?[a-zA-Z?]\d*)["'] *\)""")
_MARK = b"\x93NUMPY"
_OBJECT = re.compile(r"""["'][<>=|]?O\d*["']""")


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
    if length > _LONGEST_HEADER or data > source.size:
        notes.gap("gap-header", path)
        return None
    header = source.read(start + 8 + width, length).decode("latin-1")
    description, shape = _DESCRIPTION.search(header), _SHAPE.search(header)
    if description is None or shape is None:
        notes.gap("gap-header", path)
        return None
    letters = description[1] or ""
    if width_of(letters) == -1 or _OBJECT.search(description[2] or ""):
        examination.cover(start, data)
        return scan_pickle(source, path, examination, start=data, most=1)
    item = width_of(letters) if letters else _record_width(description[2])
    if item is None:
        return source.size
    end = data + item * prod(int(side) for side in shape[1].split(",") if side.strip())
    if source.size < end:
        notes.gap("gap-truncated", path, position=source.size)
        return None
    return end


def _record_width(fields: str) -> int | None:
    """Return how long one record is, where each of its fields is plain."""
    widths = [width_of(letters) for letters in _FIELD.findall(fields)]
    return sum(each for each in widths if each) if widths and "((" not in fields and None not in widths else None
