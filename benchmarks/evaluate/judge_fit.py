"""How the judge's heads are fitted to a table of rows; `train_judge.py` says in what order and why.

A row gets the say of its wording from models that never saw the row's group, and again from models that never saw its
family of sources, so that the second step learns how far wording may be trusted where it is familiar and where it is
not. The second step weighs it beside the signs, with the question's harm guessed and once more told.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
from judge_table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from jingwei.develop.evaluate.learned import MOST

SEED = 7
FOLDS = 3
HIDDEN = 24
NETS = 3
DRAWN = 4.0
"""Rows drawn for one net, by weight, for each row there is."""
OUTSIDE = 0.4
"""How much the view from outside a family counts beside the view from inside."""
TOLD = 0.7
"""How much a row counts with its question's harm told, beside the same row with it guessed."""
TRUST = {"said-zh": 4.0, "said-en": 4.0, "written-zh": 4.0, "written-en": 4.0, "framed-zh": 2.0, "framed-en": 2.0,
         "cold-zh": 0.3, "chinese-safetyqa": 0.3}  # fmt: skip
"""How much more a row counts that was written one by one."""


class Words(NamedTuple):
    """What wording and meaning say, once as known from inside and once from outside, and the models for what is new."""

    inside: np.ndarray
    outside: np.ndarray
    grams: np.ndarray
    seen: np.ndarray
    meaning: tuple[np.ndarray, float]


class Net(NamedTuple):
    """One hidden layer over raw numbers, and the words it was trained beside."""

    inner: np.ndarray
    inner_offset: np.ndarray
    outer: np.ndarray
    outer_offset: float
    words: Words


def weights_of(table: Table, at: np.ndarray) -> np.ndarray:
    """Weigh rows so that no source drowns the others."""
    sizes = Counter(table.source[at])
    weight = np.array([TRUST.get(source, 1.0) / sizes[source] ** 0.5 for source in table.source[at]])
    return weight / weight.mean()


def fit_grams(table: Table, at: np.ndarray, name: str, c: float = 6.0) -> np.ndarray:
    """Fit the wording of one head."""
    model = LogisticRegression(C=c, max_iter=40, tol=1e-3, solver="lbfgs")
    model.fit(table.grams[at], table.labels[name][at], sample_weight=weights_of(table, at))
    return model.coef_[0]


def fit_meaning(table: Table, at: np.ndarray, name: str, c: float = 0.002) -> tuple[np.ndarray, float]:
    """Fit what the signs and the meaning of the words say together."""
    rows = table.meaning[at]
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-4
    model = LogisticRegression(C=c, max_iter=60, tol=1e-3)
    model.fit((rows - mean) / scale, table.labels[name][at], sample_weight=weights_of(table, at))
    factors = (model.coef_[0] / scale).astype(np.float64)
    return factors, float(model.intercept_[0] - factors @ mean)


def meaning_of(table: Table, at: np.ndarray, fitted: tuple[np.ndarray, float]) -> np.ndarray:
    """Return what meaning says of rows, as one column."""
    return np.clip(table.meaning[at] @ fitted[0] + fitted[1], -MOST, MOST)[:, None]


def seen_in(table: Table, at: np.ndarray) -> np.ndarray:
    """Tell which phrases the rows of training hold."""
    return np.asarray((table.phrases[at] > 0).sum(axis=0)).ravel() >= 2


def worded(table: Table, at: np.ndarray, coefficients: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return what the wording of rows says, as `learned.Wording.numbers` does."""
    score = np.clip(table.grams[at] @ coefficients, -4, 4)
    familiar = np.minimum(1, 2 * (table.phrases[at] @ seen.astype(float)))
    return np.stack([score * familiar, score * (1 - familiar), familiar], axis=1)


def fold_of(table: Table, at: np.ndarray, count: int = FOLDS) -> np.ndarray:
    """Number the folds by group."""
    groups = sorted(set(table.group[at]))
    order = np.random.default_rng(SEED).permutation(len(groups))
    number = {group: place % count for group, place in zip(groups, order, strict=True)}
    return np.array([number[group] for group in table.group[at]])


def words_of(table: Table, at: np.ndarray, name: str) -> Words:
    """Return the rows' words as models see them that never saw their group, and that never saw their family."""
    folds = fold_of(table, at)
    inside, outside, meaning = np.zeros((len(at), 3)), np.zeros((len(at), 3)), np.zeros((len(at), 1))
    for number in range(FOLDS):
        own, kept = at[folds == number], at[folds != number]
        inside[folds == number] = worded(table, own, fit_grams(table, kept, name), seen_in(table, kept))
        meaning[folds == number] = meaning_of(table, own, fit_meaning(table, kept, name))
    for left in sorted(set(table.family[at])):
        own = table.family[at] == left
        kept = at[~own]
        known = len(set(table.labels[name][kept])) > 1
        outside[own] = (
            worded(table, at[own], fit_grams(table, kept, name), seen_in(table, kept)) if known else inside[own]
        )
    own = table.family[at] == "own"
    inside[own] = outside[own]  # frames are shared between topics: only a model that saw none of them says how it is
    return Words(
        np.hstack([inside, meaning]), np.hstack([outside, unmet(table, at, name, meaning)]),
        fit_grams(table, at, name), seen_in(table, at), fit_meaning(table, at, name),
    )  # fmt: skip


def unmet(table: Table, at: np.ndarray, name: str, inside: np.ndarray) -> np.ndarray:
    """Return what meaning says of the public sources to models that met none of theirs."""
    found = inside.copy()
    for left in ("jade", "gptfuzz", "xstest"):
        own = table.family[at] == left
        if own.any() and len(set(table.labels[name][at[~own]])) > 1:
            found[own] = meaning_of(table, at[own], fit_meaning(table, at[~own], name))
    return found


def labelled(table: Table, at: np.ndarray, name: str) -> np.ndarray:
    """Return the rows whose label is known."""
    return at[~np.isnan(table.labels[name][at])]


def fit(table: Table, at: np.ndarray, name: str) -> Net:
    """Fit one head."""
    at = labelled(table, at, name)
    return fit_net(table, at, name, words_of(table, at, name))


def fit_net(table: Table, at: np.ndarray, name: str, words: Words) -> Net:
    """Fit the second step: every row from inside and from outside, its question's harm guessed and told."""
    told = table.tells[at] * TOLD
    views = [(table.dense[at], words.inside, 1.0), (table.dense[at], words.outside, OUTSIDE),
             (table.told[at], words.inside, told), (table.told[at], words.outside, told * OUTSIDE)]  # fmt: skip
    numbers = np.vstack([np.hstack([dense, said]) for dense, said, _ in views])
    y = np.tile(table.labels[name][at], len(views))
    weight = np.concatenate([weights_of(table, at) * each for _, _, each in views])
    mean, scale = numbers.mean(axis=0), numbers.std(axis=0) + 1e-6
    drawn = np.random.default_rng(SEED).choice(len(y), size=int(len(at) * DRAWN), p=weight / weight.sum())
    scaled = np.clip((numbers[drawn] - mean) / scale, -6, 6)
    nets = [MLPClassifier((HIDDEN,), alpha=1.0, max_iter=20, learning_rate_init=3e-3, batch_size=256,
                          random_state=seed).fit(scaled, y[drawn]) for seed in range(NETS)]  # fmt: skip
    inner = np.hstack([net.coefs_[0] for net in nets])
    return Net(
        inner / scale[:, None],
        np.concatenate([net.intercepts_[0] for net in nets]) - (mean / scale) @ inner,
        np.concatenate([net.coefs_[1][:, 0] for net in nets]) / NETS,
        float(np.mean([net.intercepts_[1][0] for net in nets])),
        words,
    )


def predict(table: Table, at: np.ndarray, net: Net) -> np.ndarray:
    """Return uncalibrated probabilities, with the question's harm guessed."""
    words = net.words
    felt = meaning_of(table, at, words.meaning)
    numbers = np.hstack([table.dense[at], worded(table, at, words.grams, words.seen), felt])
    line = np.maximum(numbers @ net.inner + net.inner_offset, 0) @ net.outer + net.outer_offset
    return 1 / (1 + np.exp(-np.clip(line, -30, 30)))
