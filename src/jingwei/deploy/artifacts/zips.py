"""Zip containers: torch.save, .npz, .keras, .skops, .mar and plain archives.

Loaders disagree about broken zips, and that is how payloads pass scanners: a bad CRC, an "encrypted" flag on plain
data, a local header that names another file (CVE-2025-10156, -1945, -1944). So each member is examined as the most
lenient loader would read it, and each disagreement is itself a finding.
"""

import re
import stat
import zlib

from jingwei.deploy.artifacts.compressed import unpack
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.numpy_files import plain_length
from jingwei.deploy.artifacts.source import PIECE, Source, Stretch, Unpacked
from jingwei.deploy.artifacts.torchscript import CODE, scan_torchscript
from jingwei.deploy.artifacts.zip_directory import LOCAL, Directory, Entry, central_entries, find_directory, local_entry

_STORED = 0
_METHODS = {8: "deflate", 12: "bz2", 14: "zip-lzma"}
_TENSOR = re.compile(
    r"(^|/)(\.?data|constants|tensors)/(\d+(\.storage)?|serialization_id|extern_modules|python_version|version)$"
    r"|(^|/)(version|byteorder|archive_format|archive_version|\.format_version|\.storage_alignment)$"
)
_EXPORTED = re.compile(r"(^|/)data/(weights|constants)/\w+$")
"""Tensors of an exported program: raw, unless its configuration has them unpickled."""
_TORCH = re.compile(r"(^|/)(data\.pkl|\.data/serialization_id|archive_format)$")
_CRC_LIMIT = 64 * 1024 * 1024
_PEEK = 1024 * 1024
_PADDING = 64 * 1024
_DESCRIPTOR = 24


def scan_zip(source: Source, path: str, examination: Examination, depth: int) -> None:
    """Examine every member, those that no directory lists too."""
    notes = examination.notes
    notes.format("zip")
    directory = find_directory(source)
    if directory is None:
        notes.gap("gap-no-directory", path)
        entries = _walk_local(source, 0, source.size, examination)
    else:
        entries = _listed(source, path, examination, directory)
        whole = len(entries) < examination.limits.members  # of a longer one the rest is not hidden, only not looked at
        spans = _spans(source, path, examination, entries=entries, directory=directory) if whole else []
        entries += [hidden for start, end in spans for hidden in _walk_local(source, start, end, examination)]
    tensors = any(_TORCH.search(entry.name) for entry in entries)
    for entry in entries:
        if examination.members > examination.limits.members:
            break
        _member(source, path, examination, entry=entry, depth=depth, tensors=tensors)
    if directory is not None:
        examination.cover(directory.start, source.size)
        _padding(source, examination, entries=entries, end=directory.start)


def _padding(source: Source, examination: Examination, *, entries: list[Entry], end: int) -> None:
    """Account for what may stand between members: a descriptor of the sizes, zeros that align, a prefix told of."""
    ordered = sorted(entries, key=lambda entry: entry.header)
    if not ordered:
        return
    examination.cover(0, ordered[0].header)
    following = [entry.header for entry in ordered[1:]] + [end]
    for entry, until in zip(ordered, following, strict=True):
        at = entry.data + entry.packed
        between = source.read(at, min(until - at, _PADDING)) if until > at else b""
        described = entry.flags & 8 and len(between) <= _DESCRIPTOR
        if len(between) == until - at and (described or not between.strip(b"\0")):
            examination.cover(at, until)


def _listed(source: Source, path: str, examination: Examination, directory: Directory) -> list[Entry]:
    """Read the listed members and compare both headers of each."""
    notes, entries, names = examination.notes, list[Entry](), set[str]()
    try:
        for entry in central_entries(source, directory):
            if len(entries) >= examination.limits.members:
                notes.gap("gap-members", path, limit=examination.limits.members)
                break
            local = local_entry(source, entry.header)
            if local is None:
                notes.find("zip.mismatch", path, entry.header, name=entry.name, field="header")
                notes.gap("gap-truncated", f"{path}!{entry.name}", position=entry.header)
                continue
            _compare(entry, local, path, examination)
            if entry.name in names:
                notes.find("zip.duplicate", path, entry.header, name=entry.name)
            names.add(entry.name)
            entries.append(entry._replace(data=local.data, flags=entry.flags | local.flags))
    except EOFError:
        notes.gap("gap-truncated", path, position=directory.start)
    if len(entries) != directory.members and not notes.gaps:
        notes.find("zip.mismatch", path, directory.start, name="*", field="count")
    return entries


def _compare(entry: Entry, local: Entry, path: str, examination: Examination) -> None:
    streamed = local.flags & 8
    pairs = {"name": (entry.name, local.name), "method": (entry.method, local.method),
             "encryption": (entry.flags & 1, local.flags & 1)}  # fmt: skip
    if not streamed:
        pairs |= {"size": (entry.size, local.size), "packed": (entry.packed, local.packed),
                  "crc": (entry.crc, local.crc)}  # fmt: skip
    for field, (listed, own) in pairs.items():
        if listed != own:
            name = f"{entry.name} / {local.name}" if field == "name" else entry.name
            examination.notes.find("zip.mismatch", path, entry.header, name=name, field=field)


def _spans(source: Source, path: str, examination: Examination, *, entries: list[Entry],
           directory: Directory) -> list[tuple[int, int]]:  # fmt: skip
    """Return the stretches between members that hold a member of their own; say so of overlaps and of a prefix."""
    hidden, at = [], 0
    for entry in sorted(entries, key=lambda entry: entry.header):
        if entry.header < at:
            examination.notes.find("zip.overlap", path, entry.header, name=entry.name)
        elif at == 0 and entry.header > 0:
            examination.notes.find("zip.prefix", path, 0, bytes=entry.header)
        if entry.header - at >= 30 and LOCAL in source.read(at, min(entry.header - at, PIECE)):
            hidden.append((at, entry.header))
        at = max(at, entry.data + entry.packed)
    if directory.start - at >= 30 and LOCAL in source.read(at, min(directory.start - at, PIECE)):
        hidden.append((at, directory.start))
    for start, _ in hidden:
        examination.notes.find("zip.hidden-member", path, start)
    return hidden


def _walk_local(source: Source, start: int, end: int, examination: Examination) -> list[Entry]:
    """Read members by their local headers alone."""
    entries, at = list[Entry](), start
    while at < end and len(entries) < examination.limits.members:
        piece = source.read(at, min(PIECE, end - at))
        here = piece.find(LOCAL)
        if here < 0:
            at += max(len(piece) - 3, 1)
            if len(piece) < 4:
                break
            continue
        entry = local_entry(source, at + here)
        if entry is None:
            break
        unsized = entry.flags & 8 and not entry.packed
        entries.append(entry._replace(packed=end - entry.data if unsized else min(entry.packed, end - entry.data)))
        at = entry.data if unsized else max(entry.data + entry.packed, at + here + 4)
    return entries


def _member(source: Source, path: str, examination: Examination, *, entry: Entry, depth: int,
            tensors: bool) -> None:  # fmt: skip
    notes, inner = examination.notes, f"{path}!{entry.name}"
    examination.cover(entry.header, entry.data)
    if entry.name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", entry.name) or entry.name[1:2] == ":":
        notes.find("archive.traversal", path, entry.header, name=entry.name)
    if stat.S_ISLNK(entry.mode):
        notes.find("archive.link", path, entry.header, name=entry.name)
    if entry.flags & 1:
        notes.find("zip.encrypted", path, entry.header, name=entry.name)
        notes.gap("gap-encrypted", inner)
    if entry.name.endswith("/") and not entry.packed:
        return
    if entry.data + entry.packed > source.size:
        notes.gap("gap-truncated", inner, position=entry.data)
    if tensors and _TENSOR.search(entry.name):
        examination.cover(entry.data, entry.data + entry.packed)
        return
    content = _content(source, inner, examination, entry=entry)
    if content is None:
        return
    try:
        _check_sum(content, path, examination, entry=entry)
        _within(content, inner, examination, entry=entry, depth=depth, tensors=tensors)
    finally:
        if isinstance(content, Unpacked):
            content.close()


def _within(content: Source, path: str, examination: Examination, *, entry: Entry, depth: int,
            tensors: bool) -> None:  # fmt: skip
    """Examine a member's content, with what torch's own archives have in theirs."""
    if tensors and CODE.search(entry.name):
        scan_torchscript(content, path, examination)
    if tensors and _EXPORTED.search(entry.name) and content.read(0, 1) not in {b"\x80", b"P"}:
        examination.cover(entry.data, entry.data + entry.packed)
        return
    length = None if entry.method == _STORED else entry.packed
    examination.inside(content, path, depth + 1, at=entry.data, length=length)


def _content(source: Source, path: str, examination: Examination, *, entry: Entry) -> Source | None:
    if entry.method == _STORED:
        return Stretch(source, entry.data, max(0, min(entry.packed, source.size - entry.data)))
    if entry.method in _METHODS:
        return _inflated(source, path, examination, entry=entry)
    examination.notes.gap("gap-method", path, method=entry.method)
    return None


def _inflated(source: Source, path: str, examination: Examination, *, entry: Entry) -> Source | None:
    """Decompress a member; of a plain array that is exactly as long as it says, only the head."""
    method = _METHODS[entry.method]
    head = unpack(source, method, limit=_PEEK, start=entry.data, length=entry.packed)
    if head.whole:
        examination.unpacked += head.size
        return head
    plain = head.reason == "gap-unpacked-limit" and plain_length(head) == entry.size
    head.close()
    if plain:
        examination.notes.format("numpy")
        examination.cover(entry.data, entry.data + entry.packed)
        return None
    return examination.unpack(source, method, path, start=entry.data, length=entry.packed)


def _check_sum(content: Source, path: str, examination: Examination, *, entry: Entry) -> None:
    if content.size != entry.size or content.size > _CRC_LIMIT or entry.flags & 1:
        return
    crc = 0
    for at in range(0, content.size, PIECE):
        crc = zlib.crc32(content.read(at, PIECE), crc)
    if crc != entry.crc and entry.crc:
        examination.notes.find("zip.bad-crc", path, entry.header, name=entry.name)
