"""Unpacking gzip, zlib, bzip2, xz, LZ4 and what zip uses into a spooled file: bounded, tolerant of a bad ending.

What came out before an error is examined all the same; that something is missing is told by `whole`.
"""

import bz2
import lzma
import tempfile
import zlib
from collections.abc import Callable
from typing import Protocol

from jingwei.deploy.artifacts.lz4 import MAGIC, Lz4
from jingwei.deploy.artifacts.source import PIECE, Source, Unpacked

SPOOL = 4 * 1024 * 1024
"""What is unpacked stays in memory up to this size and goes to a temporary file beyond it."""
_LZMA_MEMORY = 256 * 1024 * 1024
_LARGEST_TOLD = 1 << 40
_SLOW = {"lz4": 256 * 1024 * 1024}
"""What is unpacked in Python is slow, so less of it is."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib with the interface of the other two: it hands back input that it did not get to."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _ZipLzma:
    """LZMA as zip holds it: a small header of its own, then a raw stream."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._inner is not None and self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._inner is None or self._inner.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data if self._inner else b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._inner is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            packed, memory = self._head[4], int.from_bytes(self._head[5:9], "little")
            if memory > _LZMA_MEMORY:
                raise ValueError(memory)
            told = {"id": lzma.FILTER_LZMA1, "lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45,
                    "dict_size": max(memory, 4096)}  # fmt: skip
            self._inner = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[told])
            data, self._head = self._head[9:], b""
        return self._inner.decompress(data, max_length)


_METHODS: dict[str, Callable[[], _Decompressor]] = {
    "deflate": lambda: _Zlib(-15),
    "zlib": lambda: _Zlib(15),
    "gzip": lambda: _Zlib(31),
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY),
    "zip-lzma": _ZipLzma,
    "lz4": Lz4,
}
_CONCATENATED = frozenset({"gzip", "bz2", "xz", "lz4"})
"""Formats whose readers take several streams one behind the other for one content."""
_ERRORS = (zlib.error, OSError, ValueError, EOFError, lzma.LZMAError)


def method_of(head: bytes) -> str:
    """Name the compression a source begins with, or nothing."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if head[:4] == MAGIC:
        return "lz4"
    if head[:3] == b"BZh" and head[4:10] == b"\x31\x41\x59\x26\x53\x59":
        return "bz2"
    if head[:6] == b"\xfd7zXZ\x00" or _is_lzma(head):
        return "xz"
    if len(head) > 2 and head[0] == 0x78 and (head[0] * 256 + head[1]) % 31 == 0 and not head[1] & 0x20:
        return "zlib"
    return ""


def _is_lzma(head: bytes) -> bool:
    """Tell the older format of LZMA, which has no mark: usual settings, a plausible dictionary, a size or none."""
    dictionary, size = int.from_bytes(head[1:5], "little"), head[5:13]
    powers = dictionary.bit_count() == 1 or (dictionary.bit_count() == 2 and dictionary & (dictionary >> 1))
    plausible = size == b"\xff" * 8 or int.from_bytes(size, "little") < _LARGEST_TOLD
    return bool(head[:1] == b"\x5d" and len(head) > 13 and not head[13] and powers and dictionary >= 4096 and plausible)


def unpack(source: Source, method: str, *, limit: int, start: int = 0, length: int | None = None) -> Unpacked:
    """Decompress a stretch of a source into a spooled file, never past `limit` bytes."""
    out = tempfile.SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115 - lives as long as the examination
    decompressor, limit = _METHODS[method](), min(limit, _SLOW.get(method, limit))
    at, end, written = start, source.size if length is None else start + length, 0
    while not decompressor.eof or _goes_on(source, method, at - len(decompressor.unused_data), end):
        if decompressor.eof:
            at -= len(decompressor.unused_data)
            decompressor = _METHODS[method]()
        packed = source.read(at, min(PIECE, end - at)) if decompressor.needs_input and at < end else b""
        at += len(packed)
        try:
            piece = decompressor.decompress(packed, PIECE)
        except _ERRORS:
            return Unpacked(out, written, whole=False, reason="gap-corrupt-stream")
        if written + len(piece) > limit:
            return Unpacked(out, written, whole=False, reason="gap-unpacked-limit")
        out.write(piece)
        written += len(piece)
        if not packed and not piece and not decompressor.eof:
            return Unpacked(out, written, whole=False, reason="gap-truncated")
    return Unpacked(out, written, whole=True, packed_end=at - len(decompressor.unused_data))


def _goes_on(source: Source, method: str, at: int, end: int) -> bool:
    """Tell whether another stream begins where one ended; a payload may hide in the second."""
    return method in _CONCATENATED and at < end and method_of(source.read(at, min(16, end - at))) == method
