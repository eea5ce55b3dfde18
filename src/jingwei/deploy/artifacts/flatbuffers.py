"""FlatBuffers: TensorFlow Lite's models, every offset held against the file; their operators are judged by name."""

from collections.abc import Iterator

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.source import Source, Window
from jingwei.deploy.artifacts.tensorflow_graphs import judge_operator

_MOST = 1_000_000
_LONGEST = 65536
_CUSTOM = 32


class _BoundsError(Exception):
    """An offset leads out of the file."""


class _Table:
    """A table of a flat buffer, its fields by number."""

    def __init__(self, window: Window, size: int, at: int) -> None:
        self.window, self.size, self.at = window, size, at
        back = self._number(at, 4, signed=True)
        self.vtable = at - back
        self.length = self._number(self.vtable, 2)
        if self.length < 4:
            raise _BoundsError

    def _number(self, at: int, width: int, *, signed: bool = False) -> int:
        if at < 0 or at + width > self.size:
            raise _BoundsError
        return int.from_bytes(self.window.take(at, width), "little", signed=signed)

    def place(self, field: int) -> int:
        """Return where a field's value lies; zero where it is left out."""
        slot = 4 + 2 * field
        if slot + 2 > self.length:
            return 0
        offset = self._number(self.vtable + slot, 2)
        return self.at + offset if offset else 0

    def number(self, field: int, width: int) -> int:
        """Return a number; zero where it is left out."""
        place = self.place(field)
        return self._number(place, width) if place else 0

    def vector(self, field: int) -> tuple[int, int]:
        """Return where a vector's items begin, and how many there are."""
        place = self.place(field)
        if not place:
            return 0, 0
        at = place + self._number(place, 4)
        count = self._number(at, 4)
        if at + 4 + count > self.size or count > self.size:
            raise _BoundsError
        return at + 4, count

    def held(self) -> None:
        """Hold a buffer of weights against the file, whether it lies inside the table or behind it."""
        self.vector(0)
        at, length = self.number(1, 8), self.number(2, 8)
        if at > 1 and at + length > self.size:
            raise _BoundsError

    def text(self, field: int) -> str:
        """Return a text."""
        at, length = self.vector(field)
        return self.window.take(at, min(length, _LONGEST)).decode("utf-8", "replace") if length else ""

    def tables(self, field: int) -> Iterator["_Table"]:
        """Give the tables of a vector."""
        at, count = self.vector(field)
        if count > _MOST or (count and at + 4 * count > self.size):
            raise _BoundsError
        for number in range(count):
            place = at + 4 * number
            yield _Table(self.window, self.size, place + self._number(place, 4))


def scan_tflite(source: Source, path: str, examination: Examination) -> None:
    """Examine a TensorFlow Lite model."""
    notes = examination.notes
    notes.format("tflite")
    window = Window(source)
    try:
        model = _Table(window, source.size, window.number(0, 4))
        for code in model.tables(1):
            name = code.text(1)
            builtin = max(code.number(0, 1), code.number(3, 4))
            if name and builtin == _CUSTOM:
                judge_operator(name.removeprefix("Flex"), path, notes, at=code.at, custom=True)
        for buffer in model.tables(4):
            buffer.held()
        for graph in model.tables(2):
            graph.vector(0)
            graph.vector(3)
    except (_BoundsError, EOFError):
        notes.find("tflite.bounds", path, 0)
        notes.gap("gap-header", path)
