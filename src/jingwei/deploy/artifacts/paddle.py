"""PaddlePaddle's programs: operators by name, one of which calls Python."""

from jingwei.deploy.artifacts.examination import Examination
from jingwei.deploy.artifacts.protobuf import Malformed, fields, text_of
from jingwei.deploy.artifacts.source import Source, Window

_PYTHON = frozenset({"py_func", "py_layer", "pylayer", "run_program", "load", "load_combine", "save", "save_combine"})
"""Operators that call Python, another program, or reach files; exported programs for inference have none of them."""


def scan_paddle(source: Source, path: str, examination: Examination) -> None:
    """Examine a `.pdmodel`: blocks of operators."""
    examination.notes.format("paddle")
    window = Window(source)
    try:
        for block in fields(window, 0, source.size):
            for operator in fields(window, block.start, block.end) if block.number == 1 else ():
                for part in fields(window, operator.start, operator.end) if operator.number == 4 else ():
                    name = text_of(window, part) if part.number == 3 else ""
                    if name in _PYTHON:
                        examination.notes.find("paddle.acting-operator", path, part.start, name=name)
    except (Malformed, EOFError):
        examination.notes.gap("gap-header", path)
