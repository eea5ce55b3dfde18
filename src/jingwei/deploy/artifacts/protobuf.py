"""Protobuf read by its wire format: fields with their places, weights skipped over."""

from collections.abc import Iterator
from typing import NamedTuple

from jingwei.deploy.artifacts.source import Window

_FIXED = {1: 8, 5: 4}
_LONGEST_TEXT = 4096


class Field(NamedTuple):
    """One field: its number and the stretch of its content (empty for a plain number)."""

    number: int
    start: int
    end: int
    value: int = 0
    """What a plain number says."""


class Malformed(Exception):  # noqa: N818 - means only: not this format
    """The bytes are not a message."""


def _varint(window: Window, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = window.number(at, 1)
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed


def fields(window: Window, start: int, end: int) -> Iterator[Field]:
    """Read a message's fields.

    Raises:
        Malformed: it is none.
        EOFError: it ends too early.
    """
    at = start
    while at < end:
        key, at = _varint(window, at)
        number, wire = key >> 3, key & 7
        length = value = 0
        if wire == 0:
            value, at = _varint(window, at)
        elif wire == 2:
            length, at = _varint(window, at)
        elif wire in _FIXED:
            length = _FIXED[wire]
        else:
            raise Malformed
        if not number or at + length > end:
            raise Malformed
        yield Field(number, at, at + length, value)
        at += length


def text_of(window: Window, field: Field) -> str:
    """Return a field's text, bounded."""
    raw = window.take(field.start, min(field.end - field.start, _LONGEST_TEXT))
    return raw.decode("utf-8", "replace")
