"""One exchange: who asked, under which policy, and the events it leaves behind."""

import asyncio
from dataclasses import dataclass, field

from jingwei.core.clock import Clock
from jingwei.core.event import Event, EventKind
from jingwei.core.ids import new_id
from jingwei.core.policy import Decision
from jingwei.deploy.guard import GuardVerdict
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.journal import Journal


@dataclass(slots=True)
class Exchange:
    """Writes the events of one request; `settle` waits until all of them are on disk."""

    request_id: str
    access: Access
    journal: Journal
    clock: Clock
    pending: list[asyncio.Future[None]] = field(default_factory=list)

    def verdict(self, verdict: GuardVerdict, *, tool: str = "", reason: str = "") -> str:
        """Record a verdict, and each detector that failed; return the event's id."""
        for gap in verdict.unjudged:
            self._submit(self._event(EventKind.DETECTOR_FAILURE).model_copy(update={
                "direction": verdict.direction, "decision": gap.decision, "categories": (gap.category,),
                "reason": f"detector-{gap.why}", "tool": tool,
            }))  # fmt: skip
        event = self._event(EventKind.VERDICT).model_copy(update={
            "direction": verdict.direction, "decision": verdict.decision, "categories": verdict.categories,
            "rule_ids": verdict.rule_ids, "latency_milliseconds": round(verdict.latency_milliseconds, 3),
            "tool": tool, "reason": reason,
        })  # fmt: skip
        return self._submit(event)

    def label(self) -> None:
        """Record that an explicit label was put on the answer."""
        self._submit(self._event(EventKind.LABEL).model_copy(update={
            "direction": "outbound", "decision": Decision.LABEL,
        }))  # fmt: skip

    def failure(self, reason: str) -> None:
        """Record that the model's server, or the way to the caller, failed."""
        self._submit(self._event(EventKind.UPSTREAM_FAILURE).model_copy(update={"reason": reason}))

    async def settle(self) -> None:
        """Wait until every event is on disk.

        Raises:
            Refusal: the disk does not take them; nothing more may be answered.
        """
        pending, self.pending = self.pending, []
        for future in pending:
            await future

    def _submit(self, event: Event) -> str:
        self.pending.append(self.journal.submit(event))
        return event.id

    def _event(self, kind: EventKind) -> Event:
        access = self.access
        return Event(id=new_id("evt"), at=self.clock(), kind=kind, system_id=access.served.system_id,
                     request_id=self.request_id, policy_digest=access.served.policy.digest, trial=access.trial,
                     run_id=access.run_id)  # fmt: skip
