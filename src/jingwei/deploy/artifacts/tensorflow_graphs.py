"""TensorFlow: operators of graphs and of the function library, saved, frozen, as text, in TF.js.

A graph is a program. Operators that touch files, the network or Python are judged by name; those that take a file
name as part of ordinary work, by that name; an operator that TensorFlow does not have needs a library.
"""

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.json_objects import objects, read_json, strings
from jingwei.deploy.artifacts.keras import scan_keras
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.protobuf import Field, Malformed, fields, text_of
from jingwei.deploy.artifacts.source import Source, Window
from jingwei.deploy.artifacts.tensorflow_paths import GraphNode, named_places, reaching

_DEEPEST = 24
_LONGEST = 32 * 1024 * 1024
_MOST_TEXTS = 100_000
_TEXTS = frozenset({("value", 2), ("values", 2), ("tensor", 8)})
_SHAPE = {
    "saved": {2: "meta"}, "meta": {2: "graph", 6: "asset"}, "graph": {1: "node", 2: "library"},
    "library": {1: "function"}, "function": {3: "node"}, "node": {5: "entry"}, "entry": {2: "value"},
    "value": {8: "tensor", 1: "values"},
}  # fmt: skip
_OUTSIDE = re.compile(r"^(/|\\|~|[A-Za-z]:[/\\]|\w+://)|(^|[/\\])\.\.([/\\]|$)")
_WRITTEN = re.compile(r"(?:^|[\s{])op\s*:\s*\"([^\"]{1,200})\"")


class _Operators(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    acts: dict[Severity, frozenset[str]]
    opens: frozenset[str]
    outside: re.Pattern[str]
    additions: frozenset[str]


@lru_cache(maxsize=1)
def _operators() -> _Operators:
    return _Operators.model_validate(package_data(__package__, "tensorflow.yaml"))


@lru_cache(maxsize=1)
def _registered() -> frozenset[str]:
    lines = files(__package__).joinpath("tensorflow_operators.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split())


def judge_operator(name: str, path: str, notes: Notes, *, at: int | None = None, custom: bool = False) -> None:
    """Judge an operator by its name alone."""
    known = _operators()
    severity = next((each for each, names in known.acts.items() if name in names), None)
    if severity is not None:
        notes.find("tensorflow.file-operator", path, at, severity=severity, name=name)
    elif (
        custom
        and name not in _registered()
        and name.rpartition(">")[2] not in known.additions
        and name not in known.additions
    ):
        notes.find("tensorflow.custom-operator", path, at, name=name)


class _Walk:
    def __init__(self, source: Source, path: str, examination: Examination) -> None:
        self.window, self.path, self.examination, self.notes = Window(source), path, examination, examination.notes
        self.functions: set[str] = set()
        self.used: list[tuple[str, int]] = []
        self.constants: list[tuple[str, int]] = []
        self.fed: set[str] = set()
        self.nodes: dict[str, GraphNode] = {}
        self.graphs = [self.nodes]
        self.node, self.key, self.held = GraphNode(), "", 0

    def message(self, kind: str, start: int, end: int, depth: int = 0) -> None:
        """Walk one message and what it holds."""
        if depth > _DEEPEST:
            self.notes.gap("gap-depth", self.path, limit=_DEEPEST)
            return
        if kind in {"graph", "function"}:
            self.nodes = {}
            self.graphs.append(self.nodes)
        elif kind == "node":
            self.node, self.held = GraphNode(), self.held + 1
        elif kind == "entry":
            self.key = ""
        inner = _SHAPE.get(kind, {})
        for field in fields(self.window, start, end):
            if field.number in inner:
                self.message(inner[field.number], field.start, field.end, depth + 1)
            else:
                self.plain(kind, field)
        if kind == "node" and self.held < _MOST_TEXTS:
            self.nodes[self.node.name] = self.node

    def plain(self, kind: str, field: Field) -> None:
        """Take down what a message says itself."""
        if kind in {"node", "entry"}:
            self._of_node(kind, field)
        elif kind == "function" and field.number == 1:
            self.functions.update(
                text_of(self.window, each) for each in fields(self.window, field.start, field.end) if each.number == 1
            )
        elif kind == "asset" and field.number == 2:
            name = text_of(self.window, field)
            if _OUTSIDE.search(name):
                self.notes.find("config.outside-path", self.path, field.start, name=name)
        elif kind == "asset" and field.number == 1:
            self.fed.update(
                text_of(self.window, each).partition(":")[0]
                for each in fields(self.window, field.start, field.end)
                if each.number == 1
            )
        elif (
            (kind, field.number) in _TEXTS and 2 < field.end - field.start < 4096 and len(self.constants) < _MOST_TEXTS
        ):
            text = text_of(self.window, field)
            self.constants.append((text, field.start))
            self.node.texts.append((self.key, text, field.start))

    def _of_node(self, kind: str, field: Field) -> None:
        """Take down a node's name, operator, inputs, and the key of an attribute."""
        if kind == "entry":
            self.key = text_of(self.window, field) if field.number == 1 else self.key
        elif field.number == 1:
            self.node.name = text_of(self.window, field)
        elif field.number == 2:
            self.node.kind = text_of(self.window, field)
            self.used.append((self.node.kind, field.start))
        elif field.number == 3 and len(self.node.inputs) < 1000:
            self.node.inputs.append(text_of(self.window, field))

    def places(self) -> dict[str, int]:
        """Return the places outside that nodes name themselves, or that constants bring to those that open files."""
        found: dict[str, int] = {}
        fed = frozenset(self.fed)
        for nodes in self.graphs:
            for node in nodes.values():
                found.update(named_places(node))
                if node.kind in _operators().opens:
                    found.update(reaching(node, nodes, fed))
        return found

    def conclude(self) -> None:
        """Judge what was taken down."""
        for name, at in self.used:
            if name not in self.functions:
                judge_operator(name, self.path, self.notes, at=at, custom=True)
        places = self.places()
        assets = {at for name in self.fed for nodes in self.graphs if name in nodes for _, _, at in nodes[name].texts}
        if any(name in _operators().opens for name, _ in self.used):
            for text, at in self.constants:
                if _operators().outside.search(text) and text.isprintable() and at not in assets:
                    places.setdefault(text, at)
        for text, at in sorted(places.items(), key=lambda place: place[1]):
            self.notes.find("tensorflow.outside-file", self.path, at, name=text)


def scan_tensorflow(source: Source, path: str, examination: Examination, *, kind: str) -> None:
    """Examine a graph.

    Args:
        source: its bytes.
        path: what findings call it.
        examination: what readers share.
        kind: `saved` for a SavedModel, `meta` for a MetaGraph, `graph` for a frozen graph.
    """
    examination.notes.format("tensorflow")
    walk = _Walk(source, path, examination)
    try:
        walk.message(kind, 0, source.size)
    except (Malformed, EOFError):
        examination.notes.gap("gap-header", path)
    walk.conclude()


def scan_keras_metadata(source: Source, path: str, examination: Examination) -> None:
    """Examine `keras_metadata.pb`: the JSON of each layer that a SavedModel rebuilds."""
    window, notes = Window(source), examination.notes
    notes.format("keras")
    try:
        for node in fields(window, 0, source.size):
            for field in fields(window, node.start, node.end) if node.number == 1 else ():
                if field.number == 5 and field.end - field.start <= _LONGEST:
                    raw = source.read(field.start, field.end - field.start).decode("utf-8", "replace")
                    scan_keras(read_json(raw), path, notes, offset=field.start)
    except (Malformed, EOFError):
        notes.gap("gap-header", path)
    except ValueError:
        notes.gap("gap-json", path)


def scan_written_graph(text: str, path: str, notes: Notes) -> None:
    """Examine a graph written out as text."""
    for found in _WRITTEN.finditer(text):
        judge_operator(found[1], path, notes, at=found.start(1))


def scan_browser_model(value: dict[str, Any], path: str, notes: Notes) -> None:
    """Examine TF.js's `model.json`: a graph or a Keras model, and where its weights lie."""
    notes.format("tensorflow-js")
    topology = value.get("modelTopology")
    for node in objects(topology):
        if isinstance(node.get("op"), str):
            judge_operator(node["op"], path, notes, custom=True)
    if isinstance(topology, dict) and ("model_config" in topology or "class_name" in topology):
        scan_keras(topology, path, notes)
    for group in objects(value.get("weightsManifest")):
        for name in strings(group.get("paths")):
            if _OUTSIDE.search(name):
                notes.find("config.outside-path", path, name=name)
