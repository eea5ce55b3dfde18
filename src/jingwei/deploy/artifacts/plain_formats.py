"""Formats that are only told apart: plain data, which cannot act; opaque ones, which are not read; machine code."""

import re
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.r_data import scan_r
from jingwei.deploy.artifacts.source import Source

_WEIGHTS = re.compile(
    r"\.(gguf|ggml|safetensors|bin|pt|pth|ckpt|h5|hdf5|keras|onnx|pkl|pickle|joblib|np[yz]|tflite|pb|msgpack|model|weights)$",
    re.IGNORECASE,
)
"""Names of weights: a program that is called one is a disguise; one inside a model's archive is loaded with it."""


class _Mark(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mark: str
    at: int = 0
    names: str = ""


class Plain(NamedTuple):
    """What a beginning stands for."""

    group: str
    """`data`, `opaque` or `native`."""
    name: str


class _Known(NamedTuple):
    plain: Plain
    mark: bytes
    at: int
    names: str


@lru_cache(maxsize=1)
def _known() -> tuple[_Known, ...]:
    groups = package_data(__package__, "formats.yaml")
    return tuple(
        _Known(Plain(group, name), bytes.fromhex(mark.mark), mark.at, mark.names)
        for group, formats in groups.items()
        for name, marks in formats.items()
        for mark in map(_Mark.model_validate, marks)
    )


def plain_format(head: bytes, path: str) -> Plain | None:
    """Name a format that is only told apart, by how it begins."""
    for plain, mark, at, names in _known():
        if head[at : at + len(mark)] == mark and (not names or re.search(names, path, re.IGNORECASE)):
            return plain
    return None


def note_plain(plain: Plain, source: Source, path: str, examination: Examination) -> None:
    """Say what follows from a format that is only told apart."""
    notes = examination.notes
    notes.format(plain.name)
    if plain.group == "native":
        disguised = plain.name not in {"python-bytecode", "webassembly"} and (
            "!" in path or _WEIGHTS.search(path) is not None
        )
        cached = plain.name == "python-bytecode" and "__pycache__" in path
        notes.find(
            "format.native",
            path,
            0,
            severity=Severity.HIGH if disguised else Severity.LOW if cached else None,
            name=plain.name,
        )
        notes.gap("gap-native", path, name=plain.name)
    elif plain.group == "opaque":
        if plain.name == "r-data":
            scan_r(source, path, notes)
        if plain.name in {"tensorrt", "java", "java-object"}:
            notes.find("format.opaque", path, 0, name=plain.name)
        notes.gap("gap-opaque", path, name=plain.name)
