"""Signatures that lie in an OCI layout, verified with a given public key: cosign's and notation's, offline."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from jingwei.core.errors import InputError
from jingwei.deploy.scanned import plain

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
Blob = Callable[[str], bytes | None]
_COSIGN = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_HASHES: dict[int, hashes.HashAlgorithm] = {
    256: hashes.SHA256(),
    384: hashes.SHA384(),
    512: hashes.SHA512(),
    521: hashes.SHA512(),
}


class Signed(NamedTuple):
    """One signature."""

    subject: str
    """Digest of what it signs, as it says."""
    holds: bool | None
    """None where it could not be verified."""
    keyless: bool = False


def public_key(path: str) -> PublicKey:
    """Read a public key.

    Raises:
        InputError: the file holds none.
    """
    try:
        with Path(path).open("rb") as stream:
            key = serialization.load_pem_public_key(stream.read(100_000))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise InputError("deploy.config:bad-key", field="public_key", path=plain(path)) from error
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise InputError("deploy.config:bad-key", field="public_key", path=plain(path))
    return key


def signatures(manifest: Mapping[str, Any], blob: Blob, key: PublicKey | None) -> Iterator[Signed]:
    """Give the signatures that a manifest is made of; none where it is an image."""
    layers = manifest.get("layers")
    subject = manifest.get("subject")
    for layer in layers if isinstance(layers, list) else []:
        if not isinstance(layer, dict):
            continue
        held = layer.get("annotations")
        notes = held if isinstance(held, dict) else {}
        kind, digest = str(layer.get("mediaType", "")), str(layer.get("digest", ""))
        if _COSIGN in notes or "simplesigning" in kind:
            yield _cosign(blob(digest), str(notes.get(_COSIGN, "")), key, keyless=_CERTIFICATE in notes)
        elif "jose+json" in kind and isinstance(subject, dict):
            yield _notation(blob(digest), str(subject.get("digest", "")), key)


def _cosign(payload: bytes | None, signature: str, key: PublicKey | None, *, keyless: bool) -> Signed:
    try:
        told = json.loads(payload or b"")
        subject = str(told["critical"]["image"]["docker-manifest-digest"])
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return Signed("", holds=False)
    if key is None:
        return Signed(subject, holds=None, keyless=keyless)
    return Signed(subject, holds=_holds(key, raw, payload or b"", bits=256))


def _notation(envelope: bytes | None, subject: str, key: PublicKey | None) -> Signed:
    """Verify a notation signature in JWS form; it must name the subject that its manifest names."""
    try:
        told = json.loads(envelope or b"")
        protected, payload = str(told["protected"]), str(told["payload"])
        algorithm = str(json.loads(_unpadded(protected))["alg"])
        target = str(json.loads(_unpadded(payload))["targetArtifact"]["digest"])
        raw = _unpadded(str(told["signature"]))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return Signed(subject, holds=False)
    if target != subject:
        return Signed(subject, holds=False)
    if key is None:
        return Signed(subject, holds=None)
    bits = int(algorithm[2:]) if algorithm[2:] in {"256", "384", "512"} else 256
    if algorithm.startswith("ES") and len(raw) % 2 == 0:
        half = len(raw) // 2
        raw = encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
    probabilistic = algorithm.startswith("PS")
    return Signed(
        subject, holds=_holds(key, raw, f"{protected}.{payload}".encode(), bits=bits, probabilistic=probabilistic)
    )


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _holds(key: PublicKey, signature: bytes, content: bytes, *, bits: int, probabilistic: bool = False) -> bool:
    digest = _HASHES.get(bits, hashes.SHA256())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey):
            salted = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, content, salted if probabilistic else padding.PKCS1v15(), digest)
        else:
            key.verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
