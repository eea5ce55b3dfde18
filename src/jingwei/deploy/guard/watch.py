"""People in the loop, as a gateway sees them: who watches now, and what somebody has approved.

Both come from the signed snapshot alone. A time that lies in the future, or further off than the policy allows, is not
believed: it was made with a clock that is wrong, or to outlive its policy.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from jingwei.core.canonical import digest
from jingwei.core.policy import Policy
from jingwei.core.snapshot import Approval, Presence

SKEW = timedelta(seconds=5)
"""How far the clocks of platform and gateway may differ."""


class Binding(NamedTuple):
    """All that a person's approval of one call is bound to, but its time."""

    host: str
    system_id: str
    principal: str
    server: str
    tool: str
    arguments_digest: str
    policy_digest: str

    @property
    def digest(self) -> str:
        """Return one name for all of it."""
        return digest(self._asdict())


def is_watched(watching: Iterable[Presence], *, system_id: str, session: str, policy: Policy, now: datetime) -> bool:
    """Tell whether a person is there for this session, or for every session of the System.

    Args:
        watching: who is there, by the snapshot.
        system_id: the System.
        session: digest of the session id; without one, only who watches the whole System counts.
        policy: says how long a person may be silent.
        now: the time.
    """
    idle = timedelta(seconds=policy.watch_idle_seconds)
    return any(
        each.system_id == system_id and each.session in {"", session} and -SKEW <= now - each.seen_at < idle
        for each in watching
    )


def approval_for(approvals: Iterable[Approval], binding: Binding, *, policy: Policy, now: datetime) -> Approval | None:
    """Return an approval of exactly this call that has not ended."""
    longest = timedelta(seconds=policy.approval_seconds) + SKEW
    return next((each for each in approvals if _binding(each) == binding and now < each.expires_at <= now + longest),
                None)  # fmt: skip


def _binding(approval: Approval) -> Binding:
    return Binding(approval.host, approval.system_id, approval.principal, approval.server, approval.tool,
                   approval.arguments_digest, approval.policy_digest)  # fmt: skip
