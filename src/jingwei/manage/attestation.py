"""Attestations: what one person signed, in the platform's hand, verifiable offline."""

from datetime import datetime

from jingwei.core.clock import stamp
from jingwei.core.errors import Tampered
from jingwei.core.signing import Signature, Signer, Verifier
from jingwei.core.store.tables import ReleaseRequestRow, SignatureRow
from jingwei.manage.quorum import Ballot


def attest(request: ReleaseRequestRow, row: SignatureRow, *, at: datetime, signer: Signer) -> dict[str, object]:
    """Return the signed statement that a person voted on exactly this request."""
    content = {**_fixed(request, row), "at": stamp(at)}
    return {"content": content, "signature": signer.sign(content).model_dump(mode="json")}


def verified(request: ReleaseRequestRow, row: SignatureRow, verifier: Verifier) -> Ballot:
    """Return a vote as it was signed.

    Raises:
        Tampered: the stored vote or the request is not what was signed.
    """
    content = row.attestation.get("content")
    signature = row.attestation.get("signature")
    if not isinstance(content, dict) or not isinstance(signature, dict):
        raise Tampered("manage:vote-changed", vote=row.id)
    verifier.verify(content, Signature.model_validate(signature))
    if {**_fixed(request, row), "at": content.get("at")} != content:
        raise Tampered("manage:vote-changed", vote=row.id)
    return Ballot(row.account_id, row.role, row.approves)


def _fixed(request: ReleaseRequestRow, row: SignatureRow) -> dict[str, object]:
    return {
        "kind": "release-signature", "request": request.id, "system": request.system_id,
        "requested_by": request.requested_by, "account": row.account_id, "role": row.role, "approves": row.approves,
        "comment": row.comment, "grade": request.grade, "evidence": request.evidence_digest,
        "configuration": request.configuration_digest, "policy": request.policy_digest,
    }  # fmt: skip
