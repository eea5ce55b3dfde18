"""Encodings of a request's bytes, each with its exact inverse."""

import base64
import binascii
import html
import quopri
import random
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

from jingwei.core.text import Language
from jingwei.develop.evaluate.transforms.values import Transform

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_LONGEST = 2_000
"""Characters: two encodings take time that grows with the square of the length."""
_IDEOGRAPHS, _IDEOGRAPH_BITS = 0x4E00, 11
_EMOJI = 0x1F400


def _of(name: str, encode: Callable[[bytes], str], decode: Callable[[str], bytes], *,
        languages: tuple[Language, ...] = ("zh", "en")) -> Transform:  # fmt: skip
    def change(text: str, _: Language, __: random.Random) -> str:
        return encode(text.encode("utf-8", "surrogatepass"))

    def undo(said: str, _: Language) -> str:
        return decode(said).decode("utf-8", "surrogatepass")

    return Transform(name, "encoding", change, languages, undo)


def _numbers(spec: str, base: int) -> tuple[Callable[[bytes], str], Callable[[str], bytes]]:
    return (
        lambda data: " ".join(format(byte, spec) for byte in data),
        lambda said: bytes(int(each, base) for each in said.split()),
    )


def _base58(data: bytes) -> str:
    number, digits = int.from_bytes(b"\1" + data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return digits


def _unbase58(said: str) -> bytes:
    number = 0
    for each in said:
        number = number * 58 + _BASE58.index(each)
    return number.to_bytes((number.bit_length() + 7) // 8)[1:]


def _base45(data: bytes) -> str:
    """Encode as RFC 9285 says: two bytes in three signs, a last one in two."""
    said = ""
    for at in range(0, len(data), 2):
        number, size = int.from_bytes(data[at : at + 2]), 3 if at + 1 < len(data) else 2
        for _ in range(size):
            number, digit = divmod(number, 45)
            said += _BASE45[digit]
    return said


def _unbase45(said: str) -> bytes:
    data = b""
    for at in range(0, len(said), 3):
        group = said[at : at + 3]
        number = sum(_BASE45.index(each) * 45**place for place, each in enumerate(group))
        data += number.to_bytes(len(group) - 1)
    return data


def _ideographs(data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data) + "1"
    bits += "0" * (-len(bits) % _IDEOGRAPH_BITS)
    pieces = (bits[at : at + _IDEOGRAPH_BITS] for at in range(0, len(bits), _IDEOGRAPH_BITS))
    return "".join(chr(_IDEOGRAPHS + int(piece, 2)) for piece in pieces)


def _unideographs(said: str) -> bytes:
    bits = "".join(format(ord(each) - _IDEOGRAPHS, f"0{_IDEOGRAPH_BITS}b") for each in said).rstrip("0")[:-1]
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def _uuencoded(data: bytes) -> str:
    return "\n".join(binascii.b2a_uu(data[at : at + 45]).decode().rstrip("\n") for at in range(0, len(data), 45))


def _selectors(data: bytes) -> str:
    return "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in data)


def _unselectors(said: str) -> bytes:
    return bytes(code - 0xFE00 if (code := ord(each)) < 0xFE10 else code - 0xE0100 + 16 for each in said)


def _in_units(text: str, _: Language, __: random.Random) -> str:
    data = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at] << 8 | data[at + 1]:04x}" for at in range(0, len(data), 2))


def _from_units(said: str, _: Language) -> str:
    return bytes.fromhex(said.replace("\\u", "")).decode("utf-16-be", "surrogatepass")


def _entities(text: str, _: Language, __: random.Random) -> str:
    return "".join(f"&#{ord(each)};" for each in text)


def _short_by_codec(codec: str) -> Callable[[str, Language, random.Random], str]:
    def change(text: str, _: Language, __: random.Random) -> str:
        try:
            return text.encode(codec).decode("ascii") if len(text) <= _LONGEST else text
        except UnicodeError:
            return text

    return change


def bytewise() -> Iterator[Transform]:
    """Give the encodings."""
    yield _of("base64", lambda data: base64.b64encode(data).decode(), base64.b64decode)
    yield _of("base32", lambda data: base64.b32encode(data).decode(), base64.b32decode)
    yield _of("base45", _base45, _unbase45)
    short = _of("base58", _base58, _unbase58)
    yield Transform(
        "base58",
        "encoding",
        lambda text, language, chance: short.change(text, language, chance) if len(text) <= _LONGEST else text,
        undo=short.undo,
    )
    yield _of("base85", lambda data: base64.b85encode(data).decode(), base64.b85decode)
    yield _of("ascii85", lambda data: base64.a85encode(data).decode(), base64.a85decode)
    yield _of("hex", bytes.hex, bytes.fromhex)
    yield _of("binary", *_numbers("08b", 2), languages=("en",))
    yield _of("octal", *_numbers("03o", 8))
    yield _of("decimal", *_numbers("d", 10))
    yield _of("url", lambda data: "".join(f"%{byte:02X}" for byte in data), unquote_to_bytes)
    yield Transform("html-entities", "encoding", _entities, undo=lambda said, _: html.unescape(said), alike="letters")
    yield Transform("unicode-escape", "encoding", _in_units, undo=_from_units)
    yield _of("quoted-printable", lambda data: "".join(f"={byte:02X}" for byte in data), quopri.decodestring)
    yield _of("uuencode", _uuencoded, lambda said: b"".join(map(binascii.a2b_uu, said.splitlines())))
    yield Transform("utf-7", "encoding", _short_by_codec("utf-7"), ("zh",),
                    lambda said, _: said.encode().decode("utf-7"))  # fmt: skip
    yield Transform("punycode", "encoding", _short_by_codec("punycode"), ("zh",),
                    lambda said, _: said.encode().decode("punycode"))  # fmt: skip
    yield _of("base2048", _ideographs, _unideographs)
    yield _of("emoji-bytes", lambda data: "".join(chr(_EMOJI + byte) for byte in data),
              lambda said: bytes(ord(each) - _EMOJI for each in said))  # fmt: skip
    yield _of("variation-selectors", _selectors, _unselectors)
