"""Keras: the model's JSON, in `.keras` archives and in HDF5, judged by what its deserialiser would build."""

import json
from typing import Any

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.globals import Standing, standing
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.source import PIECE, Source

_HDF5 = b"\x89HDF\r\n\x1a\n"
_LONGEST_CONFIG = 16 * 1024 * 1024
_MARKS = (b'{"class_name"', b'{"module"', b'{"config"', b'{"backend"', b'{"name"')
_CODE = frozenset({"Lambda", "__lambda__", "TFSMLayer", "PyFunc", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
_HOMES = ("keras", "tensorflow.keras", "tf_keras", "builtins", "numpy", "tensorflow.python.keras")
_MOST = 200


def is_hdf5(source: Source) -> bool:
    """Tell whether HDF5's mark stands at one of the places it may."""
    return any(source.read(at, 8) == _HDF5 for at in (0, 512, 1024, 2048, 4096))


def scan_hdf5(source: Source, path: str, examination: Examination) -> None:
    """Find the model's JSON among the attributes and examine it; datasets cannot act."""
    examination.notes.format("hdf5")
    found, overlap, at = 0, 32, 0
    while at < source.size and found < _MOST:
        piece = source.read(at, PIECE + overlap)
        for mark in _MARKS:
            here = piece.find(mark)
            while 0 <= here < PIECE and found < _MOST:
                found += _config(source, at + here, path, examination)
                here = piece.find(mark, here + 1)
        at += PIECE


def _config(source: Source, at: int, path: str, examination: Examination) -> int:
    for length in (65536, _LONGEST_CONFIG):
        raw = source.read(at, length).decode("latin-1")
        try:
            value, _ = json.JSONDecoder().raw_decode(raw)
        except (ValueError, RecursionError):
            if length < min(_LONGEST_CONFIG, source.size - at):
                continue
            if '"class_name"' in raw[:4096]:
                examination.notes.gap("gap-json", path)
            return 1
        scan_keras(value, path, examination.notes, offset=at)
        return 1
    return 0


def scan_keras(value: Any, path: str, notes: Notes, *, offset: int | None = None) -> None:  # any JSON
    """Examine a model's configuration."""
    notes.format("keras")
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            _node(node, path, notes, offset=offset)
            waiting.extend(node.values())


def _node(node: dict[str, Any], path: str, notes: Notes, *, offset: int | None) -> None:
    name, module = node.get("class_name"), node.get("module")
    if not isinstance(name, str):
        return
    if name.rpartition(">")[2] in _CODE:
        notes.find("keras.lambda", path, offset, name=name)
        return
    if not isinstance(module, str):
        return
    target = str(node.get("config")) if name == "function" and isinstance(node.get("config"), str) else name
    dangerous = standing(module, target) in {Standing.DANGEROUS, Standing.STANDARD}
    home = any(module == root or module.startswith(root + ".") for root in _HOMES)
    if (dangerous and not module.startswith("builtins")) or (not home and not node.get("registered_name")):
        severity_rule = "config.dangerous-target" if dangerous else "keras.foreign-object"
        notes.find(severity_rule, path, offset, name=f"{module}.{target}")
