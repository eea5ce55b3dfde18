"""Jinja cut into blocks and tokens, as its own lexer would, and on past what it would refuse."""

import re
from typing import NamedTuple

_OPEN = re.compile(r"\{\{[-+]?|\{%[-+]?|\{#")
_TOKEN = re.compile(
    r"""\s+|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w]*(?:\.\d\w*)?)"""
    r"""|(?P<operator>\*\*|//|==|!=|<=|>=|.)""",
    re.DOTALL,
)
_ENDS = {"{{": re.compile(r"[-+]?\}\}"), "{%": re.compile(r"[-+]?%\}")}
_RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|N\{[^}]*\}|\n|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "\n": "", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}


class Token(NamedTuple):
    """One token of an expression or statement."""

    kind: str
    text: str
    at: int


class Block(NamedTuple):
    """One `{{ … }}`, one `{% … %}`, or the text between two."""

    kind: str
    """`output`, `statement` or `text`."""
    tokens: tuple[Token, ...]
    text: str
    at: int


def blocks(template: str) -> tuple[list[Block], bool]:
    """Split a template; false where one of its blocks does not end."""
    found: list[Block] = []
    at = 0
    while opening := _OPEN.search(template, at):
        _text(template, at, opening.start(), found)
        at = opening.end()
        mark = opening[0][:2]
        if mark == "{#":
            at = template.find("#}", at) + 2
            if at < 2:
                return found, False
            continue
        tokens, at, ended = _tokens(template, at, _ENDS[mark])
        found.append(Block("output" if mark == "{{" else "statement", tuple(tokens), "", opening.start()))
        if not ended:
            return found, False
        if mark == "{%" and tokens and tokens[0].text == "raw":
            closing = _RAW_END.search(template, at)
            if closing is None:
                return found, False
            _text(template, at, closing.start(), found)
            at = closing.end()
    _text(template, at, len(template), found)
    return found, True


def _text(template: str, start: int, end: int, found: list[Block]) -> None:
    if end > start:
        found.append(Block("text", (), template[start:end], start))


def _tokens(template: str, at: int, ends: re.Pattern[str]) -> tuple[list[Token], int, bool]:
    tokens: list[Token] = []
    depth = 0
    while at < len(template):
        if not depth and (ending := ends.match(template, at)):
            return tokens, ending.end(), True
        match = _TOKEN.match(template, at)
        if match is None:
            break
        kind, text = match.lastgroup, match[0]
        at += len(text)
        if kind == "operator":
            depth += (text in "{[(") - (text in "}])" and depth > 0)
        if kind is not None:
            tokens.append(Token(kind, unquoted(text) if kind == "string" else text, match.start()))
    return tokens, at, False


def unquoted(text: str) -> str:
    """Return what a string literal says."""

    def plain(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "xuU" and len(code) > 1:
            value = int(code[1:], 16)
            return chr(value) if value < 0x110000 else ""
        return chr(int(code, 8)) if code[0] in "01234567" else _PLAIN.get(code, code)

    return _ESCAPE.sub(plain, text[1:-1])
