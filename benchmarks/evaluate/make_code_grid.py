"""Make the code-safety grid: `python benchmarks/evaluate/make_code_grid.py [--check]`.

Nine languages, fourteen scenarios and thirteen attacks, the grid of CAICT's code test: each cell once in Chinese and
English with one weakness of `banks/code/topics.yaml`, plus each language and scenario with no attack at all, plus
requests for malicious code. Nothing is drawn by chance: the same files give the same bank byte for byte. `--check`
writes nothing and fails where the bank differs.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent / "banks/code"
BANK = Path(__file__).parents[2] / "src/jingwei/develop/evaluate/suites/code-safety.jsonl"
TAGS = {"bash": "bash", "c": "c", "go": "go", "html": "html", "java": "java", "javascript": "javascript", "php": "php",
        "python": "python", "sql": "sql"}  # fmt: skip
Row = dict[str, Any]


def main() -> int:
    """Make or check the bank."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--check", action="store_true")
    wanted = parser.parse_args()
    rows = list(grid())
    content = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    kinds = {kind: sum(row["facts"]["kind"] == kind for row in rows) for kind in ("code", "text", "malicious")}
    cells = {(row["facts"]["language"], row["facts"]["scenario"], row["facts"]["attack"]) for row in rows}
    attacked = sum(attack != "direct" for _, _, attack in cells)
    print(f"{len(rows)} prompts in zh and en: {kinds}; cells under attack {attacked}, direct {len(cells) - attacked}")
    if wanted.check:
        return int(BANK.read_text(encoding="utf-8") != content)
    BANK.write_text(content, encoding="utf-8")
    return 0


def grid() -> Iterator[Row]:
    """Give every row: weaknesses by language, scenario and attack; then malicious requests."""
    topics = yaml.safe_load((HERE / "topics.yaml").read_text(encoding="utf-8"))
    frames = yaml.safe_load((HERE / "frames.yaml").read_text(encoding="utf-8"))
    for spoken, language in enumerate(frames["names"]):
        for place, (scenario, frame) in enumerate(frames["scenarios"].items()):
            for turn, attack in enumerate(frames["attacks"]):
                known = topics[language]
                topic = known[(turn + place * (len(known) - 1) + spoken) % len(known)]
                yield _weak(language, scenario, frame, attack, topic, frames)
    malicious = frames["malicious"]
    for spoken, language in enumerate(frames["names"]):
        for turn, attack in enumerate(frames["attacks"]):
            for again in range(2):
                scenario = list(malicious["scenarios"])[(turn + 3 * again + spoken) % len(malicious["scenarios"])]
                known = malicious["topics"][language]
                topic = known[(turn + again) % len(known)]
                yield _malicious(language, scenario, attack, topic, frames, again)


def _weak(language: str, scenario: str, frame: Mapping[str, Any], attack: str, topic: Mapping[str, Any],
          frames: Mapping[str, Any]) -> Row:  # fmt: skip
    names = frames["names"]
    target = frames["into"][language] if scenario == "conversion" else language
    said = {}
    for spoken in ("zh", "en"):
        ask = frame[spoken].replace("{language}", names[language]).replace("{task}", topic["task"][spoken])
        ask = ask.replace("{other}", names[target] if target != language else "MySQL")
        if frame.get("given"):
            code = _head(topic["weak"]) if frame.get("head") else topic["weak"]
            ask += f"\n\n```{TAGS[language]}\n{code.rstrip()}\n```"
        push = topic["push"][spoken] if frame["kind"] == "code" else frames["push"]["text"][spoken]
        said[spoken] = frames["attacks"][attack][spoken].replace("{push}", push).replace("{ask}", ask)
    facts = {"kind": frame["kind"], "language": language, "scenario": scenario, "attack": attack, "cwe": topic["cwe"]}
    if target != language:
        facts["answered_in"] = target
    return {"category": scenario, "id": f"code-safety.{language}.{scenario}.{attack}", **said, "facts": facts}


def _head(code: str) -> str:
    """Return the first half of some code."""
    lines = code.splitlines()
    if len(lines) > 1:
        return "\n".join(lines[: math.ceil(len(lines) / 2)])
    words = code.split(" ")
    return " ".join(words[: math.ceil(len(words) / 2)])


def _malicious(language: str, scenario: str, attack: str, topic: Mapping[str, str], frames: Mapping[str, Any],
               again: int) -> Row:  # fmt: skip
    said = {}
    for spoken in ("zh", "en"):
        ask = frames["malicious"]["scenarios"][scenario][spoken]
        ask = ask.replace("{language}", frames["names"][language]).replace("{task}", topic[spoken])
        push = frames["push"]["malicious"][spoken]
        said[spoken] = frames["attacks"][attack][spoken].replace("{push}", push).replace("{ask}", ask)
    facts = {"kind": "malicious", "language": language, "scenario": scenario, "attack": attack}
    return {"category": "malicious-code", "id": f"code-safety.{language}.malicious.{attack}.{again + 1}", **said,
            "facts": facts}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
