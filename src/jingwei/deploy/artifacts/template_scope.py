"""What is known while a chat template is read: names and their values, open conditions, and what is said under them."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from jingwei.deploy.artifacts.jinja_tree import Node, walk
from jingwei.deploy.artifacts.jinja_values import Value, value

_WORD = re.compile(r"[^\W\d_]{2,}|[\u3400-\u9fff]")
_MARK = re.compile(r"^\s*[<\[/|{#`(\u2581*]|[>\]|]\s*$|_(?:end|start|begin)\b")
_SPOKEN = frozenset({"content", "text", "arguments", "query", "prompt", "input", "question", "body", "message"})
_CLOCKS = frozenset(
    {"strftime_now", "now", "today", "date", "datetime", "strftime", "current_date", "date_string", "current_time"}
)
_COMPARING = frozenset({"==", "!=", "<", ">", "<=", ">=", "in"})
_MEASURING = frozenset(
    {"startswith", "endswith", "find", "count", "index", "rfind", "search", "match", "split", "lower", "upper"}
)
_TESTS = frozenset({"in", "eq", "equalto", "==", "ne", "search", "match", "containing", "startingwith", "contains"})
_LONG = 3
"""Honest templates ask whether there is one message or two; who waits for more hides from a short test."""


@dataclass(slots=True)
class _Frame:
    tag: str
    hidden: bool = False
    """Whether what stands here is only said when a message says something."""
    rounds: float = 1
    operator: bool = False
    """Whether this branch is where the operator's own system prompt would be said."""
    passed: bool = False
    """Whether what stands here hands on something that the template is given."""
    said: list[tuple[str, int]] = field(default_factory=list)
    instead: list[tuple[str, int]] = field(default_factory=list)


class Scope:
    """The state of reading one template."""

    def __init__(self, structural: Collection[str]) -> None:
        self.values: dict[str, Value] = {}
        self.own: set[str] = set()
        self.said: list[tuple[str, int]] = []
        self._structural = structural
        self._spoken: set[str] = set()
        self._decided: set[str] = set()
        self._clocks: set[str] = set()
        self._frames: list[_Frame] = []

    @property
    def rounds(self) -> float:
        """How often the innermost loop goes round, as far as it can be told."""
        product = 1.0
        for frame in self._frames:
            product *= frame.rounds
        return product

    @property
    def _hidden(self) -> bool:
        return any(frame.hidden for frame in self._frames)

    def says(self, text: str, at: int) -> None:
        """Take down text that the template gives."""
        if not text.strip():
            return
        self.said.append((text, at))
        for frame in [frame for frame in reversed(self._frames) if frame.hidden][:1]:
            frame.said.append((text, at))
        for frame in [frame for frame in reversed(self._frames) if frame.operator][:1]:
            frame.instead.append((text, at))

    def gives(self, node: Node) -> None:
        """Take down the texts of an expression that is given or kept; those behind a condition too."""
        whole = value(node, self.values)
        if isinstance(whole, str):
            self.says(whole, node.at)
            return
        if node.kind == "call" and node.parts[0].value == "raise_exception":
            self._passes()
            return  # said to whoever runs the server, not to the model
        if any(each.kind == "name" and not str(each.value).endswith("_token") for each in walk(node)) and not (
            node.kind == "attribute" and node.value == "role"
        ):
            self._passes()
        for each in walk(node):
            if each.kind == "const" and isinstance(each.value, str):
                self.says(each.value, each.at)
            elif each.kind == "choice" and self._triggers(each.parts[1]):
                self._aside([each.parts[0], *each.parts[2:]])
            elif each.kind == "operation" and each.value in {"and", "or"} and self._triggers(each.parts[0]):
                self._aside(list(each.parts[1:]))

    def _passes(self) -> None:
        for frame in self._frames:
            frame.passed = True

    def _aside(self, nodes: list[Node]) -> None:
        texts = [
            (text, node.at)
            for node in nodes
            for each in walk(node)
            if isinstance(text := value(each, self.values), str)
        ]
        self._frames.insert(0, _Frame("aside", said=texts))

    def assign(self, name: str, node: Node) -> None:
        """Take an assignment down."""
        self.own.add(name.partition(".")[0])
        plain = value(node, self.values)
        if plain is not None and not self._frames:
            self.values[name] = plain
        else:
            self.values.pop(name, None)
        if self._is_spoken(node):
            self._spoken.add(name)
        if self._is_clock(node):
            self._clocks.add(name)
        if self._hidden or (
            self._triggers(node) and plain is None and node.kind in {"operation", "test", "call", "choice"}
        ):
            self._decided.add(name)

    def opens(self, tag: str, names: list[str]) -> None:
        """A macro, a call, a `with`, a `set` up to its end."""
        self.own.update(names)
        self._frames.append(_Frame(tag))

    def loop(self, names: list[str], nodes: list[Node]) -> None:
        """A `for`: what it goes over, how often, under which condition."""
        self.own.update(names)
        over = nodes[0] if nodes else None
        rounds = 1.0
        hidden = False
        if over is not None:
            test = over.parts[1] if over.kind == "choice" else None
            over = over.parts[0] if over.kind == "choice" else over
            listed = value(over, self.values)
            if over.kind == "call" and over.parts[0].value == "range":
                sizes = [value(part, self.values) for part in over.parts[1:]]
                rounds = float(max((each for each in sizes if isinstance(each, int)), default=1))
            if isinstance(listed, tuple) and len(names) == 1 and all(isinstance(each, str) for each in listed):
                self.values[names[0]] = next(
                    (each for each in listed if self._word(each)), listed[0] if listed else None
                )
            elif self._is_spoken(over):
                self._spoken.update(names)
            hidden = any(self._triggers(node) for node in ([test] if test is not None else []) + nodes[1:])
        self._frames.append(_Frame("for", hidden=hidden, rounds=max(rounds, 1.0)))

    def condition(self, tag: str, node: Node | None) -> list[tuple[str, int]]:
        """An `if` or `elif`; returns what the branch before it said in the operator's place."""
        hidden = node is not None and self._triggers(node)
        operator = node is not None and self._asks_for_operator(node)
        if tag == "if":
            self._frames.append(_Frame("if", hidden=hidden, operator=operator))
            return []
        usurped = self.branch()
        if self._frames:
            self._frames[-1].hidden = self._frames[-1].hidden or hidden
            self._frames[-1].operator = operator
        return usurped

    def branch(self) -> list[tuple[str, int]]:
        """End a branch; returns what it said where the operator's system prompt belongs and was not handed on."""
        if not self._frames:
            return []
        frame = self._frames[-1]
        usurped = [] if frame.passed else frame.instead
        frame.operator, frame.passed, frame.instead = False, False, []
        return usurped

    def _asks_for_operator(self, node: Node) -> bool:
        """Tell whether a condition is plainly that a message is the operator's."""
        return (
            node.kind == "operation"
            and node.value == "=="
            and any(part.kind == "const" and part.value in {"system", "developer"} for part in node.parts)
        )

    def close(self, tag: str) -> list[tuple[str, int]]:
        """End what was opened; returns what was said there under a condition on a message."""
        if (
            self._frames
            and self._frames[-1].tag != "aside"
            and tag in {"endif", "endfor", "endset", "endmacro", "endcall", "endwith"}
        ):
            return self._frames.pop().said
        return []

    def rest(self) -> list[list[tuple[str, int]]]:
        """Return what was said in what never ended, and in conditional expressions."""
        return [frame.said for frame in self._frames if frame.said]

    def _triggers(self, node: Node) -> bool:
        """Tell whether a condition asks what a message says, or what day it is."""
        return any(self._asks(each) for each in walk(node))

    def _asks(self, node: Node) -> bool:
        if node.kind in {"name", "attribute"} and _dotted(node) in self._decided:
            return True
        if (node.kind == "operation" and node.value in _COMPARING) or (node.kind == "test" and node.value in _TESTS):
            return self._compared(node.parts)
        if (
            node.kind == "call"
            and node.parts[0].kind == "attribute"
            and node.parts[0].value in _MEASURING - {"split", "lower", "upper"}
        ):
            return self._compared((node.parts[0].parts[0], *node.parts[1:]))
        if node.kind == "filter" and node.value in {"select", "selectattr", "reject", "rejectattr"}:
            return self._compared(node.parts) and any(value(part, self.values) in _SPOKEN for part in node.parts[1:])
        return False

    def _compared(self, parts: tuple[Node, ...]) -> bool:
        if any(self._is_length(part) for part in parts) and any(
            isinstance(size := value(part, self.values), int) and size > _LONG for part in parts
        ):
            return True
        words = [text for part in parts for each in walk(part) for text in self._texts(each)]
        if any(self._is_clock(part) for part in parts) and (
            words or any(isinstance(value(part, self.values), int | str) for part in parts)
        ):
            return True
        return any(self._word(word) for word in words) and any(self._is_spoken(part) for part in parts)

    def _texts(self, node: Node) -> list[str]:
        found = value(node, self.values)
        if isinstance(found, tuple):
            return [each for each in found if isinstance(each, str)]
        return [found] if isinstance(found, str) else []

    def _word(self, text: Value) -> bool:
        """Tell whether a text is a word that somebody would say, and not a mark or the name of a part."""
        return (
            isinstance(text, str)
            and bool(_WORD.search(text))
            and not _MARK.search(text)
            and text.strip().lower() not in self._structural
        )

    def _is_spoken(self, node: Node) -> bool:
        """Tell whether a value is, or is part of, what a message says."""
        for each in walk(node):
            name = _dotted(each) if each.kind in {"name", "attribute"} else ""
            if name in self._spoken or (each.kind == "attribute" and each.value in _SPOKEN - {"message"}):
                return True
            if each.kind == "item" and value(each.parts[1], self.values) in _SPOKEN - {"message"}:
                return True
            if each.kind == "name" and each.value in {"content", "user_input", "query", "prompt", "question"}:
                return True
        return False

    def _is_clock(self, node: Node) -> bool:
        """Tell whether a value comes from the clock."""
        return any(
            (each.kind == "name" and each.value in self._clocks)
            or (each.kind == "call" and each.parts[0].kind == "name" and each.parts[0].value in _CLOCKS)
            or (each.kind == "attribute" and each.value in {"now", "today", "strftime"})
            for each in walk(node)
        )

    @staticmethod
    def _is_length(node: Node) -> bool:
        """Tell whether a value is how long a conversation, or a message of it, has become."""
        return any(
            (each.kind == "filter" and each.value in {"length", "count"})
            or (each.kind == "attribute" and each.value in {"index", "index0"} and _dotted(each).startswith("loop."))
            for each in walk(node)
        )

    def replaced(self, node: Node) -> str:
        """Tell which words of a message a node puts others in the place of; nothing where it does not."""
        if node.kind == "filter" and node.value == "replace":
            base, rest = node.parts[0], node.parts[1:]
        elif node.kind == "call" and node.parts[0].kind == "attribute" and node.parts[0].value == "replace":
            base, rest = node.parts[0].parts[0], node.parts[1:]
        else:
            return ""
        texts = [value(part.parts[0] if part.kind == "keyword" else part, self.values) for part in rest[:2]]
        if len(texts) < 2 or not self._is_spoken(base):
            return ""
        old, new = texts
        worded = self._word(old) and (self._word(new) or new == "")
        return f"{old} → {new}" if worded else ""


def _dotted(node: Node) -> str:
    if node.kind == "name":
        return str(node.value)
    if node.kind == "attribute":
        base = _dotted(node.parts[0])
        return f"{base}.{node.value}" if base else ""
    return ""
