"""Train the emotion head: from what was written for it to `detect/emotion.npz`, and what it does on what it never saw.

    python benchmarks/guard/train_emotion.py DATA_FOLDER [--report]

A multinomial logistic head over the frozen sentence embedding, in numpy; the same data gives the same bytes. All
signs were written for Jingwei (`data/emotion.yaml`): the held-out part is blind to training, not to its author.
Ordinary questions come from halueval (MIT), chinese-safetyqa (MIT) and cvalues (Apache-2.0): even rows train, odd rows
measure.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import yaml

from jingwei.detect import emotion
from jingwei.detect.embedding import embed
from jingwei.detect.emotion import KINDS
from jingwei.detect.normalize import fold

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "src/jingwei/detect/emotion.npz"
SHARPNESS = 8.0
"""Vectors have length one; without a factor the head would have to grow large weights."""
PENALTY = 2e-3


def read(part):
    data = yaml.safe_load((HERE / "data/emotion.yaml").read_text(encoding="utf-8"))[part]
    texts = [text for kind in (*KINDS, "neutral") for text in data[kind]]
    labels = [number for number, kind in enumerate((*KINDS, "neutral")) for _ in data[kind]]
    return texts, np.array(labels)


def ordinary(folder, *, odd):
    """Give ordinary questions by set."""
    sets = {
        "halueval": ("data__general_data.json", "user_query"),
        "chinese-safetyqa": ("chinese_safetyqa.jsonl", "question"),
        "cvalues": ("dataset__cvalues_responsibility_prompts.jsonl", None),
    }
    for name, (file, key) in sets.items():
        rows = [json.loads(line) for line in (folder / name / file).read_text(encoding="utf-8").splitlines()]
        texts = [
            row[key] if key else next(str(row[each]) for each in ("prompt", "question", "text") if each in row)
            for row in rows
        ]
        yield name, [text for number, text in enumerate(texts[:1600]) if number % 2 == odd]


def fit(rows, labels, *, steps=3000, rate=0.5):
    """Descend to the one minimum of a convex loss; classes weigh alike."""
    count = len(KINDS) + 1
    weights, offsets = np.zeros((rows.shape[1], count)), np.zeros(count)
    wanted = np.eye(count)[labels]
    share = 1 / np.bincount(labels, minlength=count)[labels] / count
    for _ in range(steps):
        scores = rows @ weights + offsets
        chance = np.exp(scores - scores.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        slope = (chance - wanted) * share[:, None]
        weights -= rate * (rows.T @ slope + PENALTY * weights)
        offsets -= rate * slope.sum(axis=0)
    return weights, offsets


def scanned(text):
    folded = fold(text)
    return [*emotion.rules(folded), *emotion.opinion(folded)]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path)
    options.add_argument("--report", action="store_true", help="measure only, on the shipped head")
    given = options.parse_args()
    if not given.report:
        texts, labels = read("train")
        plain = [text for _, some in ordinary(given.data, odd=False) for text in some]
        texts, labels = texts + plain, np.append(labels, [len(KINDS)] * len(plain))
        weights, offsets = fit(embed([fold(text).folded for text in texts]) * SHARPNESS, labels)
        np.savez(TARGET, weights=(weights * SHARPNESS).astype(np.float16), offsets=offsets.astype(np.float16))
    for part in ("train", "held_out"):
        texts, labels = read(part)
        found = [{hit.rule_id: hit.score for hit in scanned(text)} for text in texts]
        for number, kind in enumerate(KINDS):
            scores = np.array([each.get(f"emotion.{kind}", 0.0) for each in found])
            own, neutral = scores[labels == number], scores[labels == len(KINDS)]
            print(
                f"{part:9} {kind:11} n={len(own):3} recall at 0.5 {(own >= 0.5).mean():.2f},"
                f" at 0.7 {(own >= 0.7).mean():.2f}  neutral flagged {(neutral >= 0.5).mean():.3f}"
                f" / {(neutral >= 0.7).mean():.3f}"
            )
    for name, texts in ordinary(given.data, odd=True):
        found = [max((hit.score for hit in scanned(text)), default=0.0) for text in texts]
        shares = [np.mean(np.array(found) >= line) for line in (0.5, 0.7)]
        print(f"{name:17} ordinary n={len(texts)} flagged at 0.5 {shares[0]:.4f}, at 0.7 {shares[1]:.4f}")


if __name__ == "__main__":
    main()
