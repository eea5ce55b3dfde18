"""R's own serialisation (`.rds`, `.RData`): promises, closures and quoted calls come with it, and are evaluated.

It is not read as a whole here. What is looked for is the symbols of functions that act: a model has no use for them.
"""

import re

from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.source import PIECE, Source

_MOST = 256 * 1024 * 1024
_OVERLAP = 256
_ACTING = (
    rb"(?:system2?|shell(?:\.exec)?|pipe|fifo|socketConnection|url|download\.file|source|sys\.source|dyn\.load|library\.dynam|unlink"
    rb"|file\.(?:remove|rename|copy|create|symlink)|Sys\.setenv|parse|setTimeLimit|install\.packages|reg\.finalizer|browseURL)"
)
_SYMBOL = re.compile(
    rb"\0\0\0\x01\0[\0-\xff]{2}\x09\0\0\0[\x01-\x20](" + _ACTING + rb")(?=\0)"
    rb"|\n1\n\d{1,7}\n\d{1,2}\n(" + _ACTING + rb")\n"
)


def scan_r(source: Source, path: str, notes: Notes) -> None:
    """Look for symbols of functions that act."""
    at, told = 0, set[bytes]()
    while at < min(source.size, _MOST):
        for found in _SYMBOL.finditer(source.read(at, PIECE + _OVERLAP)):
            name = found[1] or found[2]
            if name not in told:
                notes.find("format.r-function", path, at + found.start(), name=name.decode())
            told.add(name)
        at += PIECE
