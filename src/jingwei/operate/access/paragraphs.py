"""Cutting a document into paragraphs, each with the heading it stands under."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jingwei.core.errors import InputError
from jingwei.operate.access.acl import Acl

LONGEST_DOCUMENT = 5_000_000
LONGEST_PARAGRAPH = 1_200
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.+?)\s*#*\s*$")
_END = re.compile(r"(?<=[\u3002\uff01\uff1f!?;\uff1b.])\s*")


class Section(NamedTuple):
    """A heading under which everything, deeper headings too, is for fewer people."""

    heading: str
    acl: Acl


class Part(NamedTuple):
    """One paragraph."""

    heading: str
    """The headings above it, from the outermost on."""
    text: str
    acl: Acl | None
    """Its own list; none: the document's."""


def paragraphs(text: str, sections: Sequence[Section] = ()) -> tuple[Part, ...]:
    """Cut a text at blank lines and headings, and what is longer than a paragraph at the ends of sentences.

    Raises:
        InputError: the text is too long, or a section's heading does not stand in it.
    """
    if len(text) > LONGEST_DOCUMENT:
        raise InputError("operate.access:document-too-long", field="text", limit=LONGEST_DOCUMENT)
    narrowed = {section.heading: section.acl for section in sections}
    seen: set[str] = set()
    found: list[Part] = []
    above: list[tuple[int, str]] = []
    for block in _blocks(text):
        heading = _HEADING.match(block)
        if heading:
            depth = len(heading[1])
            above = [each for each in above if each[0] < depth] + [(depth, heading[2])]
            seen.add(heading[2])
            continue
        # The innermost heading with a list decides: it was written with the outer one in view.
        acl = next((narrowed[name] for _, name in reversed(above) if name in narrowed), None)
        path = " \u203a ".join(name for _, name in above)
        found.extend(Part(path, piece, acl) for piece in _pieces(block))
    missing = narrowed.keys() - seen
    if missing:
        raise InputError("operate.access:no-heading", field="sections.heading", heading=min(missing))
    return tuple(found)


def _blocks(text: str) -> Iterator[str]:
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip() and not _HEADING.match(line):
            block.append(line)
            continue
        if block:
            yield "\n".join(block).strip()
            block = []
        if line.strip():
            yield line


def _pieces(block: str) -> Iterator[str]:
    rest = ""
    for sentence in _END.split(block) if len(block) > LONGEST_PARAGRAPH else [block]:
        for start in range(0, len(sentence), LONGEST_PARAGRAPH):
            piece = sentence[start : start + LONGEST_PARAGRAPH]
            if rest and len(rest) + len(piece) > LONGEST_PARAGRAPH:
                yield rest
                rest = ""
            rest = f"{rest} {piece}".strip()
    if rest:
        yield rest
