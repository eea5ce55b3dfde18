"""Terraform files: resources with their constant attributes, enough to see what is open; nothing is evaluated."""

import re
from collections.abc import Iterator
from typing import Any

from jingwei.deploy.config.yaml_tree import Items, Table, TooMuchError

_TOKEN = re.compile(
    r"#[^\n]*|//[^\n]*|/\*.*?\*/|<<-?\s*\"?(?P<mark>\w+)\"?\n(?P<body>.*?)\n\s*(?P=mark)\b"
    r"|\"(?:[^\"\\]|\\.)*\"|[{}\[\]=,]|\n|[^\s{}\[\]=,\"#]+|\s|.",
    re.DOTALL,
)
_DEEPEST = 20
_MOST_SPANS = 300
"""Comments and texts over several lines; each may be looked for to the end of the file."""
_MOST = 200_000


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, int]] = []
        line = 1
        for match in _TOKEN.finditer(text):
            piece = match.group("body") if match.group("mark") else match.group()
            if (not piece.isspace() and not match.group().startswith(("#", "//", "/*"))) or piece == "\n":
                self.tokens.append((f'"{piece}"' if match.group("mark") else piece, line))
            line += match.group().count("\n")
            if len(self.tokens) > _MOST:
                break
        self.at = 0

    def body(self, depth: int) -> Table:
        table = Table()
        table.line, table.lines = self._line(), {}
        words: list[str] = []
        while self.at < len(self.tokens):
            piece, line = self.tokens[self.at]
            self.at += 1
            if piece == "}":
                break
            if piece == "\n":
                words = []
            elif piece == "=" and words:
                name = words[-1].strip('"')
                table[name], table.lines[name] = self.value(depth), line
                words = []
            elif piece == "{" and words:
                if depth >= _DEEPEST:
                    return table
                inner = self.body(depth + 1)
                inner.line = line
                name = ".".join(word.strip('"') for word in words)
                held = table.setdefault(name, Items())
                if isinstance(held, Items):
                    held.append(inner)
                table.lines.setdefault(name, line)
                words = []
            else:
                words.append(piece)
        return table

    def value(self, depth: int) -> Any:  # Any: a value of any kind
        while self.at < len(self.tokens) and self.tokens[self.at][0] == "\n":
            self.at += 1
        if self.at >= len(self.tokens) or depth >= _DEEPEST:
            return None
        piece, _ = self.tokens[self.at]
        self.at += 1
        if piece == "{":
            return self.body(depth + 1)
        if piece == "[":
            items = Items()
            while self.at < len(self.tokens) and self.tokens[self.at][0] != "]":
                if self.tokens[self.at][0] in {",", "\n"}:
                    self.at += 1
                    continue
                items.append(self.value(depth + 1))
            self.at += 1
            return items
        if piece in {"true", "false"}:
            return piece == "true"
        return piece.strip('"')

    def _line(self) -> int:
        return self.tokens[min(self.at, len(self.tokens) - 1)][1] if self.tokens else 1


def read_terraform(text: str) -> Iterator[tuple[str, Table, int]]:
    """Give the resources of a file, each with its type and line.

    Raises:
        TooMuchError: it holds more than any real file does.
    """
    if text.count("/*") > _MOST_SPANS or text.count("<<") > _MOST_SPANS:
        raise TooMuchError
    for name, held in _Reader(text).body(0).items():
        parts = name.split(".")
        if parts[0] == "resource" and len(parts) == 3 and isinstance(held, Items):
            for each in held.tables():
                yield parts[1], each, each.line
