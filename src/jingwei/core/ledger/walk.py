"""One pass over the chain, entry by entry: the part that verifying a database and verifying an export share."""

from collections.abc import Callable
from hashlib import sha256

from jingwei.core.errors import Tampered
from jingwei.core.ledger.model import Checkpoint, Fault, Mark, link
from jingwei.core.signing import Signature, Verifier

MOST_FAULTS = 1000
"""Faults told in full; the rest are counted."""


class Faults:
    """The faults found so far."""

    def __init__(self) -> None:
        self.told: list[Fault] = []
        self.count = 0

    def add(self, code: str, *, sequence: int | None = None, subject: str = "", **values: object) -> None:
        """Note one."""
        self.count += 1
        if len(self.told) < MOST_FAULTS:
            self.told.append(Fault.of(code, sequence=sequence, subject=subject, **values))


class Walk:
    """A walk along the chain: where it is, and the tree over what it passed.

    Args:
        mark: where to begin.
        verifier: the platform's public key.
        faults: where to note what is wrong.
    """

    def __init__(self, mark: Mark, *, verifier: Verifier, faults: Faults) -> None:
        self.sequence = mark.sequence
        self.entry_number = mark.entry_number
        self.chain = bytes.fromhex(mark.chain_digest)
        self.frontier = mark.frontier()
        self.checkpoints = 0
        self._verifier = verifier
        self._faults = faults
        self._signed: tuple[int, Signature] | None = None

    def step(self, body: bytes | None, *, entry_digest: str, chain_digest: str) -> None:
        """Pass one entry: its body must have the digest, and the digest must continue the chain."""
        self.sequence += 1
        if body is None:
            self._faults.add("entry-missing", sequence=self.sequence)
        elif sha256(body).hexdigest() != entry_digest:
            self._faults.add("entry-edited", sequence=self.sequence)
        entry = _bytes(entry_digest)
        chain = link(self.chain, entry)
        if chain.hex() != chain_digest:
            self._faults.add("chain-broken", sequence=self.sequence)
            chain = _bytes(chain_digest)  # go on from what is there: one break is told once
        self.chain = chain
        self.frontier.append(entry)

    def skip_to(self, sequence: int) -> None:
        """Note that the places before `sequence` are gone, and go on there."""
        self._faults.add("seal-missing", sequence=self.sequence + 1, last=sequence - 1)
        self.sequence = sequence - 1

    def check(self, checkpoint: Checkpoint, *, subject: str) -> None:
        """Hold a checkpoint or an anchor of exactly this place against what was passed."""
        self.checkpoints += 1
        if checkpoint.chain_digest != self.chain.hex() or checkpoint.root != self.frontier.root().hex():
            self._faults.add("checkpoint-unlike", sequence=checkpoint.size, subject=subject)
        self.check_signature(checkpoint, subject=subject)

    def check_signature(self, checkpoint: Checkpoint, *, subject: str) -> None:
        """Check who signed; one that was just checked is not checked again."""
        known = (hash((checkpoint.size, checkpoint.root, checkpoint.chain_digest, checkpoint.at)), checkpoint.signature)
        if known == self._signed:
            return
        try:
            checkpoint.verify(self._verifier)
            self._signed = known
        except Tampered:
            self._faults.add("checkpoint-unsigned", sequence=checkpoint.size, subject=subject)

    def mark(self) -> Mark:
        """Return where the walk is."""
        peaks = tuple(peak.hex() for peak in self.frontier.peaks)
        if self.frontier.size != self.sequence:  # places were missing: the tree cannot be gone on with
            peaks = tuple("0" * 64 for _ in range(self.sequence.bit_count()))
        return Mark(sequence=self.sequence, entry_number=self.entry_number, chain_digest=self.chain.hex(), peaks=peaks)


def _bytes(written: str) -> bytes:
    try:
        return bytes.fromhex(written)
    except ValueError:
        return b""


Progress = Callable[[int, int], None]
"""Told (entries passed, entries in all) now and then."""
