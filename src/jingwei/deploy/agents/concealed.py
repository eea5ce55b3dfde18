"""What a text holds out of sight: invisible letters, terminal codes, comments, styles, text pushed away."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from jingwei.detect import fold
from jingwei.detect.hidden import reveal

_ANSI = re.compile(r"(?:\x1b|\x9b|\\u001b|\\x1b|\\033|\\e)\[[0-9;]{0,24}[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|\x08")
_COMMENT = re.compile(r"<!--(.{1,4000}?)(?:-->|$)|"
                      r"\[//\]:\s?#\s?[(\"'](.{1,2000}?)[)\"']|\[comment\]:\s?#\s?\((.{1,2000}?)\)",
                      re.DOTALL | re.IGNORECASE)  # fmt: skip
_STYLE = re.compile(
    r"<(?P<tag>\w{1,12})[^>]{0,300}(?:display\s*:\s*none|visibility\s*:\s*hidden"
    r"|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])"
    r"|color\s*:\s*(?:white|#fff(?:fff)?|transparent)|\shidden[\s>=])[^>]{0,200}>(?P<inner>.{1,2000}?)</(?P=tag)>",
    re.DOTALL | re.IGNORECASE,
)
_BLANK = re.compile(r"(?<!\s)\s{16,}+(?=\S)")
_MOST_BLANKS, _MOST_LINES = 60, 16
"""Blanks in a row, or empty lines, from which on what follows is out of sight."""
_LEAST, _LONGEST = 8, 2_000
"""Characters behind them that say something, and that are read."""
_THIN = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\u180e\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_JOINED = re.compile("[\u0600-\u0fff\u1000-\u109f\u1780-\u17ff\U0001f000-\U0001faff\u2190-\u2bff\ufe0f]")
"""Scripts and pictures that need joiners to be written rightly."""
_MANY = 3


class Concealed(NamedTuple):
    """Something hidden: how, where, and what it says."""

    rule: str
    start: int
    inner: str


def concealed(text: str, *, markdown: bool = False) -> Iterator[Concealed]:
    """Give what a text hides. In Markdown and HTML a comment is ordinary; elsewhere it has no business."""
    yield from _invisible(text)
    for match in _ANSI.finditer(text):
        yield Concealed("terminal-code", match.start(), text[match.start() : match.start() + 240])
        break
    if _CONTROL.search(text):
        yield Concealed("terminal-code", 0, text[:240])
    for match in _COMMENT.finditer(text):
        inner = next(group for group in match.groups() if group)
        yield Concealed("comment-read" if markdown else "comment", match.start(), inner)
    for match in _STYLE.finditer(text):
        yield Concealed("unseen-style", match.start(), match["inner"])
    yield from _pushed(text)


def _pushed(text: str) -> Iterator[Concealed]:
    for match in _BLANK.finditer(text):
        lines = match[0].count("\n")
        inner = text[match.end() : match.end() + _LONGEST]
        if len(inner) >= _LEAST and (lines >= _MOST_LINES or len(match[0].rpartition("\n")[2]) >= _MOST_BLANKS):
            yield Concealed("pushed-away", match.start(), inner)
            return


def _invisible(text: str) -> Iterator[Concealed]:
    if text.isascii():
        return
    folded = fold(text)
    for start, _, plain, invisible in reveal(folded):
        if invisible:
            yield Concealed("invisible-text", start, plain or text[start : start + 60])
            return
    thin = _THIN.findall(text)
    if len(thin) >= _MANY and not _JOINED.search(text):
        place = _THIN.search(text)
        start = place.start() if place else 0
        yield Concealed("invisible-letters", start, text[max(0, start - 20) : start + 60])
