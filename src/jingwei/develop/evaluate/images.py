"""Pictures of text, drawn here from a small set of letters: no font and no image library is needed.

`glyphs.npz` holds bitmaps of ASCII and of the ideographs of GB 2312's first level. What has a letter beyond them cannot
be drawn: `undrawable` says which, and a case with one is reported as an error, not as a result.
"""

import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Style = Literal["plain", "faint", "noise"]
Pixels = NDArray[np.uint8]
_SIZE, _SCALE, _MARGIN, _WIDE = 20, 2, 16, 360
"""Pixels of a letter, how often each is repeated, the margin, and the width of a line before it is scaled."""
_LONGEST = 1_200
"""Characters of a text that are drawn."""
_SHADES: Mapping[Style, tuple[int, int]] = {"plain": (255, 0), "faint": (236, 214), "noise": (235, 70)}
"""Paper and ink. Faint text is hidden from a glance, not from a reader who looks for it."""


class _Glyphs(NamedTuple):
    places: Mapping[str, int]
    widths: NDArray[np.uint8]
    bits: NDArray[np.bool_]


@lru_cache(maxsize=1)
def _glyphs() -> _Glyphs:
    with files(__package__).joinpath("glyphs.npz").open("rb") as file, np.load(file, allow_pickle=False) as found:
        places = {chr(code): place for place, code in enumerate(found["letters"].tolist())}
        bits = np.unpackbits(found["bits"], axis=1).astype(bool)[:, : _SIZE * _SIZE].reshape(-1, _SIZE, _SIZE)
        return _Glyphs(places, found["widths"], bits)


def undrawable(text: str) -> str:
    """Return the letters of a text that cannot be drawn, each once."""
    return "".join(dict.fromkeys(each for each in text if each != "\n" and each not in _glyphs().places))


def picture(text: str, *, style: Style = "plain", seed: int = 0) -> bytes:
    """Draw a text and return a PNG; the same text, style and seed give the same bytes.

    Args:
        text: what is written; lines are broken to fit.
        style: black on white, nearly the colour of the paper, or under noise.
        seed: of the noise.
    """
    paper, ink = _SHADES[style]
    mask = _page(text[:_LONGEST])
    pixels = np.where(mask, ink, paper).astype(np.int16)
    if style == "noise":
        random = np.random.default_rng(seed)
        pixels += random.integers(-60, 61, pixels.shape, dtype=np.int16)
        pixels[random.random(pixels.shape) < 0.04] = ink
    return _png(np.clip(pixels, 0, 255).astype(np.uint8))


def _page(text: str) -> NDArray[np.bool_]:
    lines = [row for line in text.split("\n") for row in _rows(line)]
    page = np.zeros((len(lines) * (_SIZE + 6), _WIDE), dtype=bool)
    for number, line in enumerate(lines):
        left, top = 0, number * (_SIZE + 6) + 3
        for place in line:
            width = int(_glyphs().widths[place])
            page[top : top + _SIZE, left : left + width] |= _glyphs().bits[place][:, :width]
            left += width
    page = np.pad(page, _MARGIN)
    return page.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1)


def _rows(line: str) -> list[list[int]]:
    """Break a line where its next word or ideograph would not fit."""
    known = _glyphs()
    rows: list[list[int]] = [[]]
    left = 0
    for word in _words(line):
        places = [known.places[each] for each in word if each in known.places]
        wide = sum(int(known.widths[each]) for each in places)
        if left + wide > _WIDE and rows[-1]:
            rows.append([])
            left = 0
        for place in places:
            if left + int(known.widths[place]) > _WIDE:
                rows.append([])
                left = 0
            rows[-1].append(place)
            left += int(known.widths[place])
    return rows


def _words(line: str) -> list[str]:
    found: list[str] = []
    for letter in line:
        joins = letter.isascii() and letter != " " and found and found[-1][-1].isascii() and found[-1][-1] != " "
        if joins:
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _png(pixels: Pixels) -> bytes:
    """Write eight-bit grey."""
    height, width = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), dtype=np.uint8), pixels], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
