"""One file from its bytes to its notes: told what it is by content, examined as everything it could be read as."""

import hashlib
import re
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from jingwei.deploy.artifacts.compressed import method_of
from jingwei.deploy.artifacts.configs import is_text, scan_text
from jingwei.deploy.artifacts.examination import Examination, Limits
from jingwei.deploy.artifacts.gguf import scan_gguf
from jingwei.deploy.artifacts.graphs import scan_onnx, scan_tensorflow
from jingwei.deploy.artifacts.keras import is_hdf5, scan_hdf5
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.numpy_files import scan_npy
from jingwei.deploy.artifacts.pickles import looks_pickled, scan_pickle
from jingwei.deploy.artifacts.safetensors import looks_like_safetensors, scan_safetensors
from jingwei.deploy.artifacts.source import FileSource, Source
from jingwei.deploy.artifacts.tars import scan_tar
from jingwei.deploy.artifacts.zip_directory import find_directory
from jingwei.deploy.artifacts.zips import scan_zip

_MARKS = {
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"GGUF": "gguf", b"\x93NUMPY": "numpy",
    b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "rar", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4",
}  # fmt: skip
_NAMES = {
    r"\.onnx$": "onnx",
    r"saved_model\.pb$": "saved-model",
    r"\.pb$": "graph",
    r"\.safetensors$": "safetensors",
    r"(^|[/!])variables/variables\.(index|data-\d+-of-\d+)$": "side-file",
    r"(^|[/!])(tokenizer|spiece|sentencepiece[\w.]*)\.model$": "side-file",
    r"\.onnx[._]data$": "side-file",
}
_ENDINGS = {
    "safetensors": "safetensors",
    "gguf": "gguf",
    "npy": "numpy",
    "npz": "zip",
    "keras": "zip",
    "h5": "hdf5",
    "hdf5": "hdf5",
}


class Scan(NamedTuple):
    """What one file's examination gave."""

    notes: Notes
    sha256: str
    size: int


def scan_file(path: Path, name: str, *, limits: Limits | None = None, hashed: bool = True) -> Scan:
    """Examine a file.

    Args:
        path: where it lies.
        name: what findings call it.
        limits: how far to go.
        hashed: whether to compute its digest too.

    Raises:
        OSError: it cannot be read.
    """
    examination = Examination(Notes(), limits or Limits(), look)
    with FileSource(path) as source:
        examination.inside(source, name, 0)
        sha256 = _digest(source) if hashed else ""
        return Scan(examination.notes, sha256, source.size)


def _digest(source: Source) -> str:
    state, at = hashlib.sha256(), 0
    while piece := source.read(at, 1024 * 1024):
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
    if not found and head[257:262] == b"ustar":
        found = "tar"
    if not found and is_hdf5(source):
        found = "hdf5"
    if not found and method_of(head):
        found = "compressed"
    return found or _by_name(source, path, head)


def _by_name(source: Source, path: str, head: bytes) -> str:
    if head[:1] == b"\x80" and looks_pickled(source):
        return "pickle"
    named = next((kind for pattern, kind in _NAMES.items() if re.search(pattern, path, re.IGNORECASE)), "")
    if named or head[4:8] == b"TFL3":
        return named or "tflite"
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
            scan_pickle(source, path, examination.notes)
        case _:
            _plain(kind, source, path, examination)


def _plain(kind: str, source: Source, path: str, examination: Examination) -> None:
    """Formats that hold nothing further."""
    notes = examination.notes
    match kind:
        case "gguf":
            scan_gguf(source, path, examination)
        case "numpy":
            scan_npy(source, path, examination)
        case "safetensors":
            scan_safetensors(source, path, examination)
        case "hdf5":
            scan_hdf5(source, path, examination)
        case "onnx":
            scan_onnx(source, path, examination)
        case "saved-model" | "graph":
            scan_tensorflow(source, path, examination, saved_model=kind == "saved-model")
        case "text":
            notes.format("text")
            scan_text(source, path, examination)
        case "tflite" | "side-file":
            notes.format(kind)
        case "unknown":
            notes.gap("gap-unknown-format", path)
        case _:
            notes.find("archive.wrapper", path, 0, name=kind)
            notes.gap("gap-wrapper", path, name=kind)


def _compressed(source: Source, path: str, examination: Examination, *, depth: int) -> None:
    """Unpack a stream."""
    method = method_of(source.read(0, 512))
    examination.notes.format(method)
    out = examination.unpack(source, method, path)
    with closing(out):
        examination.inside(out, f"{path}!", depth + 1)
