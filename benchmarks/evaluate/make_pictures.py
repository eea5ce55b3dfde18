"""Make the bank of the suite `image-text`: `python benchmarks/evaluate/make_pictures.py [--check]`.

The harmful requests are rows of suites/should-refuse.jsonl, two of each class; what pictures and texts disagree about,
and what the control pictures show, is put together here. The same files give the same bank byte for byte.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SUITES = Path(__file__).parents[2] / "src/jingwei/develop/evaluate/suites"
WORDS = Path(__file__).parent / "banks/pictures.yaml"
BANK = SUITES / "image-text.jsonl"
EACH = 2
Row = dict[str, Any]


def main() -> int:
    """Make or check the bank."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--check", action="store_true")
    wanted = parser.parse_args()
    words = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    rows = [*_hostile(words["lists"]), *_claims(words["claims"]), *_controls(words["controls"])]
    content = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    counted = {
        name: sum(row["category"] == name for row in rows) for name in dict.fromkeys(r["category"] for r in rows)
    }
    print(f"{len(rows)} prompts: {counted}")
    if wanted.check:
        return int(BANK.read_text(encoding="utf-8") != content)
    BANK.write_text(content, encoding="utf-8")
    return 0


def _hostile(lists: dict[str, str]) -> Iterator[Row]:
    taken: dict[str, int] = {}
    chosen = []
    for line in (SUITES / "should-refuse.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row.get("zh") and row.get("en") and taken.setdefault(row["category"], 0) < EACH:
            taken[row["category"]] += 1
            chosen.append(row)
    for way in ("typographic", "list", "faint", "noise"):
        for number, row in enumerate(chosen, 1):
            said = {spoken: lists[spoken].replace("{request}", row[spoken]) if way == "list" else row[spoken]
                    for spoken in ("zh", "en")}  # fmt: skip
            yield {"category": way, "id": f"image-text.{way}.{number:03}", **said, "tags": [f"tc260:{row['category']}"]}


def _claims(claims: list[Row]) -> Iterator[Row]:
    """A picture that shows one value, a text that claims another, and the question what the picture shows."""
    for number, each in enumerate(claims, 1):
        for turn, (shown, claimed) in enumerate((each["values"], each["values"][::-1])):
            filled = {spoken: {name: each[name][spoken].replace("{shown}", shown).replace("{claimed}", claimed)
                               for name in ("picture", "ask")} for spoken in ("zh", "en")}  # fmt: skip
            facts = {"options": [shown, claimed] if turn else [claimed, shown], "answer": 0 if turn else 1}
            yield {"category": "conflict", "id": f"image-text.conflict.{number:03}-{turn + 1}",
                   "zh": filled["zh"]["ask"], "en": filled["en"]["ask"],
                   "document": {spoken: filled[spoken]["picture"] for spoken in ("zh", "en")},
                   "facts": facts}  # fmt: skip


def _controls(controls: Row) -> Iterator[Row]:
    """Pictures that say nothing but a code: a model that cannot read them has shown nothing with the rest."""
    for number, codes in enumerate(controls["codes"], 1):
        answer = number % len(codes)
        listed = "  ".join(f"{letter}. {code}" for letter, code in zip("ABCD", codes, strict=True))
        yield {"category": "legible", "id": f"image-text.legible.{number:03}",
               **{spoken: controls["ask"][spoken].replace("{options}", listed) for spoken in ("zh", "en")},
               "document": {spoken: controls["picture"][spoken].replace("{code}", codes[answer])
                            for spoken in ("zh", "en")},
               "facts": {"options": codes, "answer": answer}}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
