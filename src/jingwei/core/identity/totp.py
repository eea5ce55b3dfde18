"""TOTP codes (RFC 6238): thirty seconds each, one step of drift either way, each good for one use."""

import hmac
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from pyotp import random_base32
from pyotp.totp import TOTP

STEP_SECONDS = 30
_ISSUER = "Jingwei"


class TotpOffer(BaseModel):
    """A fresh secret for a person's authenticator; it counts once a code made from it was shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: str
    uri: str
    """`otpauth://` address, drawn as a QR code."""


def offer(login: str) -> TotpOffer:
    """Make a secret."""
    secret = random_base32()
    return TotpOffer(secret=secret, uri=TOTP(secret).provisioning_uri(name=login, issuer_name=_ISSUER))


def accepted_step(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """Return the time step a code belongs to, or None if it is wrong or was used before.

    Args:
        secret: the account's secret in base 32.
        code: what the person typed.
        now: the present moment.
        after: the last step that was accepted; a code of it or of an earlier one is spent.
    """
    totp = TOTP(secret)
    present = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), code.strip().encode()) and step > after:
            found = step
    return found
