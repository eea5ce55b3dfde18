"""One file from its bytes to its notes: told what it is by content, examined as everything it could be read as."""

import hashlib
import logging
import stat
from contextlib import closing
from pathlib import Path

from jingwei.core.errors import InputError
from jingwei.deploy.artifacts.compressed import method_of
from jingwei.deploy.artifacts.configs import is_text
from jingwei.deploy.artifacts.coverage import Ranges
from jingwei.deploy.artifacts.examination import Examination, Limits
from jingwei.deploy.artifacts.formats import named_format, scan_format
from jingwei.deploy.artifacts.hdf5_files import is_hdf5
from jingwei.deploy.artifacts.network_weights import described
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.numpy_files import scan_npy
from jingwei.deploy.artifacts.pickles import looks_pickled, scan_pickle, trailing
from jingwei.deploy.artifacts.safetensors import looks_like_safetensors
from jingwei.deploy.artifacts.source import PIECE, FileSource, Source
from jingwei.deploy.artifacts.tars import is_tar, scan_tar
from jingwei.deploy.artifacts.zip_directory import find_directory
from jingwei.deploy.artifacts.zips import scan_zip
from jingwei.deploy.scanned import Scanned, plain

_MARKS = {
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"GGUF": "gguf", b"\x93NUMPY": "numpy",
    b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "rar", b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip
_FAILURES = (ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
_LOG = logging.getLogger(__name__)
_UNLOADABLE = frozenset({"7z", "rar"})
"""Archives that no loader of models opens: nothing but hiding is won by them."""
_INERT = frozenset({"plain", "side-file"})
_ENDINGS = {
    "safetensors": "safetensors",
    "gguf": "gguf",
    "npy": "numpy",
    "npz": "zip",
    "keras": "zip",
    "h5": "hdf5",
    "hdf5": "hdf5",
}


def scan_file(path: Path | str, name: str | None = None, *, limits: Limits | None = None,
              digest: bool = True) -> Scanned:  # fmt: skip
    """Examine one file, without loading anything in it.

    Args:
        path: where it lies.
        name: what findings call it; its file name by default.
        limits: how far to go.
        digest: whether to compute its SHA-256 too, which takes longer than the rest for large weights.

    Raises:
        InputError: there is nothing at the path, or a folder.
    """
    path, shown = Path(path), plain(name or Path(path).name)
    try:
        kind = path.stat()
    except FileNotFoundError as error:
        raise InputError("deploy.artifacts:not-there", field="path", path=plain(path)) from error
    except OSError:
        return unread("gap-unreadable", shown)
    if stat.S_ISDIR(kind.st_mode):
        raise InputError("deploy.artifacts:is-folder", field="path", path=plain(path))
    if not stat.S_ISREG(kind.st_mode):
        return unread("gap-special", shown)
    examination = Examination(Notes(), limits or Limits(), look, weights=described(path))
    try:
        with FileSource(path) as source:
            return _examined(source, shown, examination, digest=digest)
    except OSError:
        return unread("gap-unreadable", shown)


def unread(reason: str, name: str, **values: object) -> Scanned:
    """Return what is said of a file that could not be examined at all."""
    notes = Notes()
    notes.gap(reason, name, **values)
    return Scanned(path=name, gaps=(notes.gaps[0].text(),))


def _examined(source: FileSource, name: str, examination: Examination, *, digest: bool) -> Scanned:
    notes = examination.notes
    try:
        ranges = examination.inside(source, name, 0)
    except _FAILURES:  # a reader's own mistake must not end the scan, and must never look clean
        _LOG.exception("a reader of model files failed")
        notes.gap("gap-reader", name)
        ranges = Ranges()
    sha256 = _digest(source, name, examination) if digest else ""
    if source.changed:
        notes.gap("gap-changed", name)
    if notes.omitted:
        notes.facts["omitted_findings"] = str(notes.omitted)
    return Scanned(
        path=name,
        sha256=sha256,
        size=source.size,
        format="+".join(notes.formats),
        coverage=ranges.told(source.size),
        findings=tuple(note.seen() for note in notes.findings),
        gaps=tuple(gap.text() for gap in notes.gaps),
        facts=notes.facts,
    )


def _digest(source: Source, name: str, examination: Examination) -> str:
    if source.size > examination.limits.hashed_bytes:
        examination.notes.gap("gap-not-hashed", name, limit=examination.limits.hashed_bytes)
        return ""
    state, at = hashlib.sha256(), 0
    while piece := source.read(at, PIECE):
        state.update(piece)
        at += len(piece)
    return state.hexdigest()


def look(examination: Examination, source: Source, path: str, depth: int) -> None:
    """Examine something as everything it could be read as."""
    if not source.size:
        return
    kind = kind_of(source, path)
    _as(kind, source, path, examination, depth=depth)
    if kind not in {"zip", "compressed"} and source.size > 100:
        directory = find_directory(source)
        if directory is not None and directory.members:
            if kind != "tflite":  # its metadata is a zip at the end, by design
                examination.notes.find("zip.prefix", path, 0, bytes=directory.start)
            scan_zip(source, path, examination, depth)
    ending = _ENDINGS.get(path.rpartition(".")[2].lower())
    if ending is not None and kind not in {ending, "unknown"}:
        examination.notes.find("format.mismatch", path, 0, claimed=ending, found=kind)


def kind_of(source: Source, path: str) -> str:
    """Name the format by content; the name decides only where content cannot."""
    head = source.read(0, 512)
    found = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "")
    if not found and looks_like_safetensors(head, source.size):
        found = "safetensors"
    if not found and is_tar(head):
        found = "tar"
    if not found and is_hdf5(source):
        found = "hdf5"
    if not found and method_of(head):
        found = "compressed"
    return found or _by_name(source, path, head)


def _by_name(source: Source, path: str, head: bytes) -> str:
    if head[:1] == b"\x80" and looks_pickled(source):
        return "pickle"
    named = named_format(source, path, head)
    if named in _INERT and head[:1] in {b"c", b"("} and looks_pickled(source):
        return "pickle"
    if named:
        return named
    text = is_text(path, source.read(0, 65536)) or head.startswith(b"tree\nversion=v")
    if looks_pickled(source) and not (text and head[:1] in {b"{", b"[", b"#"}):
        return "pickle"
    return "text" if text else "unknown"


def _as(kind: str, source: Source, path: str, examination: Examination, *, depth: int) -> None:
    match kind:
        case "zip":
            scan_zip(source, path, examination, depth)
        case "tar":
            scan_tar(source, path, examination, depth)
        case "compressed":
            _compressed(source, path, examination, depth=depth)
        case "pickle":
            examination.notes.format("pickle")
            scan_pickle(source, path, examination, depth=depth)
        case _:
            _plain(kind, source, path, examination, depth=depth)


def _plain(kind: str, source: Source, path: str, examination: Examination, *, depth: int) -> None:
    """Formats that hold nothing further, but for a user block."""
    notes = examination.notes
    match kind:
        case "numpy":
            scan_npy(source, path, examination)
        case "7z" | "rar" | "zstd":
            if kind in _UNLOADABLE:
                notes.find("archive.wrapper", path, 0, name=kind)
            notes.gap("gap-wrapper", path, name=kind)
        case _:
            scan_format(kind, source, path, examination, depth=depth)


def _compressed(source: Source, path: str, examination: Examination, *, depth: int) -> None:
    """Unpack a stream."""
    method = method_of(source.read(0, 512))
    examination.notes.format(method)
    out = examination.unpack(source, method, path)
    with closing(out):
        examination.inside(out, f"{path}!", depth + 1, at=0, length=out.packed_end)
    if out.whole and out.packed_end < source.size:
        trailing(source, path, examination, at=out.packed_end)
