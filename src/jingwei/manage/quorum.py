"""Who has signed and who still must. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from jingwei.catalog.grading import Approvers


class Ballot(NamedTuple):
    """One person's vote, as far as counting goes."""

    account_id: str
    role: str
    approves: bool


class Quorum(NamedTuple):
    """How far the signatures of a request are."""

    wanted_roles: tuple[str, ...]
    """Roles of the lane that have not approved."""
    still_needed: int
    """Approvals that are missing; 0 releases."""
    rejected: bool


def quorum(approvers: Approvers, ballots: Sequence[Ballot], *, requested_by: str) -> Quorum:
    """Count votes: one a person, one a role, never the requester's own where four eyes are asked for."""
    counted: dict[str, str] = {}
    for ballot in ballots:
        own = approvers.four_eyes and ballot.account_id == requested_by
        spent = ballot.account_id in counted.values() or ballot.role in counted
        if ballot.approves and ballot.role in approvers.roles and not own and not spent:
            counted[ballot.role] = ballot.account_id
    rejected = any(not ballot.approves for ballot in ballots)
    needed = 0 if approvers.auto_if_checks_pass else max(0, approvers.minimum - len(counted))
    wanted = tuple(role for role in approvers.roles if role not in counted)
    return Quorum(wanted_roles=wanted if needed else (), still_needed=needed, rejected=rejected)
