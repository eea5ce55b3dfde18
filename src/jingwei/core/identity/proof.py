"""What proving who you are ends in: a denial, or a short-lived signed proof for one purpose.

A denial is returned, not raised: the failure it counts must be committed, and an error would roll it back. The caller
raises `denied.error()` once the unit of work is closed.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jingwei.core.clock import stamp
from jingwei.core.errors import Refused, Unauthenticated
from jingwei.core.signing import Signature, Signer, Verifier

LIFETIME = timedelta(minutes=2)
"""How long a fresh password and code vouch for the one act they were given for."""


class Denied(BaseModel):
    """The name, password or code did not hold, or it is too early to try again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Literal["sign-in-failed", "sign-in-wait", "password-must-change", "code-wrong"]
    wait_seconds: int = 0

    def error(self) -> Unauthenticated:
        """Return the error to raise after the unit of work is closed."""
        return Unauthenticated(f"core.identity:{self.reason}", field="password", seconds=self.wait_seconds)


class Reauthentication(BaseModel):
    """Proof that one account gave its password (and code) just now, for one purpose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: str
    purpose: str
    """Id of the one thing it vouches for: a release request, an override."""
    with_totp: bool
    at: datetime
    signature: Signature

    def demand(self, *, account_id: str, purpose: str, now: datetime, verifier: Verifier) -> None:
        """Check that it is fresh, for this account and this purpose.

        Raises:
            Tampered: the platform did not sign it.
            Refused: it belongs to another account or purpose, or is too old.
        """
        verifier.verify(_content(self), self.signature)
        if self.account_id != account_id:
            raise Refused("core.identity:proof-of-another")
        if self.purpose != purpose:
            raise Refused("core.identity:proof-for-another-purpose")
        if not timedelta() <= now - self.at <= LIFETIME:
            raise Refused("core.identity:proof-too-old", minutes=LIFETIME.seconds // 60)


def prove(*, account_id: str, purpose: str, with_totp: bool, at: datetime, signer: Signer) -> Reauthentication:
    """Sign a proof."""
    unsigned = Reauthentication(account_id=account_id, purpose=purpose, with_totp=with_totp, at=at,
                                signature=Signature(key_id="", value=""))  # fmt: skip
    return unsigned.model_copy(update={"signature": signer.sign(_content(unsigned))})


def _content(proof: Reauthentication) -> dict[str, object]:
    return {"account": proof.account_id, "purpose": proof.purpose, "totp": proof.with_totp, "at": stamp(proof.at)}
