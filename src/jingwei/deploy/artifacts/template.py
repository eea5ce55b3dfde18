"""Chat templates: Jinja read as tokens, never rendered.

What matters is position: a dunder inside a comment or in output text is nothing, the same name reached as an
attribute is an escape from the sandbox (CVE-2024-34359). Adjacent and joined string pieces are folded first, so that
a name put together out of halves is still a name.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from jingwei.core.package_data import package_data
from jingwei.deploy.artifacts.notes import Notes

_LONGEST = 1024 * 1024
_OPEN = re.compile(r"\{\{|\{%|\{#")
_TOKEN = re.compile(
    r"""\s+|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)"""
    r"""|(?P<end>[-+]?%\}|[-+]?\}\})|(?P<operator>\*\*|//|==|!=|<=|>=|.)""",
    re.DOTALL,
)
_RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_DUNDER = re.compile(r"__\w+__")
_REACHING = frozenset({
    "func_globals", "func_code", "gi_frame", "gi_code", "f_globals", "f_builtins", "f_locals", "f_back", "f_code",
    "cr_frame", "cr_code", "ag_frame", "tb_frame", "mro", "im_func", "im_self", "im_class", "co_consts", "popen",
    "subclasses",
})  # fmt: skip
_OUTSIDE = frozenset({"include", "import", "from", "extends"})
_OBJECTS = frozenset({"cycler", "joiner", "lipsum", "self", "request", "url_for", "get_flashed_messages", "g"})
_BUILDING = frozenset({"format", "join", "reverse", "replace", "attr"})


class Token(NamedTuple):
    """One token of an expression or statement."""

    kind: str
    text: str
    at: int


class Block(NamedTuple):
    """One `{{ … }}` or `{% … %}`, its string pieces folded."""

    statement: bool
    tokens: list[Token]


class Instruction(NamedTuple):
    """Words that mark an instruction that hides from the reader."""

    commands: re.Pattern[str]
    secrecy: re.Pattern[str]


def scan_template(template: str, path: str, notes: Notes, *, offset: int = 0) -> None:
    """Examine one template."""
    notes.format("chat-template")
    if len(template) > _LONGEST:
        notes.gap("gap-template-size", path)
        template = template[:_LONGEST]
    read, whole = _blocks(template)
    if not whole:
        notes.gap("gap-template", path)
    for block in read:
        _reach(block, path, notes, offset=offset)
    _hidden(read, template, path, notes, offset=offset)


def _blocks(template: str) -> tuple[list[Block], bool]:
    """Split a template into blocks; false where one does not end."""
    found: list[Block] = []
    at = 0
    while opening := _OPEN.search(template, at):
        at = opening.end()
        if opening[0] == "{#":
            at = template.find("#}", at) + 2
            if at < 2:
                return found, False
            continue
        tokens, at = _tokens(template, at)
        if not tokens or tokens[-1].kind != "end":
            return [*found, Block(opening[0] == "{%", _folded(tokens))], False
        block = Block(opening[0] == "{%", _folded(tokens[:-1]))
        found.append(block)
        if block.statement and block.tokens[:1] and block.tokens[0].text == "raw":
            closing = _RAW_END.search(template, at)
            if closing is None:
                return found, False
            at = closing.end()
    return found, True


def _tokens(template: str, at: int) -> tuple[list[Token], int]:
    tokens: list[Token] = []
    depth = 0
    while at < len(template):
        match = _TOKEN.match(template, at)
        if match is None:
            break
        kind, text = match.lastgroup, match[0]
        if kind == "end" and depth and text == "}}":  # the end of a dict inside an expression
            kind, text = "operator", "}"
        at += len(text)
        if kind is None:
            continue
        if kind == "operator":
            depth += (text == "{") - (text == "}" and depth > 0)
        tokens.append(Token(kind, _unquoted(text) if kind == "string" else text, match.start()))
        if kind == "end":
            break
    return tokens, at


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)


def _unquoted(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "xuU" and len(code) > 1:
            value = int(code[1:], 16)
            return chr(value) if value < 0x110000 else ""
        return chr(int(code, 8)) if code[0] in "01234567" else {"n": "\n", "t": "\t"}.get(code, code)

    return _ESCAPE.sub(plain, text[1:-1])


def _folded(tokens: list[Token]) -> list[Token]:
    """Join neighbouring strings, also across `~` and `+`."""
    folded: list[Token] = []
    for token in tokens:
        joins = len(folded) > 1 and folded[-1].kind == "operator" and folded[-1].text in "~+"
        if token.kind == "string" and joins and folded[-2].kind == "string":
            folded.pop()
            folded[-1] = folded[-1]._replace(text=folded[-1].text + token.text)
        elif token.kind == "string" and folded and folded[-1].kind == "string":
            folded[-1] = folded[-1]._replace(text=folded[-1].text + token.text)
        else:
            folded.append(token)
    return folded


def _reach(block: Block, path: str, notes: Notes, *, offset: int) -> None:
    """Say what an expression reaches for that no chat template needs."""
    tokens = block.tokens
    if block.statement and tokens[:1] and tokens[0].text in _OUTSIDE:
        notes.find("template.outside", path, offset + tokens[0].at, name=tokens[0].text)
    for number in range(len(tokens)):
        rule = _rule(tokens, number)
        if rule:
            notes.find(rule, path, offset + tokens[number].at, name=tokens[number].text)


def _rule(tokens: list[Token], number: int) -> str:
    """Name the rule that one token breaks where it stands, or nothing."""
    kind, text, _ = tokens[number]
    before = tokens[number - 1].text if number else ""
    after = tokens[number + 1].text if number + 1 < len(tokens) else ""
    attribute = kind == "name" and before == "."
    subscript = kind == "string" and (before in {"[", "(", "="} or after == "]")
    if ((attribute or subscript) and (_DUNDER.search(text) or text in _REACHING)) or (
        kind == "name" and _DUNDER.fullmatch(text)
    ):
        return "template.escape"
    if kind == "name" and text in _OBJECTS and before != "." and after in {".", "["}:
        return "template.outside"
    rest = tokens[number + 1 :]
    computed = (text == "attr" and before == "|" and _computed(rest)) or (text == "[" and _built(rest))
    return "template.computed-attribute" if computed or (kind == "string" and _DUNDER.fullmatch(text)) else ""


def _computed(tokens: list[Token]) -> bool:
    """Tell whether the filter's argument is anything but one string."""
    return len(tokens) > 2 and not (tokens[1].kind == "string" and tokens[2].text == ")")


def _built(tokens: list[Token]) -> bool:
    """Tell whether a subscript puts its key together out of strings with filters: `x['%c%c'|format(…)]`."""
    inside: list[Token] = []
    for token in tokens:
        if token.text == "]":
            break
        inside.append(token)
    filters = {token.text for before, token in pairwise(inside) if before.text == "|"}
    return any(token.kind == "string" for token in inside) and bool(filters & _BUILDING)


@lru_cache(maxsize=1)
def _instruction() -> Instruction:
    words = package_data(__package__, "instructions.yaml")
    return Instruction(*(re.compile("|".join(words[name]), re.IGNORECASE) for name in ("commands", "secrecy")))


def _hidden(blocks: list[Block], template: str, path: str, notes: Notes, *, offset: int) -> None:
    """Find text that is put in only when a message holds a certain word, and that gives orders."""
    patterns, triggers = _instruction(), list[bool]()
    for number, (statement, tokens) in enumerate(blocks):
        first = tokens[0].text if tokens else ""
        if statement and first == "if":
            triggers.append(_on_content(tokens))
        elif statement and first == "elif" and triggers:
            triggers[-1] = _on_content(tokens)
        elif statement and first == "endif" and triggers:
            triggers.pop()
        start = tokens[0].at if tokens else 0
        following = template[tokens[-1].at : _start_of(blocks, number + 1)] if tokens else ""
        said = " ".join([token.text for token in tokens if token.kind == "string"] + [following if statement else ""])
        orders = len(patterns.commands.findall(said)) + 2 * len(patterns.secrecy.findall(said))
        if any(triggers) and orders >= 2:
            notes.find("template.hidden-instruction", path, offset + start)


def _start_of(blocks: list[Block], number: int) -> int | None:
    return blocks[number].tokens[0].at if number < len(blocks) and blocks[number].tokens else None


def _on_content(tokens: list[Token]) -> bool:
    """Tell whether a condition asks for a literal word inside a message's content."""
    texts = [token.text for token in tokens]
    words = [
        token.text
        for at, token in enumerate(tokens)
        if token.kind == "string" and ("in" in texts[at + 1 : at + 2] or texts[at - 1] in {"(", "=="})
    ]
    own = [word for word in words if word not in {"content", "role"} and word[:1] not in {"<", "["}]
    return "content" in texts and any(c.isalpha() for word in own for c in word)
