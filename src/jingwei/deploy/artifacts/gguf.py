"""GGUF: header, key-value pairs and tensor table walked by their own counts, every count held against the file."""

import struct
from math import prod

from jingwei.deploy.artifacts.examination import Examination, Limits
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.pickles import looks_pickled, scan_pickle
from jingwei.deploy.artifacts.source import Source, Stretch, Window
from jingwei.deploy.artifacts.template import scan_template

_MOST_PAIRS = 65_536
_MOST_TENSORS = 1_000_000
_MOST_ITEMS = 20_000_000
_LONGEST_TEXT = 4 * 1024 * 1024
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY = 8, 9
# ggml type: items in a block, bytes of a block
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


class _Broken(Exception):  # noqa: N818 - ends the walk
    """A count or length does not fit the file."""


class _Reader:
    def __init__(self, source: Source, examination: Examination, path: str) -> None:
        self.window, self.examination, self.path = Window(source), examination, path
        self.size, self.at, self.alignment = source.size, 24, 32
        self.version = self.window.number(4, 4)
        self.keys: set[str] = set()
        self.facts: dict[str, str] = {}

    def number(self, width: int) -> int:
        value = self.window.number(self.at, width)
        self.at += width
        return value

    def skip(self, length: int) -> None:
        if length > self.size - self.at:
            raise _Broken
        self.at += length

    def length(self) -> int:
        return self.number(4 if self.version == 1 else 8)

    def text(self) -> bytes:
        length = self.length()
        start = self.at
        self.skip(length)
        if length > _LONGEST_TEXT:
            self.examination.notes.gap("gap-template-size", self.path)
            return b""
        return self.window.take(start, length)

    def pair(self) -> None:
        key = self.text()[:256].decode("utf-8", "replace")
        if key in self.keys:
            self.examination.notes.find("gguf.duplicate", self.path, self.at, name=key)
        self.keys.add(key)
        kind = self.number(4)
        start = self.at
        if key == "general.alignment" and kind == 4:
            self.alignment = self.window.number(start, 4)
            if not 1 <= self.alignment <= 1 << 20 or self.alignment & (self.alignment - 1):
                raise _Broken
        if key.startswith("general.") and kind == _TEXT:
            self.facts[key] = self.text()[:512].decode("utf-8", "replace")
            return
        self.value(kind, template="chat_template" in key, depth=0)

    def value(self, kind: int, *, template: bool, depth: int) -> None:
        if kind in _SCALARS:
            self.skip(_SCALARS[kind])
        elif kind == _TEXT:
            start = self.at
            if template:
                read = self.text().decode("utf-8", "replace")
                scan_template(read, self.path, self.examination.notes, offset=start)
            else:
                self.skip(self.length())
        elif kind == _ARRAY and depth < 4:
            self.array(template=template, depth=depth)
        else:
            raise _Broken

    def array(self, *, template: bool, depth: int) -> None:
        kind = self.number(4)
        count = self.length()
        if kind in _SCALARS:
            self.skip(_SCALARS[kind] * count)
            return
        if count > min(_MOST_ITEMS, self.size - self.at):
            raise _Broken
        for _ in range(count):
            self.value(kind, template=template, depth=depth + 1)

    def tensor(self) -> tuple[int, int, bytes] | None:
        """Return a tensor's offset, size and name; none where its type is not known."""
        name = self.text()
        dimensions = self.number(4)
        if dimensions > 4 or len(name) > 512:
            raise _Broken
        items = prod(self.number(4 if self.version == 1 else 8) for _ in range(dimensions))
        kind, offset = self.number(4), self.number(8)
        if items >= 2**63:
            raise _Broken
        if kind not in _BLOCKS:
            return None
        per_block, width = _BLOCKS[kind]
        if offset % self.alignment:
            raise _Broken
        return offset, -(-items // per_block) * width, name


def scan_gguf(source: Source, path: str, examination: Examination) -> None:
    """Examine the whole account of the file; the weights themselves cannot act."""
    notes = examination.notes
    notes.format("gguf")
    if source.size < 24:
        notes.gap("gap-truncated", path, position=source.size)
        return
    reader = _Reader(source, examination, path)
    try:
        if not 1 <= reader.version <= 3:
            notes.gap("gap-version", path, version=reader.version)
            return
        width = 4 if reader.version == 1 else 8
        reader.at = 8
        tensors, pairs = reader.number(width), reader.number(width)
        if pairs > _MOST_PAIRS or tensors > _MOST_TENSORS:
            notes.find("gguf.header", path, 8, pairs=pairs, tensors=tensors)
            notes.gap("gap-header", path)
            return
        for _ in range(pairs):
            reader.pair()
        _tensors(reader, tensors, path, examination)
    except (_Broken, EOFError, struct.error):
        notes.find("gguf.bounds", path, reader.at, name="")
        notes.gap("gap-header", path)


def describe_gguf(source: Source) -> dict[str, str]:
    """Return what a GGUF file says of itself under `general.`; what can be read of it, if it is broken."""
    if source.read(0, 4) != b"GGUF" or source.size < 24:
        return {}
    reader = _Reader(source, Examination(Notes(), Limits(), lambda *_: None), "")
    try:
        width = 4 if reader.version == 1 else 8
        pairs = reader.window.number(8 + width, width)
        reader.at = 8 + 2 * width
        for _ in range(min(pairs, 64)):
            reader.pair()
    except (_Broken, EOFError):
        return reader.facts
    return reader.facts


def _tensors(reader: _Reader, count: int, path: str, examination: Examination) -> None:
    notes, spans = examination.notes, []
    names: set[bytes] = set()
    for _ in range(count):
        tensor = reader.tensor()
        if tensor is None:
            notes.gap("gap-tensor-type", path)
            continue
        spans.append(tensor[:2])
        if tensor[2] in names:
            notes.find("gguf.duplicate", path, reader.at, name=tensor[2].decode("utf-8", "replace"))
        names.add(tensor[2])
    data = -(-reader.at // reader.alignment) * reader.alignment
    end = 0
    for offset, size in sorted(spans):
        if offset < end or data + offset + size > reader.size:
            notes.find("gguf.bounds", path, data + offset, name=offset)
        end = max(end, offset + size)
    left = reader.size - data - end
    behind = Stretch(reader.window.source, data + end, left)
    if left > 0 and spans and looks_pickled(behind):
        scan_pickle(behind, f"{path}!", examination)
    if left > max(4096, reader.alignment) and not notes.gaps and spans:
        notes.find("gguf.trailing", path, data + end, bytes=left)
