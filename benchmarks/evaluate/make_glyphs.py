"""Make `glyphs.npz`, the letters of pictures: `python benchmarks/evaluate/make_glyphs.py FONT [--index N]`.

Needs Pillow and a font whose licence allows it; the shipped file was made from Noto Sans CJK SC (SIL Open Font License
1.1, see NOTICE). Each letter is a bitmap of 20 by 20: printable ASCII, the punctuation of Chinese, and the 3,755
ideographs of GB 2312's first level. The product itself needs neither font nor Pillow.
"""

import argparse
from pathlib import Path

import numpy as np

SIZE = 20
OUT = Path(__file__).parents[2] / "src/jingwei/develop/evaluate/glyphs.npz"
MARKS = (
    "\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff01\uff08\uff09\u201c\u201d\u2018\u2019"
    "\u300a\u300b\u2014\u2026\u00b7\uffe5\uff05\uff0d"
)
INK = 100


def letters() -> str:
    """Return every letter, in the order of their numbers."""
    ideographs = (bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    known = [pair.decode("gb2312", errors="ignore") for pair in ideographs]
    return "".join(sorted({*map(chr, range(0x20, 0x7F)), *MARKS, *"".join(known)}))


def main() -> None:
    """Draw and pack."""
    from PIL import Image, ImageDraw, ImageFont

    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("font")
    parser.add_argument("--index", type=int, default=2)
    wanted = parser.parse_args()
    font = ImageFont.truetype(wanted.font, SIZE - 2, index=wanted.index)
    drawn, widths = [], []
    for letter in letters():
        image = Image.new("L", (SIZE, SIZE), 0)
        ImageDraw.Draw(image).text((1, SIZE - 4), letter, font=font, fill=255, anchor="ls")
        drawn.append(np.asarray(image) > INK)
        widths.append(min(SIZE, round(font.getlength(letter)) + (1 if letter.isascii() else 2)))
    np.savez_compressed(
        OUT,
        letters=np.array([ord(each) for each in letters()], dtype=np.uint16),
        widths=np.array(widths, dtype=np.uint8),
        bits=np.packbits(np.array(drawn).reshape(len(drawn), -1), axis=1),
    )
    print(f"{len(drawn)} letters, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
