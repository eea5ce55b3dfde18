"""Train, calibrate and measure the model of `jingwei.detect.classifier`; writes `src/jingwei/detect/classifier.bin`.

    python -m venv ml && ml/bin/pip install -e . scikit-learn numpy
    ml/bin/python benchmarks/train_harm.py DATA_FOLDER            # train, choose on dev, write, report on dev
    ml/bin/python benchmarks/train_harm.py DATA_FOLDER --report   # held-out report of what is shipped, rules beside it

DATA_FOLDER holds one folder a set, as named in the model card. The seed is fixed: the same data gives the same file.
Nothing is chosen by a row of role `test`.
"""

import argparse
import json
import sys
import time
import zlib
from math import sqrt
from pathlib import Path

from harm_data import Sources, counted, is_chinese

from jingwei.core.policy import Category
from jingwei.detect import Bundle, classifier, fold
from jingwei.detect.classifier import BUCKETS, FILE, Model, blocks

HEADS = ("harm", "injection")
STRENGTH = {"harm": 20.0, "injection": 20.0}
ORDINARY = ("halueval", "cvalues", "chinese-safetyqa", "halluqa-zh", "cold-zh", "jade-db-rag", "trustllm-truthfulness",
            "fragments", "documents", "agentdojo", "inspect-evals", "bipia-contexts")  # fmt: skip
SCARY = ("own-contrasts", "own-frames", "xstest", "cyberseceval-frr")
BUDGET = {"ordinary": 0.015, "scary": 0.10}
"""Share of benign dev texts that may score above 0.7; less than is promised, because other sources are harder."""
WEIGHED = 0.7


def main():
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("folder", type=Path)
    words.add_argument("--report", action="store_true", help="measure the shipped model on the held-out rows")
    given = words.parse_args()
    rows = Sources(given.folder).read()
    if given.report:
        report([row for row in rows if row.role == "test"])
        return
    began = time.process_time()
    models = {head: trained(rows, head) for head in HEADS}
    write(models)
    print(f"training took {time.process_time() - began:.0f} s CPU")
    for name, roles in sorted(counted(rows).items()):
        print(f"{name:32}", *(f"{role} {count:6}" for role, count in sorted(roles.items())))


def trained(rows, head):
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    labelled = [row for row in rows if getattr(row, head) is not None]
    train = [row for row in labelled if row.role == "train"]
    labels = np.array([getattr(row, head) for row in train])
    weights = np.array([row.weight for row in train])
    read = [blocks(fold(row.text).folded) for row in train]
    whole = [np.fromiter(set().union(*each), dtype=np.int64) for each in read]
    fit = LogisticRegression(C=STRENGTH[head], solver="liblinear", random_state=1, max_iter=200)
    fit.fit(matrix_of(whole), labels, sample_weight=weights)
    # Windows are judged too, so the worst window of a benign text, and the best of a long bad one, are learned from.
    parts = [worst(each, fit.coef_[0]) for each in read]
    chosen = [place for place, part in enumerate(parts) if part is not None]
    both = matrix_of(whole + [parts[place] for place in chosen])
    fit.fit(both, np.concatenate([labels, labels[chosen]]), sample_weight=np.concatenate([weights, weights[chosen]]))
    scale = float(np.abs(fit.coef_[0]).max()) / 127
    steps = np.round(fit.coef_[0] / scale).astype(np.int8)
    raw = Model(steps.tolist(), scale, float(fit.intercept_[0]), 1.0, 0.0, 0.0)
    return steps, {"scale": scale, "bias": raw.bias,
                   **calibration(raw, [row for row in labelled if row.role == "dev"], head)}  # fmt: skip


def matrix_of(read):
    import numpy as np
    from scipy.sparse import csr_matrix

    indices, values, starts = [], [], [0]
    for each in read:
        buckets, counts = np.unique(each, return_counts=True)
        indices.append(buckets)
        values.append(counts / sqrt(max(1, len(each))))
        starts.append(starts[-1] + len(buckets))
    return csr_matrix((np.concatenate(values), np.concatenate(indices), starts), shape=(len(read), BUCKETS))


def worst(read, weights):
    """Return the highest-scoring window of a text; None where it has but itself."""
    import numpy as np

    parts = [np.concatenate([np.fromiter(block, dtype=np.int64) for block in read[start:end]])
             for start, end in classifier.windows(len(read))]  # fmt: skip
    return max(parts, key=lambda part: weights[part].sum() / sqrt(len(part)), default=None)


def calibration(raw, dev, head):
    """Fit Platt's line on dev, then move it so that 0.7 keeps the budget of false positives there."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    scores = np.array([raw.score(blocks(fold(row.text).folded)) for row in dev])
    labels = np.array([getattr(row, head) for row in dev])
    seen = scores > -30
    platt = LogisticRegression(C=1e6).fit(
        scores[seen, None], labels[seen], sample_weight=[row.weight for row, use in zip(dev, seen, strict=True) if use]
    )
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    at = float(np.log(WEIGHED / (1 - WEIGHED)))
    moved = {}
    for name, chinese in (("offset", False), ("ideographic_offset", True)):
        needed = (at - offset) / slope
        mine = [(score, row, label) for score, row, label in zip(scores, dev, labels, strict=True)
                if is_chinese(row.text) == chinese]  # fmt: skip
        print(f"{head} {name}: Platt slope {slope:.2f}, 0.7 at score {needed:.2f}")
        for group, names in (("ordinary", ORDINARY), ("scary", SCARY)):
            benign = np.sort([score for score, row, label in mine if not label and row.source in names])
            limit = float(benign[int(len(benign) * (1 - BUDGET[group]))])
            needed = max(needed, limit)
            print(f"  {group}: {len(benign)} dev rows, budget at {limit:.2f}")
        moved[name] = at - slope * needed
        levels = [(level - moved[name]) / slope for level in (0.0, at)]
        for source in sorted({row.source for _, row, _ in mine}):
            for label in (0, 1):
                own = np.array([score for score, row, said in mine if row.source == source and said == label])
                if len(own) > 4:
                    print(
                        f"  dev {source:30} label {label} n {len(own):5}",
                        *(f"{np.mean(own >= level):7.3f}" for level in levels),
                    )
    return {"slope": slope, **moved}


def write(models):
    head = json.dumps({name: numbers for name, (_, numbers) in models.items()}, sort_keys=False)
    body = b"".join(steps.tobytes() for steps, _ in models.values())
    place = Path(classifier.__file__).with_name(FILE)
    place.write_bytes(zlib.compress(head.encode() + b"\n" + body, 9))
    print(f"{place.name}: {place.stat().st_size} bytes")


def report(rows):
    bundle = Bundle.build()
    both = frozenset([Category.HARM, Category.INJECTION])
    groups = {}
    for row in rows:
        groups.setdefault((row.source, "zh" if is_chinese(row.text) else "en"), []).append(row)
    print(
        f"{'source':30}{'':4}{'n':>6}  {'blocked at 0.5 (95 %)':>24}{'blocked at 0.7 (95 %)':>26}"
        f"{'rules 0.7':>11}{'harm 0.7':>10}{'inj. 0.7':>10}"
    )
    for (source, language), mine in sorted(groups.items()):
        if len(mine) < 5:
            continue
        scores = [scored(bundle, row.text, both) for row in mine]
        shares = [share(sum(max(each) >= level for each in scores), len(mine)) for level in (0.5, 0.7)]
        alone = [sum(each[place] >= 0.7 for each in scores) / len(mine) for place in range(3)]
        bad = "attack" if mine[0].harm or mine[0].injection else "benign"
        print(
            f"{source:30}{language:4}{len(mine):6}  {shares[0]:>24}{shares[1]:>26}"
            f"{alone[0]:11.1%}{alone[1]:10.1%}{alone[2]:10.1%}  {bad}",
            flush=True,
        )


def scored(bundle, text, both):
    """Return what the rules say, what each head says."""
    folded = fold(text)
    rules = max((hit.score for hit in bundle.scan(folded, both) if not hit.rule_id.endswith(".model")), default=0.0)
    return rules, *(classifier.model(head).probability(folded.folded) for head in HEADS)


def share(found, count):
    """Return a share with its Wilson interval."""
    z, p = 1.96, found / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return f"{p:6.1%} ({max(0.0, middle - half):5.1%}-{min(1.0, middle + half):6.1%})"


if __name__ == "__main__":
    sys.exit(main())
