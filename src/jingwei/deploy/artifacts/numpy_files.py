"""numpy's .npy: a header, then raw bytes, or a pickle where the items are Python objects."""

import re
from math import prod

from jingwei.deploy.artifacts.arrays import width_of
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.pickles import scan_pickle
from jingwei.deploy.artifacts.source import Source

_LONGEST_HEADER = 1024 * 1024
_DESCRIPTION = re.compile(
    r"""["']descr["'] *: *(?:["']([^"']*)["']|(\[.*?\]) *, *["'](?:fortran_order|shape))""", re.DOTALL
)
_SHAPE = re.compile(r"""["']shape["'] *: *\(([\d, ]*)\)""")
_OBJECT = re.compile(r"""["'][<>=|]?O\d*["']""")


def scan_npy(source: Source, path: str, examination: Examination) -> None:
    """Examine the header, and the pickle of an array of objects."""
    notes = examination.notes
    notes.format("numpy")
    width = 2 if source.read(6, 1) == b"\x01" else 4
    length = int.from_bytes(source.read(8, width), "little")
    data = 8 + width + length
    if length > _LONGEST_HEADER or data > source.size:
        notes.gap("gap-header", path)
        return
    header = source.read(8 + width, length).decode("latin-1")
    description, shape = _DESCRIPTION.search(header), _SHAPE.search(header)
    if description is None or shape is None:
        notes.gap("gap-header", path)
        return
    letters = description[1] or ""
    if width_of(letters) == -1 or _OBJECT.search(description[2] or ""):
        scan_pickle(source, path, notes, start=data)
        return
    item = width_of(letters) if letters else None
    wanted = item * prod(int(side) for side in shape[1].split(",") if side.strip()) if item is not None else None
    if wanted is not None and source.size < data + wanted and source.size >= 1024 * 1024 * 2:
        notes.gap("gap-truncated", path, position=source.size)
