"""Keys of one's own: an elliptic-curve pair in two files, the private half for its owner only."""

import os
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jingwei.core.errors import InputError

_LARGEST = 65_536
_HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}


class KeyPair(NamedTuple):
    """The two files of a key."""

    private: Path
    public: Path


def new_key(folder: Path, *, name: str = "model-signing") -> KeyPair:
    """Make a key on P-256 and write both halves; an existing key is never written over.

    Raises:
        InputError: there is such a file already.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    pair = KeyPair(folder / f"{name}.key", folder / f"{name}.pub")
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())  # fmt: skip
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for path, content, mode in ((pair.private, private, 0o600), (pair.public, public, 0o644)):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except OSError as error:
            raise InputError("deploy.signing:key-unwritten", field="folder", path=str(path)) from error
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    return pair


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a private key.

    Raises:
        InputError: it is not there, is protected by a password, or is no elliptic-curve key.
    """
    try:
        key = serialization.load_pem_private_key(_content(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("deploy.signing:key-unread", field="key", path=str(path)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.key_size not in _HASHES:
        raise InputError("deploy.signing:key-unread", field="key", path=str(path))
    return key


def public_key(path: Path) -> ec.EllipticCurvePublicKey:
    """Read a public key.

    Raises:
        InputError: it is not there, or is no elliptic-curve key.
    """
    try:
        key = serialization.load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("deploy.signing:key-unread", field="public_key", path=str(path)) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.key_size not in _HASHES:
        raise InputError("deploy.signing:key-unread", field="public_key", path=str(path))
    return key


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise InputError("deploy.signing:key-unread", field="key", path=str(path)) from error


def signed(content: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Sign bytes with the hash that belongs to the key's curve."""
    return key.sign(content, ec.ECDSA(_HASHES[key.curve.key_size]))


def holds(content: bytes, signature: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Tell whether a signature is this key's over these bytes."""
    try:
        key.verify(signature, content, ec.ECDSA(_HASHES[key.curve.key_size]))
    except InvalidSignature:
        return False
    return True
