"""Heads over meaning: how likely a text asks for harm, or holds it, and of which class.

Two small networks read the shared embedding, sentence by sentence and as a whole: `request` for what a person asks,
`content` for what an answer, a tool or a document says, because a refusal that names the harm is no request for it. A
linear model of n-grams reads the wording. One calibrated line weighs them. Trained by
`benchmarks/guard/train_harm.py`; `docs/reference/model-card-harm.md` says on what, and how well it does.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from math import exp, log2
from typing import TYPE_CHECKING, Literal, NamedTuple

from jingwei.detect import embedding
from jingwei.detect.classifier import Model, blocks, is_ideographic
from jingwei.detect.normalize import Folded, Role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

Head = Literal["request", "content"]
FILE = "harm.npz"
LONGEST_READ = 60_000
"""Characters of a text whose wording is weighed; the embedding bounds itself."""
STEP = 512
"""A known vector is kept in one byte a number, in such parts of one."""
_BRIEF = 12
"""A text of so many units is no longer brief."""


class Reading(NamedTuple):
    """What a head makes of a text."""

    probability: float
    """Calibrated, 0 to 1: that the text asks for harm, or holds it."""
    intents: tuple[tuple[str, float], ...]
    """What is sought, the likeliest first: classes of risk and harmless aims, with their shares."""


class Features(NamedTuple):
    """The numbers that the calibrated line weighs."""

    whole: float
    worst: float
    """Of the worst sentence."""
    aim: float
    """How much the aims of harm outweigh the harmless ones in the worst sentence."""
    wording: float
    """What the n-grams say of the worst window, or of the worst sentence by itself."""
    length: float
    """Logarithm of the number of sentences: the worst of many is worse by chance."""
    near: float
    """How much nearer the worst sentence lies to a known request for harm than to any known harmless one."""
    brief: float
    """How little is said, from 0 to 1: a short text needs stronger evidence."""


class Network(NamedTuple):
    """One hidden layer with an output for harm and one for each intent."""

    inner: "Numbers"
    inner_offset: "Numbers"
    outer: "Numbers"
    outer_offset: "Numbers"

    def read(self, rows: "Numbers") -> "Numbers":
        """Return the outputs for each row."""
        import numpy as np  # noqa: PLC0415 - with the encoder, on first need

        hidden: Numbers = np.maximum(rows @ self.inner + self.inner_offset, 0)
        return hidden @ self.outer + self.outer_offset


class Known(NamedTuple):
    """Requests that were written one by one, as vectors."""

    vectors: "Numbers"
    harmful: int
    """So many of them, the first, ask for harm."""

    def nearer(self, vector: "Numbers") -> float:
        """Return how much nearer a vector lies to the harmful ones than to the others."""
        alike: Numbers = self.vectors @ vector
        return float(alike[: self.harmful].max() - alike[self.harmful :].max())


class Weights(NamedTuple):
    """Everything one head knows."""

    network: Network
    wording: Model
    line: Sequence[float]
    """One factor a feature."""
    offset: float
    ideographic_offset: float
    intents: Sequence[str]
    harmful: int
    """So many of the intents, the first, are harmful."""
    known: Known


def head_of(role: Role) -> Head:
    """Return which head reads a text: what a person asks, or what a text holds."""
    return "request" if role == "user" else "content"


def read(folded: Folded) -> Reading:
    """Judge a folded text by the head for its role; milliseconds, so for a thread. Kept with the text."""
    kept = folded.shared.get("meaning")
    if not isinstance(kept, Reading):
        kept = folded.shared["meaning"] = _judge(folded, weights(head_of(folded.role)))
    return kept


def _judge(folded: Folded, known: Weights) -> Reading:
    if not blocks(folded.folded[:LONGEST_READ]):
        return Reading(0.0, ())
    features, shares = weigh(folded, known)
    offset = known.ideographic_offset if is_ideographic(folded.folded[:LONGEST_READ]) else known.offset
    total = offset + sum(factor * number for factor, number in zip(known.line, features, strict=True))
    order = sorted(range(len(shares)), key=lambda place: -shares[place])
    named = tuple((known.intents[place], round(float(shares[place]), 4)) for place in order[:5])
    return Reading(1 / (1 + exp(-max(-30.0, min(30.0, total)))), named)


def weigh(folded: Folded, known: Weights) -> tuple[Features, "Numbers"]:
    """Return the features of a text, and the share of each intent in what speaks loudest in it."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    meant = embedding.read(folded)
    rows = np.vstack([meant.whole, meant.parts])
    outputs = known.network.read(rows)
    harm = outputs[:, 0]
    loudest = int(harm.argmax())
    aims = outputs[loudest, 1:]
    shares = np.exp(aims - aims.max())
    shares /= shares.sum()
    bad = float(shares[: known.harmful].sum())
    aim = min(8.0, max(-8.0, float(np.log((bad + 1e-4) / (1 - bad + 1e-4)))))
    wording = known.wording.score(blocks(folded.folded[:LONGEST_READ]))
    if len(meant.parts) > 1:
        start, end = meant.spans[int(harm[1:].argmax())]
        wording = max(wording, known.wording.score(blocks(folded.folded[start:end])))
    features = Features(float(harm[0]), float(harm[1:].max()), aim, max(-6.0, wording), log2(len(meant.parts)),
                        known.known.nearer(rows[loudest]), brevity(folded.folded))  # fmt: skip
    return features, shares


def brevity(folded: str) -> float:
    """Return how little a folded text says: 1 for nothing, 0 from so many units on."""
    return max(0.0, 1 - embedding.units(folded[: 4 * _BRIEF]) / _BRIEF)


@lru_cache(maxsize=2)
def weights(head: Head) -> Weights:
    """Return what one head knows, unpacked on first use."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    with files("jingwei.detect").joinpath(FILE).open("rb") as file, np.load(file, allow_pickle=False) as data:
        own = {name.removeprefix(f"{head}_"): data[name] for name in data.files if name.startswith(f"{head}_")}
        intents = [str(name) for name in data["intents"]]
        harmful = int(data["harmful"])
        near = Known(data["known"].astype(np.float32) / STEP, int(data["split"]))
    layers = [own[name].astype(np.float32) for name in ("w1", "b1", "w2", "b2")]
    scale, bias = map(float, own["scale"])
    line = [float(number) for number in own["line"]]
    wording = Model(own["ngrams"].tolist(), scale, bias)
    return Weights(Network(*layers), wording, line[2:], line[0], line[1], intents, harmful, near)


def warm() -> None:
    """Load everything now, not with the first message."""
    embedding.warm()
    weights("request")
    weights("content")
