"""Tokens: what the gateway demands before it serves.

A **release token** is the output of a passed gate and the lane's signatures. An **assessment token** lets one check
run go through the gateway before release: bound to a run and to the caller's key, loopback only, at most 30 minutes,
its events marked trial. Both are signed by the platform, expire, and can be revoked; the relay's snapshot tells the
gateway which are live.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jingwei.core.canonical import canonical
from jingwei.core.errors import Tampered
from jingwei.core.signing import Signature, Signer, Verifier, decode, encode

ASSESSMENT_LIFETIME = timedelta(minutes=30)
"""The longest an assessment token may live: one check run, no more."""


class _Token(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    system_id: str
    policy_digest: str
    """The gateway serves only while it enforces this policy."""
    issued_at: datetime
    expires_at: datetime


class ReleaseToken(_Token):
    """Permission to serve a System."""

    kind: Literal["release"] = "release"
    configuration_digest: str
    evidence_digest: str
    """Digest of the sorted evidence ids that the signatures covered."""
    decision_id: str


class AssessmentToken(_Token):
    """Permission for one check run to pass through the gateway before release."""

    kind: Literal["assessment"] = "assessment"
    run_id: str
    caller_key: str
    """Raw Ed25519 public key of the run, URL-safe base64; each request is signed with its private half."""


Token = Annotated[ReleaseToken | AssessmentToken, Field(discriminator="kind")]
_adapter: TypeAdapter[ReleaseToken | AssessmentToken] = TypeAdapter(Token)


def issue(token: ReleaseToken | AssessmentToken, signer: Signer) -> str:
    """Write a token as `<payload>.<key id>.<signature>`, fit for an Authorization header."""
    signature = signer.sign(token)
    return f"{encode(canonical(token))}.{signature.key_id}.{signature.value}"


def read(written: str, verifier: Verifier) -> ReleaseToken | AssessmentToken:
    """Read and verify a token. Expiry and revocation are the reader's to check.

    Raises:
        Tampered: it is no token, or not one this key signed.
    """
    payload, _, rest = written.partition(".")
    key_id, _, value = rest.partition(".")
    try:
        token = _adapter.validate_json(decode(payload))
    except (ValidationError, ValueError) as error:
        raise Tampered("core:token-unreadable") from error
    verifier.verify(token, Signature(key_id=key_id, value=value))
    return token
