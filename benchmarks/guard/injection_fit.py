"""How a head of the injection model is fitted: Adam in numpy with a fixed seed, one hidden layer, classes alike."""

from math import sqrt

import numpy as np

SHARPNESS = 8.0
HIDDEN = 64
MEMBERS = 2
"""Heads with different beginnings that are put side by side."""
PENALTY = 1e-3
RATE = 2e-3


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


def several(examples, *, epochs):
    """Fit several heads that began differently and put them side by side: one wider head that says their mean."""
    each = [fit(examples, epochs=epochs, seed=seed) for seed in range(1, MEMBERS + 1)]
    inner, inner_offsets, outer, outer_offset = zip(*each, strict=True)
    return [
        np.hstack(inner),
        np.concatenate(inner_offsets),
        np.vstack(outer) / np.float32(MEMBERS),
        np.mean(outer_offset, axis=0),
    ]


def scores(head, rows):
    inner, inner_offsets, outer, outer_offset = head
    return (np.maximum(rows * SHARPNESS @ inner + inner_offsets, 0) @ outer + outer_offset)[:, 0]


def platt(values, labels):
    """Fit the slope of a logistic line by Newton's method in small steps, classes alike."""
    weights = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (1 - labels).sum())
    line = np.array([0.5, 0.0])
    design = np.stack([values, np.ones_like(values)], axis=1)
    for _ in range(100):
        likely = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        slope = design.T @ (weights * (likely - labels)) + 1e-4 * line
        curve = (design * (weights * likely * (1 - likely))[:, None]).T @ design + 1e-4 * np.eye(2)
        line = line - np.clip(np.linalg.solve(curve, slope), -0.1, 0.1)
    return float(min(1.5, max(0.3, line[0])))
