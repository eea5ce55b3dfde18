"""Ed25519 signatures over canonical JSON: evidence, tokens, checkpoints and snapshots are all signed here."""

import base64
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import canonical
from jingwei.core.errors import Tampered


class Signature(BaseModel):
    """An Ed25519 signature and the name of the key that made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_id: str
    """First 16 hex digits of the SHA-256 of the raw public key."""
    value: str
    """The 64 signature bytes in URL-safe base64 without padding."""


def encode(raw: bytes) -> str:
    """Write bytes in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(encoded: str) -> bytes:
    """Read URL-safe base64 without padding.

    Raises:
        ValueError: it is not base64.
    """
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half: checks what a Signer signed."""

    public: bytes
    """The raw 32 bytes of the public key."""

    @property
    def key_id(self) -> str:
        """Name the key by the head of its hash."""
        return sha256(self.public).hexdigest()[:16]

    def verify(self, value: object, signature: Signature) -> None:
        """Check a signature over the canonical JSON of a value.

        Raises:
            Tampered: another key signed it, or the value or the signature was changed.
        """
        if signature.key_id != self.key_id:
            raise Tampered("core:signature-other-key", key_id=signature.key_id, expected=self.key_id)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(decode(signature.value), canonical(value))
        except (InvalidSignature, ValueError) as error:
            raise Tampered("core:signature-invalid", key_id=signature.key_id) from error


@dataclass(frozen=True, slots=True)
class Signer:
    """The private half; its key stays in memory and in one file that only the owner may read."""

    private: bytes
    """The raw 32 bytes of the private key."""

    @classmethod
    def generate(cls) -> "Signer":
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def at(cls, path: Path) -> "Signer":
        """Read the key file, or make one; two processes that start together end with the same key."""
        try:
            found = path.stat()
            if found.st_mode & 0o077 and found.st_uid == os.geteuid():
                path.chmod(0o600)
            return cls(path.read_bytes())
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = cls.generate()
        draft = path.with_suffix(f".{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - mode at birth
            file.write(fresh.private)
        try:
            os.link(draft, path)  # fails if another process was first; its key then holds
        except FileExistsError:
            return cls(path.read_bytes())
        finally:
            draft.unlink()
        return fresh

    @property
    def verifier(self) -> Verifier:
        """Return the public half."""
        return Verifier(Ed25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw())

    def sign(self, value: object) -> Signature:
        """Sign the canonical JSON of a value."""
        raw = Ed25519PrivateKey.from_private_bytes(self.private).sign(canonical(value))
        return Signature(key_id=self.verifier.key_id, value=encode(raw))
