"""ONNX models and TensorFlow graphs: which files they reach for and which operators they bring."""

import re

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.protobuf import Field, Malformed, fields, text_of
from jingwei.deploy.artifacts.source import Source, Window

_DEEPEST = 24
_KNOWN_DOMAINS = re.compile(
    r"(ai\.onnx(\.ml|\.training|\.preview\.training)?|com\.microsoft(\.\w+)*|com\.ms\.internal\.nhwc"
    r"|org\.pytorch\.\w+|pkg\..*)?"
)
_OUTSIDE = re.compile(r"^(/|\\|[A-Za-z]:|\w+://)|(^|[/\\])\.\.([/\\]|$)")
# Which fields of a message hold messages, by kind; the kinds are ours.
_ONNX = {"model": {7: "graph", 25: "function", 20: "training"}, "training": {1: "graph", 2: "graph"},
         "graph": {1: "node", 5: "tensor", 15: "sparse"}, "function": {7: "node"}, "sparse": {1: "tensor", 2: "tensor"},
         "node": {5: "attribute"}, "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse"},
         "tensor": {13: "external"}}  # fmt: skip
_TENSORFLOW = {"saved": {2: "meta"}, "meta": {2: "definition"}, "definition": {1: "operation", 2: "library"},
               "library": {1: "routine"}, "routine": {3: "operation"}}  # fmt: skip
_FILE_OPERATORS = frozenset({
    "ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "PyFuncStateless", "EagerPyFunc", "LoadDataset", "SaveDataset",
    "SaveDatasetV2", "LoadAndRemapMatrix", "DebugIdentityV3", "TextLineDataset", "FixedLengthRecordDataset",
})  # fmt: skip


class _Walk:
    def __init__(
        self, source: Source, path: str, examination: Examination, *, shape: dict[str, dict[int, str]]
    ) -> None:
        self.window, self.path, self.examination, self.shape = Window(source), path, examination, shape

    def message(self, kind: str, start: int, end: int, depth: int = 0) -> None:
        """Walk one message and what it holds."""
        if depth > _DEEPEST:
            self.examination.notes.gap("gap-depth", self.path, limit=_DEEPEST)
            return
        inner, own = self.shape.get(kind, {}), dict[int, Field]()
        for field in fields(self.window, start, end):
            if field.number in inner:
                self.message(inner[field.number], field.start, field.end, depth + 1)
            elif kind in {"node", "external", "operation"}:
                own[field.number] = field
        read = {number: text_of(self.window, field) for number, field in own.items() if number in {1, 2, 4, 7}}
        self.judge(kind, read, start)

    def judge(self, kind: str, texts: dict[int, str], at: int) -> None:
        """Judge a node or an external file."""
        find = self.examination.notes.find
        if kind == "node" and not _KNOWN_DOMAINS.fullmatch(texts.get(7, "")):
            find("onnx.custom-operator", self.path, at, name=f"{texts.get(7)}::{texts.get(4)}")
        elif kind == "external" and texts.get(1) == "location" and _OUTSIDE.search(texts.get(2, "")):
            find("onnx.outside-file", self.path, at, name=texts.get(2))
        elif kind == "operation" and texts.get(2) in _FILE_OPERATORS:
            find("tensorflow.file-operator", self.path, at, name=texts.get(2))


def scan_onnx(source: Source, path: str, examination: Examination) -> None:
    """Examine an ONNX model."""
    examination.notes.format("onnx")
    _scan(source, path, examination, shape=_ONNX, kind="model")


def scan_tensorflow(source: Source, path: str, examination: Examination, *, saved_model: bool) -> None:
    """Examine a SavedModel or a frozen graph."""
    examination.notes.format("tensorflow")
    _scan(source, path, examination, shape=_TENSORFLOW, kind="saved" if saved_model else "definition")


def _scan(source: Source, path: str, examination: Examination, *, shape: dict[str, dict[int, str]], kind: str) -> None:
    try:
        _Walk(source, path, examination, shape=shape).message(kind, 0, source.size)
    except (Malformed, EOFError):
        examination.notes.gap("gap-header", path)
