"""Encodings: plain text out of what only looks like noise, where a cheap look says that it is worth a try.

Each decoder reads one payload of bounded length once and never executes anything. Spans count characters of the text
that was given.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from html import unescape
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import unquote

import yaml
from pydantic import BaseModel, ConfigDict

from jingwei.detect.matcher import Matcher, matcher

LONGEST_PAYLOAD = 8_192
_LEAST_RUN = 16
"""Letters of the shortest run that may be base64, base32 or hexadecimal."""
_ALPHABET = 26
_BYTE = 8
_SURE = 0.75
"""Share of letters, digits and blanks from which on decoded bytes are text."""


class Triggers(BaseModel):
    """What is worth looking for, and the tables of codes: `hidden.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: Mapping[str, tuple[str, ...]]
    """Kind of encoding → strings that hint at it."""
    letters: Mapping[str, str]
    morse: Mapping[str, str]


class Payload(NamedTuple):
    """A decoded text, and where its code stood."""

    start: int
    end: int
    text: str


@lru_cache(maxsize=1)
def triggers() -> Triggers:
    """Read the data file beside this module."""
    source = files("jingwei.detect").joinpath("hidden.yaml").read_text(encoding="utf-8")
    return Triggers.model_validate(yaml.safe_load(source))


_RUN = re.compile(r"(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{16,}={0,6}(?![0-9A-Za-z+/_-])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:\\?x|0x)?[0-9a-fA-F]{2}[ ,:]{0,2}){8,}(?![0-9A-Za-z])")
_BINARY = re.compile(r"(?<![0-9])(?:[01]{7,8}[ ,]{0,2}){4,}(?![0-9])")
_DECIMAL = re.compile(r"(?<![0-9])(?:[0-9]{2,3}[ ,]{1,2}){7,}[0-9]{2,3}(?![0-9])")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}[0-9A-Za-z+._-]{0,12}){4,}")
_ENTITIES = re.compile(r"(?:&#x?[0-9a-fA-F]{2,6};[ ]?){4,}")
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]{2,6}\}|\\x[0-9a-fA-F]{2}){4,}")
_ESCAPE = re.compile(r"\\[ux]\{?([0-9a-fA-F]{2,6})\}?")
_MORSE = re.compile(r"(?<![.\-])[.\-]{1,6}(?:[ /|]{1,3}[.\-]{1,6}){5,}(?![.\-])")
_MIXED = re.compile(r"[a-z@$!|0-9]*(?:[a-z][013457@$!|]|[013457@$!|][a-z])[a-z@$!|0-9]*")


@lru_cache(maxsize=1)
def _hints() -> tuple[Matcher, tuple[frozenset[str], ...]]:
    """Compile the hints: an automaton over all of them, and what kinds each belongs to."""
    kinds = triggers().kinds
    words = sorted({word for listed in kinds.values() for word in listed})
    return matcher(words), tuple(frozenset(kind for kind, listed in kinds.items() if word in listed) for word in words)


def decoded(clean: str, folded: str) -> Iterator[Payload]:
    """Give every reading that a code in the text hides; a text without a hint costs one pass."""
    automaton, kinds = _hints()
    hinted = frozenset[str]().union(*(kinds[number] for number in {number for _, _, number in automaton.find(folded)}))
    if _has_run(clean):
        yield from _matches(_RUN, _from_run, clean)
    for kind, (pattern, decode) in _CODES.items():
        if kind in hinted:
            yield from _matches(pattern, decode, clean)
    text = folded[:LONGEST_PAYLOAD]
    for kind, respell in _SPELLINGS:
        if kind in hinted and (plain := respell(text)) != text:
            yield Payload(0, len(text), plain)


def _has_run(clean: str) -> bool:
    """Tell whether a word is long enough to be a code; most Chinese texts hold too few letters for one."""
    if not clean.isascii() and len(clean.encode("ascii", "ignore")) < _LEAST_RUN:
        return False
    return len(max(clean.split(), key=len, default="")) >= _LEAST_RUN


def _matches(pattern: re.Pattern[str], decode: Callable[[str], str], text: str) -> Iterator[Payload]:
    for match in pattern.finditer(text):
        plain = decode(match[0][:LONGEST_PAYLOAD])
        if plain and plain != match[0]:
            yield Payload(match.start(), match.end(), plain)


def _from_run(run: str) -> str:
    """Read a run of letters as hexadecimal, base32 or base64, whichever gives text."""
    body = run.rstrip("=")
    if len(body) % 2 == 0 and re.fullmatch(r"[0-9a-fA-F]+", body):
        return _from_hex(body)
    if re.fullmatch(r"[A-Z2-7]+|[a-z2-7]+", body) and (plain := _from_base32(body)):
        return plain
    body = body.translate({ord("-"): "+", ord("_"): "/"})
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        return _printable(base64.b64decode(body + "=" * (-len(body) % 4)))
    except binascii.Error:
        return ""


def _from_base32(body: str) -> str:
    try:
        return _printable(base64.b32decode(body.upper() + "=" * (-len(body) % 8)))
    except binascii.Error:
        return ""


def _from_hex(encoded: str) -> str:
    try:
        return _printable(bytes.fromhex(re.sub(r"\\?x|0x|[ ,:]", "", encoded)))
    except ValueError:
        return ""


def _from_binary(encoded: str) -> str:
    groups = re.split(r"[ ,]+", encoded.strip(" ,"))
    if max(map(len, groups)) > _BYTE:
        whole = "".join(groups)
        groups = [whole[start : start + _BYTE] for start in range(0, len(whole), _BYTE)]
    return _printable(bytes(int(group, 2) for group in groups))


def _from_decimal(encoded: str) -> str:
    numbers = [int(each) for each in re.split(r"[ ,]+", encoded)]
    return _printable(bytes(numbers)) if max(numbers) <= 255 else ""


def _from_escapes(encoded: str) -> str:
    codes = [int(code, 16) for code in _ESCAPE.findall(encoded)]
    return "".join(chr(code) for code in codes if code < 0x110000 and not 0xD800 <= code < 0xE000)


def _from_morse(encoded: str) -> str:
    table = triggers().morse
    words = re.split(r" ?[/|] ?|   ?", encoded.strip())
    plain = " ".join("".join(table.get(each, "") for each in word.split()) for word in words)
    return plain if sum(map(str.isalpha, plain)) * 4 >= len(plain) * 3 else ""


def _shifted(text: str, by: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return text.translate(str.maketrans(letters, letters[by:] + letters[:by]))


def _closed_up(text: str) -> str:
    """Put single letters or ideographs that something keeps apart together again; a wider gap is a blank."""
    plain = re.sub(r"(?<=[^\W_])[ \-_.*·|](?=[^\W_](?:[ \-_.*·|]|$|[^\w]))", "", text)
    return re.sub(r"(?<=[\u4e00-\u9fff])[ \-_.*·|](?=[\u4e00-\u9fff])", "", plain)


def _plain_letters(match: re.Match[str]) -> str:
    return match[0].translate({ord(sign): letter for sign, letter in triggers().letters.items()})


def _printable(raw: bytes) -> str:
    """Return bytes as text if they are text: printable, and mostly letters and digits (another code, perhaps)."""
    try:
        plain = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    if not all(each.isprintable() or each in "\n\r\t" for each in plain):
        return ""
    return plain if sum(each.isalnum() or each.isspace() for each in plain) >= _SURE * len(plain) else ""


_CODES: Mapping[str, tuple[re.Pattern[str], Callable[[str], str]]] = {
    "percent": (_PERCENT, unquote),
    "entities": (_ENTITIES, unescape),
    "escapes": (_ESCAPES, _from_escapes),
    "dashes": (_MORSE, _from_morse),
    "hexadecimal": (_HEX, _from_hex),
    "binary": (_BINARY, _from_binary),
    "decimal": (_DECIMAL, _from_decimal),
}
_SPELLINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("rot13", lambda text: _shifted(text, 13)),
    ("caesar", lambda text: _shifted(text, _ALPHABET - 3)),
    ("caesar", lambda text: _shifted(text, 3)),
    ("reversed", lambda text: text[::-1]),
    ("spaced", _closed_up),
    ("leet", lambda text: _MIXED.sub(_plain_letters, text)),
)
"""The whole text read in another way, where it asks for that or looks like it."""
