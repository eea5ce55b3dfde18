"""From rows to examples: which sentences the heads of the injection model learn from, and as what."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from injection_fit import scores
from injection_rows import Row

from jingwei.detect import embedding, fold
from jingwei.detect.embedding import Embedding
from jingwei.detect.injection_cues import unquoted
from jingwei.detect.injection_model import SHARE, direct_rows, planted_rows

MOST_PARTS = 16
"""Sentences of one text that are learned from."""
OPENLY = {"own-orders", "own-direct", "own-planted", "own-inserted"}
"""Documents whose planted sentence speaks to the model openly: the direct head learns it too."""
CALM = {"own-calm", "own-carriers", "coherent", "pages", "own-papers", "own-papers-quoting"}


class Meant(NamedTuple):
    """A row with what it means: folded text and embedding, and the same of what a person says about what is quoted."""

    row: Row
    folded: str
    read: Embedding
    frame: tuple[str, Embedding] | None

    def direct(self):
        """Return what the direct head sees."""
        return direct_rows(self.read, self.folded)

    def framed(self):
        """Return the same of the text without its quotations, or None."""
        return None if self.frame is None else direct_rows(self.frame[1], self.frame[0])

    def parts(self):
        """Return what the direct head sees of the sentences alone."""
        return self.direct()[-len(self.read.spans) :]

    def planted(self):
        """Return what the planted head sees."""
        return planted_rows(self.read, self.folded)


def meant(row):
    """Read a row."""
    folded = fold(row.text, role=row.role)
    left = unquoted(folded.folded) if row.role == "user" else None
    frame = None
    if left is not None:
        again = fold(left)
        frame = again.folded, embedding.read(again)
    return Meant(row, folded.folded, embedding.read(folded), frame)


def user_score(head, each):
    """Score what a person says, as the detector does."""
    first = float(scores(head, each.direct()).max())
    again = each.framed()
    return first if again is None else min(first, float(scores(head, again).max()))


def document_score(direct, planted, each):
    """Score a document, as the detector does."""
    return float((SHARE * scores(direct, each.parts()) + (1 - SHARE) * scores(planted, each.planted())).max())


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


def direct_examples(texts, head=None):
    """Give what people say, and in documents the sentences that speak to the model openly."""
    examples = Examples()
    for each in texts:
        row = each.row
        if row.role == "user":
            said(examples, row, each.direct(), head)
            if each.frame is not None:
                said(examples, row, each.framed(), head)
        elif row.source in OPENLY:
            labels = part_labels(row, each.read)
            for part, label in zip(each.parts(), labels, strict=True):
                if label == 1 or (label == 0 and len(labels) <= 6):
                    examples.add(part, label, 0.3)
        elif row.label == 0 and row.source in CALM:
            for part in each.parts()[:MOST_PARTS]:
                examples.add(part, 0, 0.3)
    return examples


def said(examples, row, rows, head):
    """Add a whole text; of a benign one its sentences too, of an attack the one that an earlier head points at."""
    examples.add(rows[0], row.label, 1.0)
    parts = rows[1:]
    some = min(len(parts), 12)
    if row.label == 0:
        for part in parts[:some]:
            examples.add(part, 0, 1 / sqrt(some))
    elif some and head is not None:
        examples.add(parts[int(scores(head, parts).argmax())], 1, 0.5)


def planted_examples(texts, head=None):
    """Give sentences of documents; where the planted one is not known, the one that an earlier head points at."""
    examples = Examples()
    for each in texts:
        if each.row.role != "document":
            continue
        rows, labels = each.planted(), part_labels(each.row, each.read)
        if each.row.label and 1 not in labels:
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
