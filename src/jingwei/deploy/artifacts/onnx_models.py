"""ONNX: which files a model reaches for, which operators it brings, what its metadata says; subgraphs too."""

import re

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.protobuf import Field, Malformed, fields, text_of
from jingwei.deploy.artifacts.python_source import acts, parsed
from jingwei.deploy.artifacts.source import Source, Window
from jingwei.deploy.artifacts.template import scan_template

_DEEPEST = 24
_MOST_TEXT = 65536
_KNOWN_DOMAINS = re.compile(
    r"(ai\.onnx(\.ml|\.training|\.contrib|\.preview(\.training)?)?|com\.ms\.internal\.nhwc|com\.intel|com\.nvidia.*|com\.qti\.aisw"
    r"|com\.microsoft(\.(nchwc|experimental|dml|qnn|internal\.\w+|extensions))?|org\.pytorch\.\w+|org\.openvinotoolkit"
    r"|pkg\..*|pytorch\.\w+|onnxscript\.\w+|this|local|spox.*|trt\.plugins|TRT|mmcv|mmdeploy)?"
)
_PYTHON = re.compile(
    r"(?i)py_?(op|func|custom)|python|^exec|shell|system(call)?$|subprocess|command|^eval$|script|loadlib|dlopen"
    r"|readfile|writefile|download|http|fetch|socket"
)
_OUTSIDE = re.compile(r"^(/|\\|~|[A-Za-z]:|\w+:/)|(^|[/\\])\.\.([/\\]|$)|(^|[/\\])\.(?!/)[\w]|\0|%2e%2e|[\x00-\x1f]")
# Which fields of a message hold messages, by kind; the kinds are ours.
_SHAPE = {
    "model": {7: "graph", 25: "function", 20: "training", 14: "property"}, "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse", 16: "property"}, "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute", 14: "property"}, "node": {5: "attribute", 9: "property"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "tensor": {13: "external", 16: "property"}, "property": {}, "external": {},
}  # fmt: skip
_OWN = {"node", "external", "property", "function", "attribute"}


class _Walk:
    def __init__(self, source: Source, path: str, examination: Examination) -> None:
        self.window, self.path, self.examination = Window(source), path, examination
        self.functions: set[tuple[str, str]] = set()
        self.used: dict[tuple[str, str], int] = {}
        self.graphs = 0

    def message(self, kind: str, start: int, end: int, depth: int = 0) -> None:
        """Walk one message and what it holds."""
        if depth > _DEEPEST:
            self.examination.notes.gap("gap-depth", self.path, limit=_DEEPEST)
            return
        inner, own = _SHAPE.get(kind, {}), dict[int, Field]()
        for field in fields(self.window, start, end):
            if field.number in inner:
                self.message(inner[field.number], field.start, field.end, depth + 1)
            elif kind in _OWN:
                own[field.number] = field
        if kind in _OWN:
            texts = {
                number: text_of(self.window, field)
                for number, field in own.items()
                if number in {1, 2, 4, 7, 10} and field.end - field.start <= _MOST_TEXT
            }
            self.judge(kind, texts, start)

    def judge(self, kind: str, texts: dict[int, str], at: int) -> None:
        """Judge a node, an external file, a property."""
        find = self.examination.notes.find
        if kind == "node":
            self.used.setdefault((texts.get(7, ""), texts.get(4, "")), at)
        elif kind == "function":
            self.functions.add((texts.get(10, ""), texts.get(1, "")))
        elif kind == "external" and texts.get(1) in {"location", "basepath"} and _OUTSIDE.search(texts.get(2, "")):
            find("onnx.outside-file", self.path, at, name=texts.get(2))
        elif (
            kind == "external"
            and texts.get(1) in {"offset", "length"}
            and not re.fullmatch(r"\d{1,18}", texts.get(2, "0"))
        ):
            find("onnx.bounds", self.path, at, name=f"{texts.get(1)}={texts.get(2)}")
        elif kind == "attribute" and texts.get(1) in {
            "ep_cache_context",
            "library",
            "library_path",
            "lib_path",
            "script",
            "code",
            "filename",
            "file_path",
            "url",
        }:
            self.attribute(texts, at)
        elif kind == "property":
            self.property(texts.get(1, ""), texts.get(2, ""), at)

    def attribute(self, texts: dict[int, str], at: int) -> None:
        """An attribute that names a file or carries code for an operator."""
        said = texts.get(4, "")
        if _OUTSIDE.search(said) and said.isprintable():
            self.examination.notes.find("onnx.outside-file", self.path, at, name=said)

    def property(self, key: str, value: str, at: int) -> None:
        """Metadata is read by whoever serves the model, and some evaluate it."""
        if "chat_template" in key or ("{%" in value and "%}" in value):
            scan_template(value, self.path, self.examination.notes, offset=at)
            return
        tree = parsed(value) if "(" in value and len(value) < _MOST_TEXT else None
        for act in acts(tree) if tree is not None else ():
            if act.severity.rank >= Severity.HIGH.rank:
                self.examination.notes.find("onnx.metadata-code", self.path, at, name=f"{key}: {act.name}")

    def conclude(self) -> None:
        """Judge the operators; those that the model defines itself are known by what they are made of."""
        for (domain, name), at in self.used.items():
            if (domain, name) in self.functions:
                continue
            if _PYTHON.search(name) or re.search(r"(?i)python|pyop", domain):
                self.examination.notes.find("onnx.python-operator", self.path, at, name=f"{domain}::{name}")
            elif not _KNOWN_DOMAINS.fullmatch(domain):
                self.examination.notes.find("onnx.custom-operator", self.path, at, name=f"{domain}::{name}")


def scan_onnx(source: Source, path: str, examination: Examination) -> None:
    """Examine an ONNX model."""
    examination.notes.format("onnx")
    walk = _Walk(source, path, examination)
    try:
        walk.message("model", 0, source.size)
    except (Malformed, EOFError):
        examination.notes.gap("gap-header", path)
    walk.conclude()
