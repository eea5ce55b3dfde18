"""Make `transforms/tones.txt`: the toned syllable of each common character of GB 2312; needs pypinyin, which we do not.

python benchmarks/evaluate/make_tones.py > src/jingwei/develop/evaluate/transforms/tones.txt
"""

import sys

from pypinyin import Style, pinyin  # type: ignore[import-not-found]  # of the machine that makes the table

COMMON_ROWS = range(0xB0, 0xD8)
COLUMNS = range(0xA1, 0xFF)


def main() -> None:
    """Write a line for each syllable."""
    rows: dict[str, str] = {}
    for row in COMMON_ROWS:
        for column in COLUMNS:
            try:
                character = bytes((row, column)).decode("gb2312")
            except UnicodeDecodeError:
                continue
            syllable = pinyin(character, style=Style.TONE)[0][0]
            rows[syllable] = rows.get(syllable, "") + character
    sys.stdout.writelines(f"{syllable}\t{characters}\n" for syllable, characters in sorted(rows.items()))


if __name__ == "__main__":
    main()
