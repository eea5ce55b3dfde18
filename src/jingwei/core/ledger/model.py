"""The ledger's values: checkpoints, what verification found, and the place to go on from."""

from hashlib import sha256
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.canonical import Json
from jingwei.core.merkle import Frontier
from jingwei.core.signing import Signature, Signer, Verifier
from jingwei.core.text import Both, text

GENESIS = bytes(32)
"""What the first link of the chain is joined to."""

Hex = r"^[0-9a-f]{64}$"


def link(previous: bytes, entry: bytes) -> bytes:
    """Return the chain digest of an entry: the hash of the chain so far and of the entry."""
    return sha256(previous + entry).digest()


class Checkpoint(BaseModel):
    """A signed statement about the first `size` entries: their Merkle root and the digest of their chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(gt=0, lt=2**53)
    root: str = Field(pattern=Hex)
    chain_digest: str = Field(pattern=Hex)
    at: str = Field(max_length=32)
    signature: Signature

    @property
    def content(self) -> dict[str, Json]:
        """Return what is signed."""
        return {"kind": "ledger-checkpoint", "size": self.size, "root": self.root, "chain_digest": self.chain_digest,
                "at": self.at}  # fmt: skip

    @classmethod
    def signed(cls, *, size: int, root: str, chain_digest: str, at: str, signer: Signer) -> Self:
        """Make and sign a checkpoint."""
        draft = cls(size=size, root=root, chain_digest=chain_digest, at=at, signature=Signature(key_id="", value=""))
        return draft.model_copy(update={"signature": signer.sign(draft.content)})

    def verify(self, verifier: Verifier) -> None:
        """Check the signature.

        Raises:
            Tampered: the checkpoint was changed, or another key signed it.
        """
        verifier.verify(self.content, self.signature)


class Fault(BaseModel):
    """One thing that is wrong with the ledger, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    """Stable name, such as `entry-edited`."""
    sequence: int | None = None
    """Place in the chain, where it has one."""
    subject: str = ""
    """Table and row, or file, it is about; never a person's name."""
    message: Both

    @classmethod
    def of(cls, code: str, *, sequence: int | None = None, subject: str = "", **values: object) -> Self:
        """Make a fault with its text."""
        message = text(f"core:ledger-fault-{code}", sequence=sequence, subject=subject, **values)
        return cls(code=code, sequence=sequence, subject=subject, message=message)


class Mark(BaseModel):
    """How far a verification came: the next one goes on from here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int = 0
    entry_number: int = 0
    chain_digest: str = GENESIS.hex()
    peaks: tuple[str, ...] = ()

    def frontier(self) -> Frontier:
        """Return the Merkle tree over the entries so far."""
        return Frontier(self.sequence, map(bytes.fromhex, self.peaks))


class Report(BaseModel):
    """What a verification looked at and what it found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: int
    """Sealed entries checked in this run."""
    checkpoints: int
    anchors: int
    rows: int
    """Governed rows reconciled with their newest entry."""
    unsealed: int
    """Entries not yet sealed."""
    unanchored: int
    """Entries after the last anchor, the unsealed ones too: their loss could not be noticed yet."""
    faults: tuple[Fault, ...]
    """The first thousand; `fault_count` counts all."""
    fault_count: int
    finished: bool
    """False when a limit ended it; `mark` says where to go on."""
    mark: Mark

    @property
    def holds(self) -> bool:
        """Tell whether nothing wrong was found."""
        return self.fault_count == 0
