"""Jinja expressions as trees: what is taken from what, called with what, under which condition. Nothing is rendered."""

from collections.abc import Sequence
from typing import NamedTuple

from jingwei.deploy.artifacts.jinja_tokens import Token

_DEEPEST = 60
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"or"}),
    frozenset({"and"}),
    frozenset({"==", "!=", "<", ">", "<=", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"~"}),
    frozenset({"*", "/", "//", "%"}),
    frozenset({"**"}),
)


class Node(NamedTuple):
    """One node; its kind says what its parts are."""

    kind: str
    """const, name, attribute, item, slice, call, filter, test, operation, list, dict, choice, keyword, odd."""
    value: str | int | float | None
    parts: tuple["Node", ...]
    at: int


class SyntaxOddError(Exception):
    """The tokens are no expression."""


def expression(tokens: Sequence[Token], start: int = 0) -> tuple[Node, int]:
    """Read one expression; returns it and the number of the token behind it.

    Raises:
        SyntaxOddError: there is none.
    """
    reader = _Reader(tokens, start)
    return reader.choice(0), reader.number


class _Reader:
    def __init__(self, tokens: Sequence[Token], number: int) -> None:
        self.tokens, self.number = tokens, number

    def _text(self) -> str:
        if self.number >= len(self.tokens):
            return ""
        token = self.tokens[self.number]
        return "" if token.kind == "string" else token.text

    def _taken(self, *texts: str) -> bool:
        if self._text() in texts and self._text():
            self.number += 1
            return True
        return False

    def choice(self, depth: int) -> Node:
        """`a if b else c`."""
        if depth > _DEEPEST:
            raise SyntaxOddError
        node = self._level(0, depth + 1)
        while self._taken("if"):
            test = self._level(0, depth + 1)
            other = (self.choice(depth + 1),) if self._taken("else") else ()
            node = Node("choice", None, (node, test, *other), node.at)
        return node

    def _level(self, level: int, depth: int) -> Node:
        """Operations by their strength, the weakest first."""
        if level == len(_LEVELS):
            return self._sign(depth)
        if level == 2 and self._taken("not"):
            inner = self._level(2, depth + 1) if depth < _DEEPEST else self._stop()
            return Node("operation", "not", (inner,), inner.at)
        node = self._level(level + 1, depth)
        while True:
            name = self._text()
            if level == 2 and name == "not" and self._next() == "in":
                self.number += 1
                name = "in"
            if name not in _LEVELS[level]:
                return node
            self.number += 1
            right = self._level(level + 1, depth + 1)
            node = Node("operation", name, (node, right), node.at)

    def _next(self) -> str:
        return self.tokens[self.number + 1].text if self.number + 1 < len(self.tokens) else ""

    def _stop(self) -> Node:
        raise SyntaxOddError

    def _sign(self, depth: int) -> Node:
        """A sign, a value, and what follows it."""
        if depth > _DEEPEST:
            raise SyntaxOddError
        if self._text() in {"-", "+"}:
            sign = self._text()
            self.number += 1
            inner = self._sign(depth + 1)
            if inner.kind == "const" and isinstance(inner.value, int | float) and sign == "-":
                return inner._replace(value=-inner.value)
            return inner
        return self._behind(self._primary(depth + 1), depth + 1)

    def _primary(self, depth: int) -> Node:
        """A literal, a name, something in brackets."""
        if self.number >= len(self.tokens):
            raise SyntaxOddError
        kind, text, at = self.tokens[self.number]
        self.number += 1
        if kind == "string":
            while self.number < len(self.tokens) and self.tokens[self.number].kind == "string":
                text += self.tokens[self.number].text
                self.number += 1
            return Node("const", text, (), at)
        if kind == "number":
            return Node("const", _number(text), (), at)
        if kind == "name":
            return Node("name", text, (), at)
        if text in {"(", "["}:
            parts = self._listed(")" if text == "(" else "]", depth)
            single = text == "(" and len(parts) == 1 and self.tokens[self.number - 2].text != ","
            return parts[0] if single else Node("list", None, parts, at)
        if text == "{":
            return self._mapping(at, depth)
        raise SyntaxOddError

    def _listed(self, end: str, depth: int) -> tuple[Node, ...]:
        """Values with commas between, up to a bracket; names given to them are kept as keywords."""
        parts: list[Node] = []
        while not self._taken(end):
            if self.number >= len(self.tokens):
                raise SyntaxOddError
            if self._taken(",", "*", "**"):
                continue
            if self._next() == "=" and self.tokens[self.number].kind == "name":
                name = self.tokens[self.number]
                self.number += 2
                parts.append(Node("keyword", name.text, (self.choice(depth + 1),), name.at))
            else:
                parts.append(self.choice(depth + 1))
        return tuple(parts)

    def _mapping(self, at: int, depth: int) -> Node:
        """`{key: value}`."""
        parts: list[Node] = []
        while not self._taken("}"):
            if self.number >= len(self.tokens):
                raise SyntaxOddError
            if not self._taken(",", ":"):
                parts.append(self.choice(depth + 1))
        return Node("dict", None, tuple(parts), at)

    def _behind(self, node: Node, depth: int) -> Node:
        """Attributes, items, calls, filters and tests of a value."""
        while self.number < len(self.tokens) and self.tokens[self.number].kind != "string":
            text, at = self.tokens[self.number].text, self.tokens[self.number].at
            if text == ".":
                self.number += 1
                node = Node("attribute", self._word(), (node,), at)
            elif text == "[":
                self.number += 1
                node = self._item(node, at, depth)
            elif text == "(":
                self.number += 1
                node = Node("call", None, (node, *self._listed(")", depth)), at)
            elif text in {"|", "is"}:
                self.number += 1
                negated = text == "is" and self._taken("not")
                node = self._applied("filter" if text == "|" else "test", node, at, depth)
                node = Node("operation", "not", (node,), at) if negated else node
            else:
                return node
        return node

    def _word(self) -> str:
        if self.number >= len(self.tokens):
            raise SyntaxOddError
        self.number += 1
        return self.tokens[self.number - 1].text

    def _item(self, node: Node, at: int, depth: int) -> Node:
        """`[key]` or `[from:to:step]`."""
        bounds: list[Node | None] = [None]
        while not self._taken("]"):
            if self.number >= len(self.tokens):
                raise SyntaxOddError
            if self._taken(":"):
                bounds.append(None)
            elif self._taken(","):
                continue
            else:
                bounds[-1] = self.choice(depth + 1)
        if len(bounds) == 1 and bounds[0] is not None:
            return Node("item", None, (node, bounds[0]), at)
        nothing = Node("const", None, (), at)
        return Node("slice", None, (node, *(bound or nothing for bound in bounds)), at)

    def _applied(self, kind: str, node: Node, at: int, depth: int) -> Node:
        """A filter or a test, with its arguments; a test may take one without brackets."""
        name = self._word()
        while self._taken("."):
            name = f"{name}.{self._word()}"
        arguments: tuple[Node, ...] = ()
        if self._taken("("):
            arguments = self._listed(")", depth)
        elif kind == "test" and self._begins():
            arguments = (self._behind(self._primary(depth + 1), depth + 1),)
        return Node(kind, name, (node, *arguments), at)

    def _begins(self) -> bool:
        if self.number >= len(self.tokens):
            return False
        kind, text, _ = self.tokens[self.number]
        return kind in {"string", "number"} or (
            kind == "name" and text not in {"and", "or", "if", "else", "in", "is", "not", "recursive"}
        )


def _number(text: str) -> int | float | None:
    try:
        return int(text.replace("_", ""), 0) if "." not in text and len(text) < 40 else float(text.replace("_", ""))
    except ValueError:
        return None


def walk(node: Node) -> list[Node]:
    """Return a node and all below it."""
    found, waiting = list[Node](), [node]
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting.extend(each.parts)
    return found
