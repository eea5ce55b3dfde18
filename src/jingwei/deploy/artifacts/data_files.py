"""Data formats that cannot run code, told by their structure: word vectors, fastText, MessagePack, CRF models.

A mark at the beginning is not enough for them, or there is none: the numbers of the header must fit the file. What a
MessagePack file holds as bytes is examined where it is a pickle, since some readers unpickle arrays of objects.
"""

import re
import struct
from typing import NamedTuple

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.source import Source, Stretch, Window

_VECTORS = re.compile(rb"(\d{1,10}) (\d{1,5})\n")
_FASTTEXT = (0x2F4F16BA).to_bytes(4, "little")
_CRF = re.compile(rb"lCRF(.{4})FOMC", re.DOTALL)
_MOST_VALUES, _DEEPEST = 500_000, 64
_MOST_DIMENSIONS, _LONGEST_WORD, _WORDS_TRIED = 20_000, 4096, 3
_PICKLED = re.compile(rb"\x80[\x00-\x05]")


def data_format(source: Source, head: bytes) -> str:
    """Name a format of plain data by its structure, or nothing."""
    if _crf(source, head):
        return "crfsuite"
    if _fasttext(head):
        return "fasttext"
    if _vectors(source, head):
        return "word-vectors"
    return "msgpack" if _opens_msgpack(head) and _walk(source) is not None else ""


def scan_data(kind: str, source: Source, path: str, examination: Examination, *, depth: int) -> None:
    """Account for plain data; of MessagePack the bytes that are pickles are examined."""
    examination.notes.format(kind)
    for start, length in (_walk(source) or []) if kind == "msgpack" else []:
        examination.inside(Stretch(source, start, length), f"{path}!{start}", depth + 1, at=start)
    examination.cover(0, source.size)


def _crf(source: Source, head: bytes) -> bool:
    found = _CRF.match(head)
    return found is not None and int.from_bytes(found[1], "little") <= source.size


def _fasttext(head: bytes) -> bool:
    """The arguments of the training stand first, behind a mark and a version in the newer format."""
    if len(head) < 64:
        return False
    marked = head[:4] == _FASTTEXT
    dimensions, *some = struct.unpack_from("<12i", head, 8 if marked else 0)
    window, epochs, least, negative, words, loss, model, buckets, shortest, longest, _ = some
    counts = (window, epochs, least, negative, words, buckets, shortest, longest)
    told = 0 < dimensions <= _MOST_DIMENSIONS and 1 <= loss <= 4 and 1 <= model <= 3
    return told and all(0 <= count < 1 << 30 for count in counts) and shortest <= longest + 64


def _vectors(source: Source, head: bytes) -> bool:
    """Words, each with its numbers, in the binary format of word2vec: the first few are tried, the size must do."""
    found = _VECTORS.match(head)
    if found is None:
        return False
    count, dimensions = int(found[1]), int(found[2])
    width = 4 * dimensions
    if not 0 < dimensions <= _MOST_DIMENSIONS or not count or count * (width + 2) > source.size - found.end():
        return False
    at = found.end()
    for _ in range(min(count, _WORDS_TRIED)):
        space = source.read(at, _LONGEST_WORD).find(b" ")
        if space <= 0 or len(source.read(at + space + 1, width)) < width:
            return False
        at += space + 1 + width
        at += source.read(at, 1) == b"\n"
    return True


def _opens_msgpack(head: bytes) -> bool:
    return len(head) > 1 and (0x81 <= head[0] <= 0x9F or 0xDC <= head[0] <= 0xDF)


class _Kind(NamedTuple):
    """How a MessagePack value is laid out: bytes of its length, bytes besides, what it holds."""

    length: int = 0
    besides: int = 0
    items: int = 0
    """How many values stand for each count: 1 in arrays, 2 in maps."""


_KINDS = {
    0xC0: _Kind(), 0xC2: _Kind(), 0xC3: _Kind(),
    0xC4: _Kind(1), 0xC5: _Kind(2), 0xC6: _Kind(4), 0xC7: _Kind(1, 1), 0xC8: _Kind(2, 1), 0xC9: _Kind(4, 1),
    0xCA: _Kind(0, 4), 0xCB: _Kind(0, 8), 0xCC: _Kind(0, 1), 0xCD: _Kind(0, 2), 0xCE: _Kind(0, 4), 0xCF: _Kind(0, 8),
    0xD0: _Kind(0, 1), 0xD1: _Kind(0, 2), 0xD2: _Kind(0, 4), 0xD3: _Kind(0, 8),
    0xD4: _Kind(0, 2), 0xD5: _Kind(0, 3), 0xD6: _Kind(0, 5), 0xD7: _Kind(0, 9), 0xD8: _Kind(0, 17),
    0xD9: _Kind(1), 0xDA: _Kind(2), 0xDB: _Kind(4),
    0xDC: _Kind(2, 0, 1), 0xDD: _Kind(4, 0, 1), 0xDE: _Kind(2, 0, 2), 0xDF: _Kind(4, 0, 2),
}  # fmt: skip


def _walk(source: Source) -> list[tuple[int, int]] | None:
    """Follow one MessagePack value to the end of the file; return where pickles lie in it, nothing if it is none."""
    window, at, pending, pickles = Window(source), 0, [1], list[tuple[int, int]]()
    try:
        for _ in range(_MOST_VALUES):
            while pending and not pending[-1]:
                pending.pop()
            if not pending:
                return pickles if at == source.size else None
            pending[-1] -= 1
            at, body, inner = _value(window, at)
            if body and at > source.size:
                return None
            if body > 2 and _PICKLED.match(window.take(at - body, 2)):
                pickles.append((at - body, body))
            if inner:
                pending.append(inner)
            if len(pending) > _DEEPEST:
                return None
    except (EOFError, KeyError):
        return None
    return None


def _value(window: Window, at: int) -> tuple[int, int, int]:
    """Return where a value's own bytes end, how long its body is, and how many values follow in it."""
    code = window.take(at, 1)[0]
    if code < 0x80 or code >= 0xE0:
        return at + 1, 0, 0
    if code < 0xA0:
        return at + 1, 0, (code & 15) * (1 if code & 0x10 else 2)
    if code < 0xC0:
        return at + 1 + (code & 31), code & 31, 0
    kind = _KINDS[code]
    count = int.from_bytes(window.take(at + 1, kind.length), "big") if kind.length else 0
    start = at + 1 + kind.length + kind.besides
    return (start, 0, count * kind.items) if kind.items else (start + count, count, 0)
