"""Make the reading data of the lexicon: syllables, split characters, traditional forms. Run once, by a maintainer.

    python benchmarks/guard/make_readings.py --split chaizi.json --prose posts.txt --out src/jingwei/detect/readings

Needs `pypinyin` (MIT) and `opencc-python-reimplemented` (Apache-2.0) in the environment that runs it; the product needs
neither. `--split` is AI-Infra-Guard's character decomposition (Tencent, Apache-2.0 with attribution). `--prose` is any
ordinary Chinese text: parts of a character that stand side by side in it are marked `~`, for alone they mean nothing.
"""

import argparse
import json
import unicodedata
from collections import Counter
from pathlib import Path

import opencc
from pypinyin import Style, lazy_pinyin, pinyin
from pypinyin.phrases_dict import phrases_dict

HAN = range(0x4E00, 0xA000)
NATURAL = 3
"""Seen this often in the prose, a sequence of parts is natural there."""
ALSO_NATURAL = ("言人",)
"""Seldom in that prose, not in other: who speaks for somebody."""
SAME_RADICAL = dict(zip("氵亻扌钅礻忄犭纟讠饣辶刂灬艹衤阝", "水人手金示心犬糸言食之刀火草衣耳", strict=True))


def syllables() -> str:
    used: Counter[tuple[str, str]] = Counter()
    for phrase, readings in phrases_dict.items():
        for character, reading in zip(phrase, readings, strict=False):
            used[character, plain(reading[0])] += 1
    first: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    for code in HAN:
        character = chr(code)
        main = lazy_pinyin(character, style=Style.NORMAL, v_to_u=False, errors="ignore")
        if not main:
            continue
        first.setdefault(main[0], []).append(character)
        readings = dict.fromkeys(plain(each) for each in pinyin(character, style=Style.NORMAL, heteronym=True)[0])
        total = sum(used[character, each] for each in readings) or 1
        common = [each for each in readings if each != main[0] and used[character, each] >= max(3, total * 0.02)]
        for each in common[:2]:
            other.setdefault(each, []).append(character)
    names = sorted(name for name in first.keys() | other.keys() if name.isascii() and name.isalpha())
    return "".join(f"{each}\t{''.join(first.get(each, []))}\t{''.join(other.get(each, []))}\n" for each in names)


def plain(syllable: str) -> str:
    letters = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(each for each in letters if each.isascii() and each.isalpha())


def splits(source: Path, prose: str) -> str:
    converter = opencc.OpenCC("t2s")
    table: dict[str, dict[str, None]] = {}
    for character, ways in json.loads(source.read_text(encoding="utf-8")).items():
        target = converter.convert(character)
        if len(target) != 1 or target != character or ord(character) not in HAN or not common(character):
            continue
        for way in ways:
            for parts in (way, [SAME_RADICAL.get(each, each) for each in way]):
                simple = converter.convert("".join(parts))
                if 2 <= len(simple) <= 4 and all(each.isalpha() and ord(each) >= 0x2E80 for each in simple):
                    table.setdefault(character, {})[simple] = None
    counts = Counter(prose[at : at + length] for length in (2, 3, 4) for at in range(len(prose)))
    lines = []
    for character, ways in sorted(table.items()):
        marked = [
            f"{way}~" if counts[way] >= NATURAL or way in ALSO_NATURAL else way for way in ways if way != character
        ]
        lines.append(f"{character}\t{' '.join(marked)}\n")
    return "".join(lines)


def common(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def traditional() -> str:
    converter = opencc.OpenCC("t2s")
    pairs = [f"{chr(code)}{to}" for code in range(0x3400, 0xA000) for to in [converter.convert(chr(code))]
             if len(to) == 1 and to != chr(code)]  # fmt: skip
    return "".join(" ".join(pairs[at : at + 24]) + "\n" for at in range(0, len(pairs), 24))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--prose", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(exist_ok=True)
    prose = chosen.prose.read_text(encoding="utf-8")
    files = {"syllables": syllables(), "splits": splits(chosen.split, prose), "traditional": traditional()}
    for name, made in files.items():
        (chosen.out / f"{name}.txt").write_text(made, encoding="utf-8")
        print(name, len(made.splitlines()), "lines", len(made.encode()), "bytes")


if __name__ == "__main__":
    main()
