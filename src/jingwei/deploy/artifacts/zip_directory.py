"""The directory of a zip file, read leniently: what each loader would see, and where two loaders would differ."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from jingwei.deploy.artifacts.source import Source, Window

_END = b"PK\x05\x06"
_END64_LOCATOR = b"PK\x06\x07"
_CENTRAL = b"PK\x01\x02"
LOCAL = b"PK\x03\x04"
_TAIL = 65557
_FULL = 0xFFFFFFFF


class Entry(NamedTuple):
    """One member, as one of its two headers tells it."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int
    """Position of the local header."""
    data: int = 0
    """Position of the data; known from the local header."""
    mode: int = 0
    """Unix mode, from the central header."""


class Directory(NamedTuple):
    """Where the central directory lies."""

    start: int
    end: int
    shift: int
    """How many bytes stand before what the directory takes for the beginning."""
    members: int


def find_directory(source: Source) -> Directory | None:
    """Find the end record and what it points at, or nothing."""
    base = max(0, source.size - _TAIL)
    tail = source.read(base, _TAIL)
    here = tail.rfind(_END)
    while here >= 0:
        found = _directory_at(source, base + here, tail[here : here + 22])
        if found is not None:
            return found
        here = tail.rfind(_END, 0, here)
    return None


def _directory_at(source: Source, at: int, record: bytes) -> Directory | None:
    if len(record) < 22:
        return None
    count = int.from_bytes(record[10:12], "little")
    length = int.from_bytes(record[12:16], "little")
    offset = int.from_bytes(record[16:20], "little")
    end = at
    locator = source.read(at - 20, 20)
    if locator[:4] == _END64_LOCATOR:
        full = _FULL in (length, offset) or count == 0xFFFF
        for guess in (int.from_bytes(locator[8:16], "little"), at - 20 - 56):
            wide = source.read(guess, 56)
            told = tuple(int.from_bytes(wide[i : i + 8], "little") for i in (32, 40, 48))
            if wide[:4] == b"PK\x06\x06" and (full or told == (count, length, offset)):
                count, length, offset = told
                end = guess
                break
    start = end - length
    if start < 0 or (count and source.read(start, 4) != _CENTRAL):
        start = offset
        if not count or source.read(start, 4) != _CENTRAL:
            return Directory(at, at, 0, 0) if not count and not length and at == source.size - 22 else None
        return Directory(start, start + length, 0, count)
    return Directory(start, end, start - offset, count)


def central_entries(source: Source, directory: Directory) -> Iterator[Entry]:
    """Read the central directory, as far as it holds.

    Raises:
        EOFError: it ends in the middle of an entry.
    """
    window, at = Window(source), directory.start
    while at + 46 <= directory.end and window.take(at, 4) == _CENTRAL:
        raw = window.take(at, 46)
        number = partial(_number, raw)
        name_length, extra_length = number(28), number(30)
        name = window.take(at + 46, name_length)
        extra = window.take(at + 46 + name_length, extra_length)
        size, packed, header = _wide(extra, [number(24, 4), number(20, 4), number(42, 4)])
        yield Entry(_decoded(name, number(8)), number(8), number(10), number(16, 4), packed, size,
                    header + directory.shift, mode=number(38, 4) >> 16)  # fmt: skip
        at += 46 + name_length + extra_length + number(32)


def local_entry(source: Source, at: int) -> Entry | None:
    """Read the local header at a position, or nothing where there is none."""
    raw = source.read(at, 30)
    if len(raw) < 30 or raw[:4] != LOCAL:
        return None
    number = partial(_number, raw)
    name_length, extra_length = number(26), number(28)
    rest = source.read(at + 30, name_length + extra_length)
    size, packed = _wide(rest[name_length:], [number(22, 4), number(18, 4)])
    return Entry(_decoded(rest[:name_length], number(6)), number(6), number(8), number(14, 4), packed, size, at,
                 at + 30 + name_length + extra_length)  # fmt: skip


def _number(raw: bytes, at: int, width: int = 2) -> int:
    return int.from_bytes(raw[at : at + width], "little")


def _decoded(name: bytes, flags: int) -> str:
    return name.decode("utf-8" if flags & 0x800 else "cp437", "replace")


def _wide(extra: bytes, numbers: list[int]) -> list[int]:
    """Replace 32-bit numbers that are full by those of the zip64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        length = int.from_bytes(extra[at + 2 : at + 4], "little")
        if extra[at : at + 2] == b"\x01\x00":
            body, used = extra[at + 4 : at + 4 + length], 0
            for which, value in enumerate(numbers):
                if value == _FULL and used + 8 <= len(body):
                    numbers[which] = int.from_bytes(body[used : used + 8], "little")
                    used += 8
            break
        at += 4 + length
    return numbers
