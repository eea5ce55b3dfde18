"""Merkle trees as RFC 6962 hashes them: the ledger's checkpoints and the event segments' roots.

A leaf and a node are hashed with different prefixes, so neither can pass for the other. A `Frontier` grows a tree one
leaf at a time in memory that is logarithmic in its size; the proofs work on the list of all leaves.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from jingwei.core.errors import Tampered


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows: the roots of its full subtrees, largest first.

    Args:
        size: how many leaves it has.
        peaks: the roots of its full subtrees, one for each bit that is set in the size.

    Raises:
        ValueError: the peaks are not as many as the size demands.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ValueError("peaks")

    def append(self, content: bytes) -> None:
        """Add one leaf."""
        node = sha256(b"\x00" + content).digest()
        full = self.size
        while full & 1:
            node = sha256(b"\x01" + self.peaks.pop() + node).digest()
            full >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree's root."""
        if not self.peaks:
            return sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(contents: Iterable[bytes]) -> str:
    """Return the root of a tree over these leaves, in this order, as hex digits."""
    frontier = Frontier()
    for content in contents:
        frontier.append(content)
    return frontier.root().hex()


def inclusion_proof(contents: Sequence[bytes], index: int) -> list[bytes]:
    """Return what proves that the leaf at `index` is in the tree over all the leaves."""
    return _path([leaf_hash(content) for content in contents], index)


def verify_inclusion(content: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in a tree.

    Raises:
        Tampered: the proof does not lead from the leaf to the root.
    """
    node, last, at = leaf_hash(content), size - 1, index
    for sibling in proof if 0 <= index < size else ():
        if last == 0:
            raise Tampered("core:merkle-not-included", index=index, size=size)
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last or node != root or not 0 <= index < size:
        raise Tampered("core:merkle-not-included", index=index, size=size)


def consistency_proof(contents: Sequence[bytes], size: int) -> list[bytes]:
    """Return what proves that the tree over the first `size` leaves is the beginning of the tree over all."""
    leaves = [leaf_hash(content) for content in contents]
    return _growth(leaves, size, whole=True) if 0 < size < len(leaves) else []


def verify_consistency(*, old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a larger tree only added leaves to a smaller one.

    Raises:
        Tampered: the proof does not show that.
    """
    if not _consistent(old_size, old_root, size=size, root=root, proof=list(proof)):
        raise Tampered("core:merkle-not-consistent", old_size=old_size, size=size)


def _consistent(old_size: int, old_root: bytes, *, size: int, root: bytes, proof: list[bytes]) -> bool:
    if old_size == size:
        return not proof and old_root == root
    if not 0 < old_size < size:
        return False
    if old_size.bit_count() == 1:
        proof.insert(0, old_root)
    if not proof:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return node_hash(_root(leaves[:middle]), _root(leaves[middle:]))


def _path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*_path(leaves[:middle], index), _root(leaves[middle:])]
    return [*_path(leaves[middle:], index - middle), _root(leaves[:middle])]


def _growth(leaves: Sequence[bytes], size: int, *, whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if whole else [_root(leaves)]
    middle = _split(len(leaves))
    if size <= middle:
        return [*_growth(leaves[:middle], size, whole=whole), _root(leaves[middle:])]
    return [*_growth(leaves[middle:], size - middle, whole=False), _root(leaves[:middle])]
