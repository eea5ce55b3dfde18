"""Formats other than pickles and archives: which one something is, and who reads it."""

import re
from collections.abc import Callable

from jingwei.deploy.artifacts.configs import is_text, scan_text
from jingwei.deploy.artifacts.coreml import scan_coreml
from jingwei.deploy.artifacts.data_files import data_format, scan_data
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.flatbuffers import scan_tflite
from jingwei.deploy.artifacts.gguf import scan_gguf
from jingwei.deploy.artifacts.hdf5_files import scan_hdf5
from jingwei.deploy.artifacts.onnx_models import scan_onnx
from jingwei.deploy.artifacts.paddle import scan_paddle
from jingwei.deploy.artifacts.plain_formats import note_plain, plain_format
from jingwei.deploy.artifacts.protobuf import Malformed, fields
from jingwei.deploy.artifacts.safetensors import scan_safetensors
from jingwei.deploy.artifacts.source import Source, Window
from jingwei.deploy.artifacts.tensorflow_graphs import scan_keras_metadata, scan_tensorflow

_NAMES = {
    r"\.onnx$": "onnx",
    r"saved_model\.pb$": "saved-model",
    r"keras_metadata\.pb$": "keras-metadata",
    r"fingerprint\.pb$": "side-file",
    r"\.meta$": "meta-graph",
    r"\.mlmodel$": "coreml",
    r"\.pdmodel$": "paddle",
    r"\.pdiparams(\.info)?$": "side-file",
    r"\.pb$": "graph",
    r"\.tflite$": "tflite",
    r"\.safetensors$": "safetensors",
    r"[\w-]+(\.[\w-]+)*\.(index|data-\d+-of-\d+)$": "side-file",
    r"(^|[/!])(tokenizer|spiece|sentencepiece[\w.]*|\w+\.spm|source|target|vocab|bpe[\w.]*)\.(model|spm)$": "side-file",
    r"\.onnx[._]data[\w.-]*$|(^|[/!])weights/weight\.bin$|(^|[/!])group\d+-shard\d+of\d+\.bin$": "side-file",
    r"\.(msgpack|tfrecord|npk)$|(^|[/!])openvino_\w+\.bin$|\.(DS_Store|pack|idx)$": "side-file",
    r"(^|[/!])(events\.out\.tfevents|\.DS_Store|\.git/(objects|index|packed-refs|logs))": "side-file",
}
_PEEK = 65536
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def named_format(source: Source, path: str, head: bytes) -> str:
    """Name a format that is known by its name, or by how it begins; nothing where it is neither."""
    if head[4:8] == b"TFL3":
        return "tflite"
    named = next((kind for pattern, kind in _NAMES.items() if re.search(pattern, path, re.IGNORECASE)), "")
    if named == "meta-graph" and not _CONTROL.search(head) and is_text(path + ".txt", source.read(0, 65536)):
        return "text"
    if not named and plain_format(head, path):
        return "plain"
    return named


def sniffed(source: Source) -> str:
    """Name a format whose file name says nothing, by the fields of its messages."""
    window, seen = Window(source), dict[int, int]()
    try:
        for count, field in enumerate(fields(window, 0, source.size)):
            seen[field.number] = seen.get(field.number, 0) + 1
            if field.number > 600 or count > 100_000:
                return ""
    except (Malformed, EOFError):
        return ""
    numbers = set(seen)
    if {1, 7} <= numbers <= {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26} and seen[7] == seen[1] == 1:
        return "onnx"
    if {1, 2} <= numbers and numbers & {200, 201, 202, 300, 301, 302, 303, 402, 403, 500, 502, 555, 556}:
        return "coreml"
    if numbers <= {1, 2, 3, 4} and 1 in numbers and (4 in numbers or 2 in numbers) and seen[1] > 1:
        return "graph"
    return ""


_GRAPHS = {"saved-model": "saved", "meta-graph": "meta", "graph": "graph"}
_READERS: dict[str, Callable[[Source, str, Examination], None]] = {
    "gguf": scan_gguf,
    "safetensors": scan_safetensors,
    "onnx": scan_onnx,
    "keras-metadata": scan_keras_metadata,
    "coreml": scan_coreml,
    "paddle": scan_paddle,
    "tflite": scan_tflite,
}


def scan_format(kind: str, source: Source, path: str, examination: Examination, *, depth: int) -> None:
    """Examine something as what it was named."""
    if kind in _READERS:
        _READERS[kind](source, path, examination)
    elif kind == "hdf5":
        scan_hdf5(source, path, examination, depth)
    elif kind in _GRAPHS:
        scan_tensorflow(source, path, examination, kind=_GRAPHS[kind])
    elif kind == "text":
        examination.notes.format("text")
        scan_text(source, path, examination)
    elif kind == "plain" and (found := plain_format(source.read(0, 512), path)):
        note_plain(found, source, path, examination)
    elif kind == "side-file":
        examination.notes.format(kind)
    else:
        _unknown(source, path, examination, depth=depth)


def _unknown(source: Source, path: str, examination: Examination, *, depth: int) -> None:
    """What is neither named nor marked: perhaps text, data or a message, perhaps nobody knows."""
    if data := data_format(source, source.read(0, 512)):
        scan_data(data, source, path, examination, depth=depth)
        return
    kind = sniffed(source)
    if is_text(f"{path}.txt", source.read(0, _PEEK)) and not _CONTROL.search(source.read(0, _PEEK)):
        scan_format("text", source, path, examination, depth=0)
    elif kind:
        scan_format(kind, source, path, examination, depth=0)
    elif examination.weights and "!" not in path:
        examination.notes.format("openvino-weights")
    else:
        examination.notes.gap("gap-unknown-format", path)
