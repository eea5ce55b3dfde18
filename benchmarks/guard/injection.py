"""Injection: what is found by source and language, beside offline peers at equal false positives, and what it costs.

    python benchmarks/guard/injection.py DATA_FOLDER [--peers PYTHON] [--part dev|test]

Rows are those of `injection_data.py`; part `test` was never trained or calibrated on. PYTHON is an interpreter in which
peers are installed (forcefield with scikit-learn, ai-injection-guard, clawguard-core); it gets the same texts.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from injection_data import Rows, language
from injection_report import share
from train_injection import HARD

from jingwei.detect import embedding, fold
from jingwei.detect.injection import InjectionDetector, opinion

AT = 0.7
BUDGETS = (0.005, 0.01, 0.02, 0.05, 0.08)
MOST = 160
"""Rows of one source, language and label: enough for an interval, and a run of a few minutes."""


def chosen(rows, part):
    groups = defaultdict(list)
    for row in rows:
        if row.part == part:
            groups[row.role, row.source, language(row.text), row.label].append(row)
    return {key: mine[:: max(1, len(mine) // MOST)] for key, mine in sorted(groups.items()) if len(mine) >= 5}


def ours(text, role):
    """Return rules with model, and rules alone."""
    folded = fold(text, role=role)
    rules = max((hit.score for hit in detector().rules(folded)), default=0.0)
    return max(rules, *(hit.score for hit in opinion(folded)), 0.0), rules


def detector(kept=[]):  # noqa: B006 - one detector for the run
    if not kept:
        kept.append(InjectionDetector())
    return kept[0]


class Peers:
    """The peers in their own interpreter."""

    def __init__(self, python):
        self.process = subprocess.Popen(
            [python, str(Path(__file__).parent / "injection_peer.py")],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, text):
        """Return each peer's score and seconds."""
        self.process.stdin.write(json.dumps(text) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        """Let the peers go."""
        self.process.stdin.close()
        self.process.wait()


def measure(groups, peers):
    scores = {}
    for key, mine in groups.items():
        for row in mine:
            both, rules = ours(row.text, row.role)
            scores.setdefault("jingwei", defaultdict(list))[key].append(both)
            scores.setdefault("jingwei, rules alone", defaultdict(list))[key].append(rules)
            for name, (score, _) in (peers.ask(row.text) if peers else {}).items():
                scores.setdefault(name, defaultdict(list))[key].append(score)
    return scores


def by_source(scores):
    print(
        f"{'role':9}{'source':24}{'':4}{'n':>5} {'at 0.7 (95 %)':>26}  {'rules':>7}  recall at false positives of "
        + " ".join(f"{budget:.1%}" for budget in BUDGETS)
    )
    mine = scores["jingwei"]
    for key, values in mine.items():
        role, source, tongue, label = key
        found = sum(value >= AT for value in values)
        rules = sum(value >= AT for value in scores["jingwei, rules alone"][key]) / len(values)
        curve = ""
        if label:
            calm = pooled(mine, role, tongue, hard=False)
            curve = " ".join(f"{recall(values, calm, budget):6.1%}" for budget in BUDGETS)
        print(
            f"{role:9}{source:24}{tongue:4}{len(values):5} {share(found, len(values)):>26}  {rules:7.1%}  "
            f"{'attack' if label else 'scary ' if source in HARD else 'benign'} {curve}"
        )


def pooled(scores, role, tongue, *, hard):
    """Return the scores of all benign rows of a role and language."""
    return [
        value
        for (of, source, written, label), values in scores.items()
        if of == role and written == tongue and not label and (source in HARD) == hard
        for value in values
    ]


def recall(attacks, calm, budget):
    """Return the share of attacks above the lowest threshold that keeps the budget."""
    ordered = sorted(calm, reverse=True)
    threshold = ordered[int(len(ordered) * budget)] if ordered else 0.0
    return sum(value > threshold for value in attacks) / len(attacks)


def compare(scores):
    """Print every engine's mean recall over sources at equal false positives."""
    print(
        f"\n{'mean recall over sources at equal false positives':52}" + " ".join(f"{budget:7.1%}" for budget in BUDGETS)
    )
    for role in ("user", "document"):
        for tongue in ("en", "zh"):
            for name, found in scores.items():
                attacks = [
                    values
                    for (of, _, written, label), values in found.items()
                    if (of, written, label) == (role, tongue, 1)
                ]
                calm = pooled(found, role, tongue, hard=False)
                if attacks and calm:
                    means = [
                        sum(recall(values, calm, budget) for values in attacks) / len(attacks) for budget in BUDGETS
                    ]
                    print(f"{role:9}{tongue:4}{name:39}" + " ".join(f"{mean:7.1%}" for mean in means))


def cost(peers):
    """Print CPU time of the rules, and of the model with and without making the shared embedding."""
    texts = {
        "en, 700 clean": (
            "The committee met on Tuesday to look at next year's budget and agreed to keep it flat. " * 8
        )[:700],
        "zh, 700 clean": ("本次会议讨论了明年的预算安排，大家一致同意保持支出不变，并要求各部门按时提交材料。" * 18)[
            :700
        ],
        "zh, 40 clean": "请帮我把这份会议纪要翻译成英文，并整理成三条要点，谢谢。今天下午之前要。",
    }
    print(f"\n{'CPU µs, p50 / p99':20}{'rules':>18}{'model alone':>18}{'with embedding':>20}")
    for name, text in texts.items():
        cells = [
            timed(lambda folded: detector().rules(folded), text, 400),
            timed(opinion, text, 60, ready=True),
            timed(opinion, text, 30),
        ]
        print(f"{name:20}" + "".join(f"{half:10.0f} /{most:7.0f}" for half, most in cells))
        for peer in peers.ask(text) if peers else {}:
            spent = [peers.ask(text)[peer][1] * 1e6 for _ in range(40)]
            times = median(spent) / cells[0][0]
            print(f"    {peer:16}{median(spent):10.0f} /{max(spent):7.0f}   our rules: {times:.1f} times as fast")


def timed(work, text, times, *, ready=False):
    spent = []
    for _ in range(times + 3):
        folded = fold(text)
        if ready:
            embedding.read(folded)
        began = time.thread_time_ns()
        work(folded)
        spent.append((time.thread_time_ns() - began) / 1000)
    spent = sorted(spent[3:])
    return median(spent), spent[int(len(spent) * 0.99)]


def main():
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("folder", type=Path)
    words.add_argument("--peers", metavar="PYTHON")
    words.add_argument("--part", choices=("dev", "test"), default="test")
    given = words.parse_args()
    peers = Peers(given.peers) if given.peers else None
    scores = measure(chosen(Rows(given.folder).read(), given.part), peers)
    by_source(scores)
    compare(scores)
    cost(peers)
    if peers:
        peers.close()


if __name__ == "__main__":
    sys.exit(main())
