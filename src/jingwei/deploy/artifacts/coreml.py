"""Core ML: a protobuf whose model may be made of custom layers, custom models or models in other files."""

import re

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.protobuf import Malformed, fields, text_of
from jingwei.deploy.artifacts.source import Source, Window

_DEEPEST = 12
_PIPELINES = frozenset({200, 201, 202})
_NETWORKS = frozenset({303, 403, 500})
_CUSTOM_MODEL, _LINKED_MODEL, _CUSTOM_LAYER = 555, 556, 500
_OUTSIDE = re.compile(r"^(/|~|\w+://)|(^|/)\.\.(/|$)")


def scan_coreml(source: Source, path: str, examination: Examination) -> None:
    """Examine a `.mlmodel`."""
    examination.notes.format("coreml")
    try:
        _model(Window(source), 0, source.size, path, examination, depth=0)
    except (Malformed, EOFError):
        examination.notes.gap("gap-header", path)


def _model(window: Window, start: int, end: int, path: str, examination: Examination, *, depth: int) -> None:
    notes = examination.notes
    if depth > _DEEPEST:
        notes.gap("gap-depth", path, limit=_DEEPEST)
        return
    for field in fields(window, start, end):
        if field.number == _CUSTOM_MODEL:
            names = [text_of(window, each) for each in fields(window, field.start, field.end) if each.number == 10]
            notes.find("coreml.custom", path, field.start, name=" ".join(names))
        elif field.number == _LINKED_MODEL:
            for name in _texts(window, field.start, field.end, 3):
                if _OUTSIDE.search(name):
                    notes.find("config.outside-path", path, field.start, name=name)
        elif field.number in _PIPELINES:
            _pipeline(window, field.start, field.end, path, examination, depth=depth)
        elif field.number in _NETWORKS:
            _network(window, field.start, field.end, path, examination)


def _pipeline(window: Window, start: int, end: int, path: str, examination: Examination, *, depth: int) -> None:
    """A pipeline holds models; a classifier's or regressor's pipeline holds a pipeline."""
    for field in fields(window, start, end):
        if field.number != 1:
            continue
        inner = list(fields(window, field.start, field.end))
        if inner and inner[0].number == 1 and inner[0].end > inner[0].start:
            _pipeline(window, field.start, field.end, path, examination, depth=depth + 1) if depth < _DEEPEST else None
        else:
            _model(window, field.start, field.end, path, examination, depth=depth + 1)


def _network(window: Window, start: int, end: int, path: str, examination: Examination) -> None:
    for layer in fields(window, start, end):
        if layer.number != 1:
            continue
        for part in fields(window, layer.start, layer.end):
            if part.number == _CUSTOM_LAYER:
                names = [text_of(window, each) for each in fields(window, part.start, part.end) if each.number == 10]
                examination.notes.find("coreml.custom", path, part.start, name=" ".join(names))


def _texts(window: Window, start: int, end: int, depth: int) -> list[str]:
    """Return the texts in a small message and in those it holds."""
    found = []
    for field in fields(window, start, end):
        if 0 < field.end - field.start < 4096:
            found.append(text_of(window, field))
            try:
                found += _texts(window, field.start, field.end, depth - 1) if depth else []
            except (Malformed, EOFError):
                continue
    return found
