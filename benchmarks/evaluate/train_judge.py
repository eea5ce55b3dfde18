"""Train and calibrate the judge; writes `src/jingwei/develop/evaluate/judge.npz`, the same bytes for the same data.

    python -m venv ml && ml/bin/pip install -e . scikit-learn
    ml/bin/python benchmarks/evaluate/train_judge.py DATA            # measure with sources left out, train, write
    ml/bin/python benchmarks/evaluate/train_judge.py DATA --measure  # measure only

Two steps. A sparse logistic regression of hashed n-grams and a linear model of what the words mean are fitted first;
then small networks of one hidden layer, strongly held back, weigh what both say beside the signs (`judge_fit.py`). What
has been measured with something left out is what the curve from score to probability is fitted on.
"""

import argparse
import os
import pickle
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums in one order: the same bytes

import numpy as np
from judge_fit import Net, fit, fold_of, predict
from judge_said import everything
from judge_table import Table, vectors
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

import jingwei.develop.evaluate.learned as learned
from jingwei.develop.evaluate.features import names
from jingwei.develop.evaluate.learned import NAMES
from jingwei.develop.evaluate.rubric import rubric

QUESTION_FOLDS = 3
HELD, QUESTIONS, MODEL, SAID = ("held topics and frames", "questions left out", "model left out",
                                "source said left out")  # fmt: skip
KINDRED = (HELD, QUESTIONS, MODEL)
"""What calibration is fitted on: answers of a known kind to new questions and topics, or of new models."""


class Split(NamedTuple):
    """What one measurement trains on and judges."""

    what: str
    train: np.ndarray
    judged: np.ndarray
    heads: tuple[str, ...]


def splits(table: Table) -> Iterator[Split]:
    """Give every split: our own held frames and topics, whole sources, one model after the other, questions."""
    every = np.arange(len(table.rows))
    public = table.trained
    yield Split(HELD, every[public], every[table.held], NAMES)
    for name, heads in (("jade", ("unsafe", "refused")), ("gptfuzz", ("unsafe",)), ("xstest", ("refused",)),
                        ("said", ("unsafe", "refused"))):  # fmt: skip
        own = table.family == name
        judged = own & ~np.char.startswith(table.source, "framed")
        yield Split(f"source {name} left out", every[public & ~own], every[judged], heads)
    for model in ("llama2orig", "llama2new", "mistralguard"):
        own = table.source == f"xstest-{model}"
        yield Split(MODEL, every[public & ~own], every[own], ("refused",))
    own = every[np.isin(table.family, ("gptfuzz", "jade", "said"))]
    folds = fold_of(table, own, QUESTION_FOLDS)
    for number in range(QUESTION_FOLDS):
        mine = own[folds == number]
        yield Split(QUESTIONS, np.setdiff1d(every[public], mine), mine, NAMES)


Unseen = tuple[str, str, np.ndarray, np.ndarray]
"""What was left out, the head, which rows, and their chances by a model that had not seen them."""


def measure(table: Table) -> list[Unseen]:
    """Judge every row by models that had not seen it."""
    return [(split.what, name, split.judged, predict(table, split.judged, fit(table, split.train, name)))
            for split in splits(table) for name in split.heads]  # fmt: skip


def told(chance: np.ndarray, y: np.ndarray) -> str:
    """Say how right some probabilities are."""
    kept = ~np.isnan(y)
    chance, y = chance[kept], y[kept]
    said = chance >= 0.5
    tp, fp = (said & (y == 1)).sum(), (said & (y == 0)).sum()
    fn, tn = (~said & (y == 1)).sum(), (~said & (y == 0)).sum()
    bins = np.minimum((chance * 10).astype(int), 9)
    ece = sum(
        abs(chance[bins == b].mean() - y[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any()
    )
    return (f"n={len(y):5} F1={2 * tp / max(2 * tp + fp + fn, 1):.3f} recall={tp / max(tp + fn, 1):.3f} "
            f"FPR={fp / max(fp + tn, 1):.3f} ECE={ece:.3f}")  # fmt: skip


def show(table: Table, unseen: list[Unseen]) -> None:
    """Print the figures by what was left out, head and source."""
    for what, name in dict.fromkeys((what, name) for what, name, _, _ in unseen):
        parts = [(judged, chance) for w, n, judged, chance in unseen if (w, n) == (what, name)]
        judged, chance = (np.concatenate(each) for each in zip(*parts, strict=True))
        y = table.labels[name][judged]
        for source in sorted(set(table.source[judged])):
            own = table.source[judged] == source
            print(f"{what:24} {name:8} {source:20} {told(chance[own], y[own])}", flush=True)


def pooled(table: Table, unseen: list[Unseen], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return chances, labels and what was left out, of one head."""
    parts = [(chance, table.labels[name][judged], _named(what, table.source[judged]))
             for what, head, judged, chance in unseen if head == name and what in KINDRED]  # fmt: skip
    chance, y, what = (np.concatenate(each) for each in zip(*parts, strict=True))
    return chance, y, what


def _named(what: str, sources: np.ndarray) -> np.ndarray:
    return np.array([f"{what} {source}" for source in sources], dtype=object)


def calibration(chance: np.ndarray, y: np.ndarray, what: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit a rising curve from score to share: a straight line between log-odds; a set counts by its size's root."""
    good = ~np.isnan(y)
    chance, y, what = chance[good], y[good], what[good]
    sizes = Counter(what)
    weight = np.array([sizes[each] ** -0.5 for each in what])
    odds = _odds(chance)[:, None]
    line = LogisticRegression(C=10.0).fit(odds, y, sample_weight=weight / weight.mean())
    scores = np.linspace(0, 1, 41)
    return scores, line.predict_proba(_odds(scores)[:, None])[:, 1]


def _odds(chance: np.ndarray) -> np.ndarray:
    kept = np.clip(chance, 0.005, 0.995)
    return np.log(kept / (1 - kept))


def arrays_of(table: Table, nets: dict[str, Net], unseen: list[Unseen]) -> dict[str, np.ndarray]:
    """Return what the product keeps of the heads: small numbers, and for each piece of a word what it says to each."""
    arrays: dict[str, np.ndarray] = {"version": np.array(rubric().version)}
    shares = []
    for name, net in nets.items():
        grams, (meaning, offset) = net.words.grams, net.words.meaning
        step = float(np.abs(grams).max()) / 127
        scores, chances = calibration(*pooled(table, unseen, name)) if unseen else (np.array([0.0, 1.0]),) * 2
        arrays |= {
            f"{name}_inner": net.inner.astype(np.float32), f"{name}_inner_offset": net.inner_offset.astype(np.float32),
            f"{name}_outer": net.outer.astype(np.float32), f"{name}_outer_offset": np.array(net.outer_offset),
            f"{name}_grams": np.rint(grams / step).astype(np.int8), f"{name}_gram_scale": np.array(step),
            f"{name}_meaning": meaning[: len(names())].astype(np.float32), f"{name}_meaning_offset": np.array(offset),
            f"{name}_scores": scores, f"{name}_chances": chances.round(4),
        }  # fmt: skip
        shares.append([vectors()[1] @ part for part in meaning[len(names()) :].reshape(4, -1)])
    stacked = np.moveaxis(np.array(shares), 0, -1)
    steps = np.abs(stacked).max(axis=1) / 127
    arrays |= {"shares": np.rint(stacked / steps[:, None, :]).astype(np.int8), "shares_step": steps.astype(np.float32),
               "pieces": np.frombuffer("\n".join(vectors()[0]).encode(), np.uint8),
               "seen": np.packbits(np.any([net.words.seen for net in nets.values()], axis=0))}  # fmt: skip
    return arrays


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as an npz whose bytes depend on nothing but the numbers."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(arrays):
            buffer = BytesIO()
            np.lib.format.write_array(buffer, np.asarray(arrays[name], order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(),
                             zipfile.ZIP_DEFLATED, 9)  # fmt: skip


def main() -> None:
    """Measure, train on everything that is not held, and write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--measure", action="store_true")
    arguments.add_argument("--plain", action="store_true", help="write without measuring, uncalibrated")
    arguments.add_argument("--keep", type=Path, help="keep the table and what was said of it, to look at errors")
    arguments.add_argument("--to", type=Path, default=Path(learned.__file__).with_name("judge.npz"))
    given = arguments.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # the networks are stopped early on purpose
    table = Table(everything(given.data))
    print(len(table.rows), "rows,", len(names()), "signs", flush=True)
    unseen = [] if given.plain else measure(table)
    show(table, unseen)
    if given.keep:
        given.keep.write_bytes(pickle.dumps((table, unseen)))
    if given.measure:
        return
    train = np.arange(len(table.rows))[table.trained | table.held]  # measured without what is held, shipped with it
    save(given.to, arrays_of(table, {name: fit(table, train, name) for name in NAMES}, unseen))
    print("wrote", given.to.name, given.to.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
