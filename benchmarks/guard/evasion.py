"""How many disguised words are caught, and how many harmless sentences are flagged; beside peers, on the same words.

    python benchmarks/guard/evasion.py --cases cases.jsonl --data DATA [--llm-guard PYTHON] [--litellm PYTHON]
                                       [--presidio PYTHON] [--show KIND]

`make_evasions.py` writes the cases; none of their words is built in: they are added as a customer would. A case counts
as caught when a hit that would act (score over 0.4) overlaps it. Harmless sentences come from the public sets below
DATA (ChineseSafetyQA, CValues, SafetyBench, HaluEval, XSTest's safe half), none of which any table was made from.
Peers run in an interpreter of their own, each with its own word filter in its default form.
"""

import argparse
import csv
import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import ahocorasick

from jingwei.core.policy import Category
from jingwei.detect import Bundle
from jingwei.detect.lexicon import Lexicon

ACTS = 0.4
PEER = Path(__file__).with_name("peer_words.py")


def harmless(data: Path) -> Iterator[tuple[str, str]]:
    for line in (data / "chinese-safetyqa/chinese_safetyqa.jsonl").read_text(encoding="utf-8").splitlines():
        yield "chinese-safetyqa", json.loads(line)["question"]
    for line in (
        (data / "cvalues/dataset__cvalues_responsibility_prompts.jsonl").read_text(encoding="utf-8").splitlines()
    ):
        yield "cvalues", json.loads(line)["prompt"]
    for row in json.loads(
        (data / "safetybench-zh-en/opensource_data__test_zh_subset.json").read_text(encoding="utf-8")
    ):
        yield "safetybench", row["question"]
    for line in (data / "halueval/data__general_data.json").read_text(encoding="utf-8").splitlines():
        yield "halueval", json.loads(line)["user_query"]
    with (data / "xstest/xstest_prompts.csv").open(encoding="utf-8") as file:
        yield from (("xstest, safe", row["prompt"]) for row in csv.DictReader(file) if row["label"] == "safe")


def peers(chosen: argparse.Namespace, words: list[str], texts: list[str]) -> dict[str, list[bool]]:
    automaton = ahocorasick.Automaton()
    for word in words:
        automaton.add_word(word.lower(), word)
    automaton.make_automaton()
    found = {"pyahocorasick": [any(True for _ in automaton.iter(text.lower())) for text in texts]}
    for name in ("llm-guard", "litellm", "presidio"):
        interpreter = getattr(chosen, name.replace("-", "_"))
        if interpreter:
            given = json.dumps({"peer": name, "words": words, "texts": texts})
            ran = subprocess.run([interpreter, str(PEER)], input=given, capture_output=True, text=True, check=True)
            found[name] = json.loads(ran.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    for name in ("llm-guard", "litellm", "presidio"):
        parser.add_argument(f"--{name}", help=f"a Python interpreter that has {name}")
    parser.add_argument("--show", help="print what was missed of one kind")
    chosen = parser.parse_args()
    cases = [json.loads(line) for line in chosen.cases.read_text(encoding="utf-8").splitlines()]
    words = sorted({case["word"] for case in cases})
    bundle = Bundle.build(words)
    scan = bundle.detectors[Category.KEYWORD]
    caught, totals, exact = Counter[str](), Counter[str](), Counter[str]()
    for case in cases:
        hits = [
            hit
            for hit in scan(case["text"])
            if hit.score > ACTS and hit.start < case["end"] and case["start"] < hit.end
        ]
        totals[case["kind"]] += 1
        caught[case["kind"]] += bool(hits)
        exact[case["kind"]] += any(hit.start == case["start"] and hit.end == case["end"] for hit in hits)
        if case["kind"] == chosen.show and not hits:
            print("missed", case["word"], repr(case["text"]))
    others = peers(chosen, words, [case["text"] for case in cases])
    report(cases, totals, caught, exact, others)
    flagged(chosen.data, words)


def report(cases: list[dict[str, str]], totals: Counter[str], caught: Counter[str], exact: Counter[str],
           others: dict[str, list[bool]]) -> None:  # fmt: skip
    theirs: dict[str, Counter[str]] = defaultdict(Counter)
    for name, found in others.items():
        for case, each in zip(cases, found, strict=True):
            theirs[name][case["kind"]] += each
    print(f"{'kind':24}{'cases':>6}{'caught':>9}{'span exact':>12}" + "".join(f"{name:>15}" for name in others))
    for kind, total in totals.items():
        row = "".join(f"{theirs[name][kind] / total:15.1%}" for name in others)
        print(f"{kind:24}{total:6}{caught[kind] / total:9.1%}{exact[kind] / total:12.1%}{row}")
    best = max((sum(each.values()) for each in theirs.values()), default=0)
    every, found = sum(totals.values()), sum(caught.values())
    worst = min(caught[kind] / totals[kind] for kind in totals)
    print(f"all: {found} of {every} caught = {found / every:.2%}; {found / max(best, 1):.1f} x the best peer; "
          f"worst kind {worst:.1%}")  # fmt: skip


def flagged(data: Path, words: list[str]) -> None:
    built_in = Lexicon()
    with_words = Lexicon(words)
    seen, own, shipped, signals = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for source, sentence in harmless(data):
        seen[source] += 1
        hits = with_words.scan(sentence)
        own[source] += any(hit.rule_id.startswith("keyword.own") and hit.score > ACTS for hit in hits)
        signals[source] += any(hit.rule_id.startswith("keyword.own") and hit.score <= ACTS for hit in hits)
        shipped[source] += any(hit.score > ACTS for hit in built_in.scan(sentence))
    print(f"\n{'harmless sentences':24}{'seen':>6}{'flagged':>9}{'signals':>9}{'built-in words flag':>21}")
    for source, total in seen.items():
        print(f"{source:24}{total:6}{own[source]:9}{signals[source]:9}{shipped[source]:21}")
    total = sum(seen.values())
    print(f"{'all':24}{total:6}{sum(own.values()) / total:9.3%}{sum(signals.values()) / total:9.3%}"
          f"{sum(shipped.values()) / total:21.3%}")  # fmt: skip


if __name__ == "__main__":
    main()
