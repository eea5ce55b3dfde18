"""Chat templates: Jinja read as a tree, never rendered.

What matters is position: a dunder inside a comment or in output text is nothing, the same name reached as an
attribute is an escape from the sandbox (CVE-2024-34359), however it was put together. And a template is a place to
hide instructions: text that it adds only when a message holds a certain word, or the calendar says so.
"""

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.artifacts.instructions import doubtful, harm, orders, prose
from jingwei.deploy.artifacts.jinja_tokens import Block, blocks
from jingwei.deploy.artifacts.jinja_tree import Node, SyntaxOddError, expression, walk
from jingwei.deploy.artifacts.jinja_values import Value, value
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.template_scope import Scope

_LONGEST = 1024 * 1024
_MOST_ROUNDS = 10_000_000
_DUNDER = re.compile(r"__\w+__")
_FIELD = re.compile(r"\{[^}]*__\w+__[^}]*\}")
_FILTERS = frozenset({"format", "join", "reverse", "replace", "lower", "upper", "string", "list"})


class _Known(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reaching: frozenset[str]
    dangerous: frozenset[str]
    objects: frozenset[str]
    provided: frozenset[str]
    naming: frozenset[str]
    structural: frozenset[str]
    statements: frozenset[str]


@lru_cache(maxsize=1)
def _known() -> _Known:
    return _Known.model_validate(package_data(__package__, "template.yaml"))


def scan_template(template: str, path: str, notes: Notes, *, offset: int = 0) -> None:
    """Examine one template."""
    notes.format("chat-template")
    if len(template) > _LONGEST:
        notes.gap("gap-template-size", path)
        template = template[:_LONGEST]
    found, whole = blocks(template)
    if not whole:
        notes.gap("gap-template", path)
    judge = _Judge(path, notes, offset)
    for block in found:
        judge.block(block)
    judge.conclude()


class _Judge:
    """Goes through a template's blocks in order."""

    def __init__(self, path: str, notes: Notes, offset: int) -> None:
        self.path, self.notes, self.offset = path, notes, offset
        self.scope = Scope(_known().structural)
        self.calls: list[tuple[str, int]] = []

    def note(self, rule: str, at: int, name: object, severity: Severity | None = None) -> None:
        """Note a finding at a place of the template."""
        self.notes.find(rule, self.path, self.offset + at, severity=severity, name=name)

    def block(self, block: Block) -> None:
        """Judge one block."""
        if block.kind == "text":
            self.scope.says(block.text, block.at)
        elif block.kind == "output":
            for node in self._nodes(block, 0):
                self.scope.gives(node)
        elif block.tokens:
            self._statement(block)

    def _nodes(self, block: Block, start: int) -> list[Node]:
        """Read the expressions of a block from a token on, and judge what they reach."""
        found: list[Node] = []
        while start < len(block.tokens):
            try:
                node, start = expression(block.tokens, start)
            except SyntaxOddError:
                node, start = Node("odd", None, (), block.tokens[start].at), start + 1
                self._odd(block, start - 1)
            found.append(node)
            for each in walk(node):
                self._judged(each)
        return found

    def _odd(self, block: Block, number: int) -> None:
        """Where the grammar fails, single tokens are judged still."""
        token = block.tokens[number]
        if token.kind in {"name", "string"} and _DUNDER.fullmatch(token.text):
            self.note("template.escape", token.at, token.text)

    def _statement(self, block: Block) -> None:
        tag, at = block.tokens[0].text, block.at
        texts = [token.text for token in block.tokens]
        if tag in {"include", "import", "from", "extends"}:
            self.note("template.outside", at, tag, Severity.HIGH)
        elif tag == "set":
            self._set(block, texts)
        elif tag in {"for", "macro", "with", "call"}:
            self._opens(tag, block, texts)
        elif tag in {"if", "elif"}:
            nodes = self._nodes(block, 1)
            self._usurped(self.scope.condition(tag, nodes[0] if nodes else None))
        elif tag == "else":
            self._usurped(self.scope.branch())
        elif tag.startswith("end"):
            self._usurped(self.scope.branch() if tag == "endif" else [])
            self._told(self.scope.close(tag))
        elif tag not in _known().statements:
            self.notes.gap("gap-template", self.path)
            self._nodes(block, 1)
        else:
            self._nodes(block, 1)

    def _set(self, block: Block, texts: list[str]) -> None:
        if "=" not in texts:
            self.scope.opens("set", texts[1:2])
            return
        here = texts.index("=")
        nodes = self._nodes(block, here + 1)
        name = "".join(texts[1:here])
        if len(nodes) == 1 or (nodes and "," not in name):
            self.scope.assign(name, nodes[0])
        for node in nodes:
            self.scope.gives(node)

    def _opens(self, tag: str, block: Block, texts: list[str]) -> None:
        """A loop, a macro: names that come in, and how often a loop goes round."""
        if tag == "for" and "in" in texts:
            here = texts.index("in")
            nodes = self._nodes(block, here + 1)
            self.scope.loop([text for text in texts[1:here] if text.isidentifier()], nodes)
            if self.scope.rounds > _MOST_ROUNDS:
                self.note("template.exhausts", block.at, int(self.scope.rounds))
            return
        self.scope.opens(tag, [token.text for token in block.tokens if token.kind == "name"])
        self._nodes(block, 2 if tag == "macro" else 1)

    def _judged(self, node: Node) -> None:
        """Judge what one node reaches for."""
        match node.kind:
            case "attribute":
                self._named(str(node.value), node)
            case "item":
                self._item(node)
            case "filter" | "call" | "test":
                self._applied(node)
            case "name":
                name = str(node.value)
                if _DUNDER.fullmatch(name):
                    self.note("template.escape", node.at, name)
            case "operation" if node.value == "*":
                whole = value(node, self.scope.values)
                sizes = [value(part, self.scope.values) for part in node.parts]
                if whole is None and any(isinstance(each, int) and each > _MOST_ROUNDS for each in sizes):
                    self.note("template.exhausts", node.at, max(each for each in sizes if isinstance(each, int)))

    def _named(self, name: str, node: Node) -> None:
        """An attribute taken by its name."""
        if _DUNDER.search(name) or name in _known().reaching:
            self.note("template.escape", node.at, name)
            return
        base = node.parts[0]
        if base.kind == "name" and base.value in _known().objects and str(base.value) not in self.scope.own:
            self.note("template.outside", node.at, f"{base.value}.{name}")

    def _item(self, node: Node) -> None:
        """A key: read as far as it can be told; one that is put together on the spot is a disguise."""
        key = value(node.parts[1], self.scope.values)
        if isinstance(key, str):
            self._key(key, node)
            if "__" in key and not _DUNDER.search(key) and node.parts[1].kind != "const":
                self.note("template.computed-attribute", node.at, key)
        elif key is None and self._built(node.parts[1]):
            self.note("template.computed-attribute", node.at, "[…]")

    def _key(self, key: str, node: Node) -> None:
        if _DUNDER.search(key) or (key in _known().reaching and key not in {"system", "environment", "mro"}):
            self.note("template.escape", node.at, key)

    def _built(self, node: Node) -> bool:
        """Tell whether a key is put together out of texts, so that nobody sees it."""
        return any(each.kind == "const" and isinstance(each.value, str) for each in walk(node)) and any(
            (each.kind == "filter" and each.value in _FILTERS)
            or (each.kind == "operation" and each.value in {"~", "%"})
            or (
                each.kind == "call"
                and each.parts[0].kind == "attribute"
                and each.parts[0].value in {"format", "join", "replace"}
            )
            for each in walk(node)
        )

    def _applied(self, node: Node) -> None:
        """A filter, a test or a call, with what it is given."""
        rest = [part.parts[0] if part.kind == "keyword" else part for part in node.parts[1:]]
        texts = [value(part, self.scope.values) for part in rest]
        if node.kind == "filter" and node.value in _known().naming:
            for part, text in zip(rest, texts, strict=True):
                if isinstance(text, str):
                    for piece in text.split("."):
                        self._key(piece, node)
                elif node.value == "attr" or self._built(part):
                    self.note("template.computed-attribute", node.at, f"|{node.value}")
        base = node.parts[0].parts[0] if node.kind == "call" and node.parts[0].kind == "attribute" else node.parts[0]
        for text in (*texts, value(base, self.scope.values)):
            if isinstance(text, str) and _FIELD.search(text):
                self.note("template.escape", node.at, text)
        if node.kind == "call":
            self._call(node, texts)
        replaced = self.scope.replaced(node)
        if replaced:
            self.note("template.rewrites", node.at, replaced)

    def _call(self, node: Node, texts: list[Value]) -> None:
        function = node.parts[0]
        if function.kind != "name":
            return
        name = str(function.value)
        if name == "range" and any(isinstance(each, int) and abs(each) > _MOST_ROUNDS for each in texts):
            self.note("template.exhausts", node.at, max(abs(each) for each in texts if isinstance(each, int)))
        if name in _known().objects and name == "lipsum":
            self.note("template.outside", node.at, name)
        self.calls.append((name, node.at))

    def _told(self, said: list[tuple[str, int]]) -> None:
        """Judge what is said only under a condition on what a message says."""
        if not said:
            return
        whole = " ".join(text for text, _ in said)
        if orders(whole) - {"address"} or (prose(whole) and orders(whole)):
            self.note("template.hidden-instruction", said[0][1], whole, Severity.HIGH)
        elif prose(whole):
            self.note("template.conditional-text", said[0][1], whole)

    def _usurped(self, said: list[tuple[str, int]]) -> None:
        """Judge what is said in place of the operator's system prompt, which is not handed on."""
        whole = " ".join(text for text, _ in said)
        if prose(whole) and orders(whole):
            severity = Severity.HIGH if doubtful(whole) else Severity.MEDIUM
            self.note("template.replaces-system", said[0][1], whole, severity)

    def conclude(self) -> None:
        """Judge what can only be told when all was seen."""
        for frame in self.scope.rest():
            self._told(frame)
        for name, at in self.calls:
            if name in _known().dangerous and name not in self.scope.own:
                self.note("template.escape", at, name)
            elif name not in self.scope.own and name not in _known().provided and not _DUNDER.fullmatch(name):
                self.note("template.unknown-call", at, name)
        for text, at in self.scope.said:
            if harm(text) or doubtful(text):
                severity = Severity.HIGH if harm(text) else Severity.MEDIUM
                self.note("template.hidden-instruction", at, text, severity)
