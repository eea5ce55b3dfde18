"""Which tool wrote a log, told by what it holds, not by what it is called."""

from pathlib import Path

from jingwei.core.errors import InputError, NotFound
from jingwei.develop.evaluate.intake.garak import is_garak, read_garak
from jingwei.develop.evaluate.intake.heard import Log, Tree, parsed
from jingwei.develop.evaluate.intake.inspect_log import read_inspect
from jingwei.develop.evaluate.intake.promptfoo import (
    is_promptfoo,
    is_promptfoo_line,
    read_promptfoo,
    read_promptfoo_lines,
)
from jingwei.develop.evaluate.intake.pyrit import is_pyrit, read_pyrit, read_pyrit_database

TOOLS = ("garak", "pyrit", "promptfoo", "inspect")
_JSON_BYTES = 128 * 1024 * 1024
_HEAD = 1024 * 1024
_SQLITE = b"SQLite format 3\x00"
_ZIP = b"PK\x03\x04"


def read_log(path: Path) -> Log:
    """Read a log of garak, PyRIT, promptfoo or Inspect.

    Raises:
        NotFound: there is no such file.
        InputError: it is of none of them, damaged, or too large.
    """
    if not path.is_file():
        raise NotFound("develop.evaluate:log-missing", field="log", file=str(path))
    with path.open("rb") as file:
        head = file.read(16)
        if head.startswith(_ZIP):
            return read_inspect(path)
        if head == _SQLITE:
            return read_pyrit_database(path)
        file.seek(0)
        first = file.readline(_HEAD)
    line = _line(first)
    if is_garak(line):
        return read_garak(path)
    if is_promptfoo_line(line):
        return read_promptfoo_lines(path)
    if path.stat().st_size > _JSON_BYTES:
        raise InputError("develop.evaluate:log-too-large", field="log", file=path.name, limit=_JSON_BYTES)
    tree = parsed(path.read_bytes(), file=path.name)
    if is_pyrit(tree):
        return read_pyrit(tree)
    if is_promptfoo(tree):
        return read_promptfoo(tree)
    raise InputError("develop.evaluate:log-unknown", field="log", file=path.name, known=", ".join(TOOLS))


def _line(line: bytes) -> Tree:
    """Return what a whole first line holds; None where it is none."""
    if not line.startswith(b"{") or not line.endswith(b"}\n"):
        return None
    try:
        return parsed(line, file="")
    except InputError:
        return None
