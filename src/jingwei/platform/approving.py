"""Held calls on their way from a gateway's events to people. The way back is the snapshot: `Serving`.

An event tells of a call by digests alone. What a person may read of its arguments lies, redacted, in a file that the
gateway wrote beside its spool; it is taken from there once, and goes no further than the request.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from jingwei.core.errors import JingweiError
from jingwei.core.event import Event, EventKind
from jingwei.core.host import host_id
from jingwei.deploy.guard import take_readable
from jingwei.manage import HeldCall

if TYPE_CHECKING:
    from jingwei.platform.work import Work

ASKED, USED = "approval-asked", "approval-used"
"""Reasons of an APPROVAL event."""
HOLDING = "holding"
"""Folder beside the spool where gateways keep held calls."""
_log = logging.getLogger(__name__)


class Approving:
    """Enters held calls and used approvals; one a host.

    Args:
        spool: the folder that gateways of this host write their events to.
        working: opens the services for writing, as the platform.
    """

    def __init__(self, spool: Path, *, working: "Callable[[str], AbstractContextManager[Work]]") -> None:
        self._spool = spool
        self._working = working

    @property
    def host(self) -> str:
        """Return this host's id."""
        return host_id(self._spool)

    def take(self, events: Iterable[Event]) -> None:
        """Enter what a segment tells of approvals, and end those whose time is over; safe to repeat."""
        told = [event for event in events if event.kind is EventKind.APPROVAL]
        if not told:
            return
        with self._working("approval.relay") as work:
            work.approvals.lapse()
            for event in told:
                try:
                    self._enter(work, event)
                except (JingweiError, ValidationError):
                    _log.exception("an approval event of system %s cannot be taken", event.system_id)

    def _enter(self, work: "Work", event: Event) -> None:
        approval_id = event.details.get("approval_id", "")
        if event.reason == USED:
            work.approvals.used(approval_id)
        if event.reason != ASKED:
            return
        work.registry.system(event.system_id)
        policy = work.policies.in_force(event.system_id)
        seconds = policy.approval_seconds if policy else 0
        work.approvals.ask(HeldCall(
            id=approval_id, host=self.host, system_id=event.system_id, principal=event.principal,
            session=event.session, server=event.server, tool=event.tool, effect=event.details.get("effect", ""),
            why=event.details.get("why", ""), arguments_digest=event.details.get("arguments_digest", ""),
            arguments=take_readable(self._spool.parent / HOLDING, approval_id), policy_digest=event.policy_digest,
            at=event.at, expires_at=event.at + timedelta(seconds=seconds),
        ))  # fmt: skip
