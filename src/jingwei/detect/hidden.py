"""What a text hides: characters that show nothing but spell something, and encoded payloads.

Bounded on purpose: a few payloads of a few kilobytes, decoded once, never executed.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

MOST_PAYLOADS = 16
LONGEST_PAYLOAD = 8_192

_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{3,}")
_OVERRIDES = re.compile("[\u202d\u202e]|[\u2066-\u2068](?=[\x00-\x7f])|[\u200b\u200c\u2060-\u2064\ufeff]{8,}")
_BASE64 = re.compile(r"(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{20,}={0,2}(?![0-9A-Za-z+/_-])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:\\?x?[0-9a-fA-F]{2}[ ]?){12,}(?![0-9A-Za-z])")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}[0-9A-Za-z+._-]{0,4}){8,}")


_QUOTED = re.compile(r'"([^"\n]{1,400})"|“([^”\n]{1,400})”|‘([^’\n]{1,400})’|「([^」\n]{1,400})」|'
                     r"(?<!\w)'([^'\n]{1,400})'(?!\w)")  # fmt: skip
_MOST_PIECES = 64


class Revealed(NamedTuple):
    """A hidden text, and where it was hidden."""

    start: int
    end: int
    text: str
    invisible: bool
    """Hidden from the eye, not only encoded: suspicious whatever it says."""


def reveal(text: str) -> Iterator[Revealed]:
    """Bring out what is hidden in a text as it was given."""
    if not text.isascii():
        yield from _invisible(text)
    found = 0
    for pattern, decode in ((_BASE64, _from_base64), (_HEX, _from_hex), (_PERCENT, unquote)):
        for match in pattern.finditer(text):
            plain = decode(match[0][:LONGEST_PAYLOAD])
            if plain and plain != match[0]:
                yield Revealed(match.start(), match.end(), plain, invisible=False)
                found += 1
            if found >= MOST_PAYLOADS:
                return


def joined(text: str) -> Revealed | None:
    """Put quoted pieces together as the text may ask a model to: a request cut into parts is still that request."""
    pieces = []
    for match in _QUOTED.finditer(text):
        pieces.append(match)
        if len(pieces) == _MOST_PIECES:
            break
    if len(pieces) < 2:
        return None
    whole = "".join(next(part for part in match.groups() if part) for match in pieces)
    return Revealed(pieces[0].start(), pieces[-1].end(), whole, invisible=False)


def _invisible(text: str) -> Iterator[Revealed]:
    for match in _TAGS.finditer(text):
        spelled = "".join(chr(ord(character) - 0xE0000) for character in match[0][:LONGEST_PAYLOAD])
        yield Revealed(match.start(), match.end(), spelled, invisible=True)
    for match in _OVERRIDES.finditer(text):
        yield Revealed(match.start(), match.end(), "", invisible=True)


def _from_base64(encoded: str) -> str:
    body = encoded.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        return _printable(base64.b64decode(body + "=" * (-len(body) % 4)))
    except binascii.Error:
        return ""


def _from_hex(encoded: str) -> str:
    try:
        return _printable(bytes.fromhex(re.sub(r"\\?x|[ ]", "", encoded)))
    except ValueError:
        return ""


def _printable(raw: bytes) -> str:
    try:
        plain = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return plain if all(each.isprintable() or each in "\n\r\t" for each in plain) else ""
