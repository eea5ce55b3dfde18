"""One answer of a service, read once: its title and its JSON, bounded, whatever a hostile server sends."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from html import unescape

import orjson

from jingwei.core.canonical import Json

READ_BYTES = 256 * 1024
"""Kept of a body."""
TEXT_CHARACTERS = 64 * 1024
"""Looked at with patterns."""
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})</title", re.IGNORECASE)
_MOST_BRANCHES = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered to one path."""

    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in small letters, in the order they came."""
    content: bytes
    text: str
    """The head of the body."""
    title: str
    value: Json
    """The body as JSON; none where it is not."""
    cut: bool = False
    """The body was longer than what is kept, or ended too early."""
    moved: tuple[str, ...] = ()
    """Addresses of the redirects on the way here, and of the one it ends in."""

    def header(self, name: str) -> str:
        """Return a header's values, joined; empty where it is not there."""
        return ", ".join(value for each, value in self.headers if each == name)

    @property
    def sha256(self) -> str:
        """Return the hash of the body."""
        return sha256(self.content).hexdigest()

    def at(self, place: str) -> Iterator[Json]:
        """Give every value at a place such as `data.*.owned_by`, at most a few dozen."""
        yield from _walk(self.value, place.split(".") if place else [])


def read_answer(path: str, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False,
                moved: tuple[str, ...] = ()) -> Answer:  # fmt: skip
    """Read an answer as it came."""
    named = tuple((name.lower(), value) for name, value in headers)
    coding = next((value.strip().lower() for name, value in named if name == "content-encoding"), "")
    if coding in {"gzip", "x-gzip", "deflate"}:
        content, whole = _unpacked(content)
        cut = cut or not whole
    text = content[: TEXT_CHARACTERS * 2].decode("utf-8", "replace")[:TEXT_CHARACTERS]
    found = _TITLE.search(text)
    title = " ".join(unescape(found[1]).split()) if found else ""
    return Answer(path, status, named, content, text, title, _json(content), cut, moved)


def _unpacked(content: bytes) -> tuple[bytes, bool]:
    """Unpack at most what is kept: a bomb is cut."""
    for window in (47, -15):
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(content, READ_BYTES)
        except zlib.error:
            continue
        return found, unpacker.eof
    return b"", False


def _json(content: bytes) -> Json:
    if content.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None
    try:
        found: Json = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return found


def _walk(value: Json, places: list[str]) -> Iterator[Json]:
    if not places:
        yield value
        return
    here, rest = places[0], places[1:]
    if here == "*":
        branches = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        for each in branches[:_MOST_BRANCHES]:
            yield from _walk(each, rest)
    elif isinstance(value, dict) and here in value:
        yield from _walk(value[here], rest)
    elif isinstance(value, list) and here.isdecimal() and int(here) < len(value):
        yield from _walk(value[int(here)], rest)
