"""Tar archives: .nemo, old torch files, bundles. Members are examined in place, nothing is extracted."""

import io
import re
import tarfile

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.source import PIECE, Source, Stretch


class _Reading(io.RawIOBase):
    """A source in the shape that tarfile reads."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        wanted = self._source.size - self._at if size < 0 else size
        piece = self._source.read(self._at, min(wanted, 16 * 1024 * 1024))
        self._at += len(piece)
        return piece


def is_tar(head: bytes) -> bool:
    """Tell a tar by its mark, or by the checksum of its first header where it is of the oldest kind."""
    if head[257:262] == b"ustar":
        return True
    told = head[148:156].strip(b" \0")
    if len(head) < 512 or not told or not told.isdigit() or not head[0]:
        return False
    try:
        return int(told, 8) == sum(head[:148]) + 8 * 32 + sum(head[156:512])
    except ValueError:
        return False


def scan_tar(source: Source, path: str, examination: Examination, depth: int) -> None:
    """Examine every member."""
    notes = examination.notes
    notes.format("tar")
    end = 0
    try:
        with tarfile.open(fileobj=_Reading(source), mode="r:") as archive:
            for member in archive:
                examination.cover(end, member.offset_data)
                end = member.offset_data + -(-member.size // 512) * 512 * member.isreg()
                _member(source, path, examination, member=member, depth=depth)
                if examination.members > examination.limits.members:
                    return
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError, RecursionError):
        notes.gap("gap-truncated", path, position=end)
        return
    if end > source.size + 511:
        notes.gap("gap-truncated", path, position=source.size)
    _tail(source, examination, end)


def _tail(source: Source, examination: Examination, at: int) -> None:
    """Account for the zeros that end an archive; anything else there is read by lenient readers alone."""
    while piece := source.read(at, PIECE):
        if piece.strip(b"\0"):
            return
        examination.cover(at, at + len(piece))
        at += len(piece)


def _member(source: Source, path: str, examination: Examination, *, member: tarfile.TarInfo,
            depth: int) -> None:  # fmt: skip
    notes = examination.notes
    if member.name.startswith("/") or ".." in re.split(r"[/\\]", member.name):
        notes.find("archive.traversal", path, member.offset, name=member.name)
    if member.issym() or member.islnk():
        if member.linkname.startswith("/") or ".." in member.linkname.split("/"):
            notes.find("archive.link", path, member.offset, name=member.name)
    elif member.issparse():
        notes.gap("gap-method", f"{path}!{member.name}", method="sparse")
    elif member.isreg():
        size = max(0, min(member.size, source.size - member.offset_data))
        content = Stretch(source, member.offset_data, size)
        examination.inside(content, f"{path}!{member.name}", depth + 1, at=member.offset_data)
        examination.cover(member.offset_data + size, member.offset_data + -(-size // 512) * 512)
    elif not member.isdir():
        notes.find("archive.link", path, member.offset, name=member.name)
