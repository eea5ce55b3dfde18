"""Entries of a zip packed with Zstandard, as Inspect writes them, which `zipfile` reads only from Python 3.14 on."""

import importlib
import io
import struct
import zipfile
from typing import Any

from jingwei.core.errors import InputError

ZSTANDARD = 93
_HEADER = struct.Struct("<4s22xHH")
_WINDOW = 1 << 27
"""Bytes of memory that unpacking may take."""


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, most: int, file: str) -> bytes:
    """Return the beginning of an entry, `most` bytes of it.

    Raises:
        InputError: nothing here can unpack it.
        OSError: it is damaged.
    """
    source = archive.fp
    if source is None or entry.compress_size > most:
        raise zipfile.BadZipFile(entry.filename)
    source.seek(entry.header_offset)
    head = source.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise zipfile.BadZipFile(entry.filename)
    signature, name, extra = _HEADER.unpack(head)
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile(entry.filename)
    source.seek(name + extra, io.SEEK_CUR)
    packed = source.read(entry.compress_size)
    try:
        found: bytes = _reader(packed, file).read(most)
    except (InputError, OSError):
        raise
    except Exception as error:  # each library has an error of its own for damaged data
        raise zipfile.BadZipFile(entry.filename) from error
    return found


def _reader(packed: bytes, file: str) -> Any:  # Any: a binary stream of whichever library is here
    """Return a stream of what is in the frames, by the first library that is installed."""
    try:
        zstandard = importlib.import_module("zstandard")
        unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        return unpacker.stream_reader(packed, read_across_frames=True)
    except ImportError:
        pass
    try:
        arrow = importlib.import_module("pyarrow")
        return arrow.input_stream(arrow.BufferReader(packed), compression="zstd")
    except ImportError as error:
        raise InputError("develop.evaluate:log-zstandard", field="log", file=file) from error
