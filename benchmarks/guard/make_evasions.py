"""Write words in the disguises that people use, for `evasion.py`. Shares no code and no table with the detector.

    python benchmarks/guard/make_evasions.py --words dictionary.txt --split chaizi.json --out cases.jsonl

Needs `pypinyin` (readings in context) and `opencc-python-reimplemented` (traditional forms) where it runs; the product
needs neither. `--words` has one word a line; those of 4 to 8 Chinese characters are drawn from it by seed. English
words are composed here. Each line of the output: {"kind", "word", "text", "start", "end"}.
"""

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path

import opencc
from pypinyin import Style, lazy_pinyin, pinyin

PER_KIND = 200
FRAMES = {
    "zh": [("请问", "是怎么回事？"), ("我想了解一下", "的情况。"), ("", ""), ("帮我写一段关于", "的介绍，谢谢。"),
           ("他昨天提到了", "，后来就走了")],
    "en": [("Tell me about ", " please."), ("What is ", "?"), ("", ""), ("I read that ", " is coming back soon"),
           ("They said: ", ".")],
}  # fmt: skip
FIRST = ("blue", "iron", "silent", "golden", "winter", "shadow", "crystal", "thunder", "velvet", "copper", "marble",
         "hidden", "broken", "frozen", "scarlet")  # fmt: skip
SECOND = ("falcon", "harbor", "lantern", "mirror", "orchard", "compass", "anchor", "feather", "temple", "valley",
          "hammer", "beacon", "garden", "tunnel")  # fmt: skip
SEPARATORS = "*-_.·|~/+#^"
EMOJI = "😀🔥💰🚫🎉⭐❤️👍"
HIDDEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u202c\ufe0f"
CYRILLIC = dict(zip("aeopcyxiHKMTB", "аеорсухіНКМТВ", strict=True))
GREEK = dict(zip("aoivu", "αοινυ", strict=True))
LEET = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7", "l": "1"}

Dress = Callable[[str, random.Random], str | None]


def between(marks: str, *, least: int = 1, most: int = 1) -> Dress:
    def dress(word: str, chance: random.Random) -> str:
        written = word[0]
        for each in word[1:]:
            written += "".join(chance.choice(marks) for _ in range(chance.randint(least, most))) + each
        return written

    return dress


def spelled(join: str, style: Style = Style.NORMAL) -> Dress:
    return lambda word, _: join.join(lazy_pinyin(word, style=style))


def mixed(word: str, chance: random.Random) -> str:
    syllables = lazy_pinyin(word)
    chosen = set(chance.sample(range(len(word)), chance.randint(1, len(word) - 1)))
    return "".join(syllables[at] if at in chosen else each for at, each in enumerate(word))


def table(pairs: dict[str, str]) -> Dress:
    def dress(word: str, _: random.Random) -> str | None:
        changed = "".join(pairs.get(each, each) for each in word)
        return changed if changed != word else None

    return dress


def shifted(start: int) -> Dress:
    return lambda word, _: "".join(chr(start + ord(each) - 97) if each.isalpha() else each for each in word)


class Han:
    """Dresses of Chinese words that need tables."""

    def __init__(self, splits: dict[str, list[list[str]]]) -> None:
        self._splits = splits
        self._traditional = opencc.OpenCC("s2t")
        self._same: dict[str, list[str]] = {}
        for code in range(0xB0A1, 0xD7FA):
            try:
                character = code.to_bytes(2, "big").decode("gb2312")
            except UnicodeDecodeError:
                continue
            self._same.setdefault(lazy_pinyin(character)[0], []).append(character)

    def homophones(self, word: str, chance: random.Random) -> str | None:
        """Write characters that sound the same."""
        written = []
        for character, (reading,) in zip(word, pinyin(word, style=Style.NORMAL), strict=True):
            others = [each for each in self._same.get(reading, []) if each != character]
            written.append(chance.choice(others) if others else character)
        return "".join(written) if sum(a != b for a, b in zip(written, word, strict=True)) >= 2 else None

    def apart(self, word: str, chance: random.Random) -> str | None:
        """Split every character that is commonly split: into two or three parts that a screen shows."""
        written = "".join(self._parts(each, chance) or each for each in word)
        return written if written != word else None

    def one_apart(self, word: str, chance: random.Random) -> str | None:
        """Split one character."""
        able = [at for at, each in enumerate(word) if self._parts(each, chance)]
        if not able:
            return None
        at = chance.choice(able)
        return word[:at] + (self._parts(word[at], chance) or "") + word[at + 1 :]

    def _parts(self, character: str, chance: random.Random) -> str | None:
        ways = [
            way
            for way in self._splits.get(character, [])
            if len(way) in {2, 3} and all(len(p) == 1 and "\u4e00" <= p <= "\u9fff" for p in way)
        ]
        return "".join(chance.choice(ways)) if ways else None

    def traditional(self, word: str, _: random.Random) -> str | None:
        """Write traditional characters."""
        written = self._traditional.convert(word)
        return written if written != word else None


def kinds(han: Han) -> dict[str, dict[str, Dress]]:
    tags = "".join(chr(0xE0000 + code) for code in range(0x61, 0x7B))
    both = between("*- ", least=0, most=2)
    return {
        "zh": {
            "plain": lambda word, _: word, "space": between(" "), "punctuation": between(SEPARATORS, most=2),
            "chinese punctuation": between("，。、！；"), "newline": between("\n"),
            "ideographic space": between("\u3000"),
            "emoji": between(EMOJI), "zero-width": between(HIDDEN), "tag characters": between(tags, most=3),
            "combining marks": between("\u0336\u0338\u20dd"), "traditional": han.traditional,
            "pinyin": spelled(""), "pinyin, spaced": spelled(" "), "pinyin, tone marks": spelled(" ", Style.TONE),
            "pinyin, tone numbers": spelled("", Style.TONE3), "mixed pinyin": mixed, "homophones": han.homophones,
            "homophones, spaced": lambda word, chance: (same := han.homophones(word, chance)) and both(same, chance),
            "split characters": han.apart, "one character split": han.one_apart,
        },
        "en": {
            "en plain": lambda word, _: word,
            "en case": lambda word, chance: "".join(chance.choice((each.upper(), each)) for each in word),
            "en fullwidth": shifted(0xFF41), "en styled": shifted(0x1D41A), "en circled": shifted(0x24D0),
            "en cyrillic": table(CYRILLIC), "en greek": table(GREEK), "en leet": table(LEET),
            "en spelled": between(" -."), "en zero-width": between(HIDDEN), "en accents": between("\u0301\u0308"),
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("words", "split", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261122)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    listed = [line.strip() for line in chosen.words.read_text(encoding="utf-8").splitlines()]
    able = sorted({each for each in listed if 4 <= len(each) <= 8 and all("\u4e00" <= c <= "\u9fff" for c in each)})
    words = {
        "zh": chance.sample(able, PER_KIND),
        "en": chance.sample([a + " " + b for a in FIRST for b in SECOND], PER_KIND),
    }
    lines = []
    for language, dresses in kinds(Han(json.loads(chosen.split.read_text(encoding="utf-8")))).items():
        for kind, dress in dresses.items():
            for word in words[language]:
                written = dress(word, chance)
                if written:
                    before, after = chance.choice(FRAMES[language])
                    lines.append({"kind": kind, "word": word, "text": before + written + after,
                                  "start": len(before), "end": len(before) + len(written)})  # fmt: skip
    chosen.out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    print(len(lines), "cases of", sum(map(len, kinds(Han({})).values())), "kinds")


if __name__ == "__main__":
    main()
