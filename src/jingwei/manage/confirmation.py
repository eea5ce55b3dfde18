"""Confirmation: before a person signs or approves, they prove themself again for that one act."""

from jingwei.core.errors import Refused
from jingwei.core.identity import Actor, Reauthentication
from jingwei.manage.desk import Desk

TOTP_FROM_GRADE = 3
"""From this grade on, a password alone is not enough."""


def demand_confirmed(desk: Desk, proof: Reauthentication, *, actor: Actor, purpose: str, grade: int) -> None:
    """Refuse an act that its person has not just confirmed.

    Args:
        desk: the clock and the platform's key.
        proof: from `Accounts.reauthenticate`.
        actor: who acts.
        purpose: id of what is signed or approved.
        grade: of the System it is about.

    Raises:
        Tampered: the proof was not made by the platform.
        Refused: it is of another person or act, too old, or lacks the code that the grade asks for.
    """
    proof.demand(account_id=actor.id, purpose=purpose, now=desk.clock(), verifier=desk.signer.verifier)
    if grade >= TOTP_FROM_GRADE and not proof.with_totp:
        raise Refused("manage:sign-needs-totp", field="code", grade=grade)
