"""Proof of possession: each request of an assessment run is signed with the run's own key.

A stolen assessment token alone is worth nothing: the `Jingwei-Proof` header says
`<unix seconds>.<nonce>.<signature>`, and the signature covers the token's id, the time, the nonce, the method, the path
and the SHA-256 of the body. The reader also remembers nonces (`faces.gateway`), so no request can be sent twice.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from jingwei.core.clock import Clock, utc_now
from jingwei.core.errors import Tampered
from jingwei.core.signing import Signature, Signer, Verifier

HEADER = "Jingwei-Proof"
LEEWAY_SECONDS = 30
"""How far the two clocks may differ; nonces must be remembered for twice as long."""
CHAT_PATH = "/v1/chat/completions"


class Proof(NamedTuple):
    """A verified proof."""

    time: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Prover:
    """Signs the requests of one run; callable, as `Run.sign_request` wants it."""

    token_id: str
    signer: Signer
    clock: Clock = utc_now

    def __call__(self, body: bytes, *, method: str = "POST", path: str = CHAT_PATH) -> dict[str, str]:
        """Return the headers that prove the caller, for one request."""
        proof = Proof(int(self.clock().timestamp()), secrets.token_urlsafe(18))
        signature = self.signer.sign(_covered(self.token_id, proof, {"method": method, "path": path}, body))
        return {HEADER: f"{proof.time}.{proof.nonce}.{signature.value}"}


def verify_proof(header: str, *, token_id: str, caller: Verifier, now: datetime, request: Mapping[str, str],
                 body: bytes) -> Proof:  # fmt: skip
    """Check a proof against the request it came with. Whether its nonce is new is the reader's to check.

    Args:
        header: the header's value.
        token_id: id of the assessment token that came with it.
        caller: the key named in the token.
        now: the present moment.
        request: its `method` and `path`.
        body: the raw body.

    Raises:
        Tampered: malformed, too old, or not signed by the caller for this very request.
    """
    time_text, _, rest = header.partition(".")
    nonce, _, value = rest.partition(".")
    if not (time_text.isascii() and time_text.isdigit() and len(time_text) <= 12) or not 16 <= len(nonce) <= 64:
        raise Tampered("core:proof-malformed")
    proof = Proof(int(time_text), nonce)
    if abs(now.timestamp() - proof.time) > LEEWAY_SECONDS:
        raise Tampered("core:proof-stale", seconds=LEEWAY_SECONDS)
    caller.verify(_covered(token_id, proof, request, body), Signature(key_id=caller.key_id, value=value))
    return proof


def _covered(token_id: str, proof: Proof, request: Mapping[str, str], body: bytes) -> dict[str, object]:
    return {
        "token": token_id,
        "time": proof.time,
        "nonce": proof.nonce,
        "method": request["method"],
        "path": request["path"],
        "body": sha256(body).hexdigest(),
    }
