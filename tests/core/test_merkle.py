import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import Tampered
from jingwei.core.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The tree and roots of RFC 6962's reference implementation (certificate-transparency, merkle_tree_test).
LEAVES = [bytes.fromhex(leaf) for leaf in
          ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_of_the_standard():
    assert [root_of(LEAVES[: count + 1]) for count in range(8)] == ROOTS
    assert root_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_frontier_goes_on_from_its_peaks():
    frontier = Frontier()
    for leaf in LEAVES[:5]:
        frontier.append(leaf)
    resumed = Frontier(frontier.size, frontier.peaks)
    for leaf in LEAVES[5:]:
        resumed.append(leaf)
    assert resumed.root().hex() == ROOTS[7]
    with pytest.raises(ValueError, match="peaks"):
        Frontier(3, [b""])


def test_a_leaf_cannot_pass_for_a_node():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@given(count=st.integers(1, 70), data=st.data())
def test_every_leaf_is_proven_and_no_other(count, data):
    leaves = [bytes([number]) for number in range(count)]
    root = bytes.fromhex(root_of(leaves))
    index = data.draw(st.integers(0, count - 1))
    proof = inclusion_proof(leaves, index)
    verify_inclusion(leaves[index], index=index, size=count, proof=proof, root=root)
    wrong = [
        {"content": b"other"},
        {"index": index + 1},
        {"index": -1},
        {"root": bytes(32)},
        {"proof": [*proof, bytes(32)]},
        *([{"proof": proof[:-1]}, {"proof": [bytes(32), *proof[1:]]}] if proof else []),
    ]
    for change in wrong:
        given_ = {"content": leaves[index], "index": index, "size": count, "proof": proof, "root": root} | change
        with pytest.raises(Tampered):
            verify_inclusion(given_.pop("content"), **given_)


@given(size=st.integers(1, 70), data=st.data())
def test_growth_is_proven_and_nothing_else(size, data):
    leaves = [bytes([number]) for number in range(size)]
    old_size = data.draw(st.integers(1, size))
    old_root, root = (bytes.fromhex(root_of(leaves[:count])) for count in (old_size, size))
    proof = consistency_proof(leaves, old_size)
    verify_consistency(old_size=old_size, old_root=old_root, size=size, root=root, proof=proof)
    rewritten = bytes.fromhex(root_of([b"x", *leaves[1:]]))
    wrong = [{"old_root": bytes(32)}, {"root": rewritten}, {"proof": [*proof, bytes(32)]}, {"old_size": 0}]
    if proof:
        wrong.append({"proof": []})
    for change in wrong:
        with pytest.raises(Tampered):
            verify_consistency(
                **({"old_size": old_size, "old_root": old_root, "size": size, "root": root, "proof": proof} | change)
            )
