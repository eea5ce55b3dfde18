"""One exchange: who asked, under which policy, and the events it leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from jingwei.core.canonical import Json
from jingwei.core.clock import Clock
from jingwei.core.event import EventKind, event_line
from jingwei.core.ids import new_id
from jingwei.core.policy import Decision
from jingwei.deploy.guard import GuardVerdict, Passage, ToolCall, ToolContext, ToolDecision
from jingwei.deploy.guard.verdict import Direction
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.journal import Batch, Journal

_MOST_TOKENS = 10_000_000
_BYTES_A_TOKEN = 4
"""Where a model's server does not count: close enough in both languages, three bytes a character in Chinese."""


@dataclass(slots=True)
class Used:
    """Tokens of one exchange, as the model's server counted them, else estimated."""

    asked: int = 0
    answered: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """Return how many there were."""
        return self.asked + self.answered

    def count(self, usage: Json) -> None:
        """Take the count of a model's server, where it gives one."""
        if not isinstance(usage, dict):
            return
        asked, answered = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        if asked is not None:
            self.asked, self.answered = asked, answered or 0

    def estimate(self, asked: Json, answered: str) -> None:
        """Estimate where nobody counted."""
        self.estimated = True
        self.asked = len(orjson.dumps(asked)) // _BYTES_A_TOKEN
        self.answered = len(answered.encode("utf-8", "replace")) // _BYTES_A_TOKEN


class Seen(NamedTuple):
    """Texts that were judged, and what was decided: in memory, for as long as somebody wants them afterwards."""

    direction: Direction
    passages: tuple[Passage, ...]
    decision: Decision
    call: ToolCall | None = None
    """The tool call, where it was one; then there are no passages."""
    context: ToolContext | None = None
    """What was known when the call was decided."""
    tool: str = ""
    """What an event may call its tool."""
    server: str = ""
    """MCP server of the tool."""

    @property
    def characters(self) -> int:
        """Return how much is kept."""
        called = len(self.call.arguments) if self.call else 0
        reasoned = len(self.context.reasoning) if self.context else 0
        return called + reasoned + sum(len(passage.text) for passage in self.passages)


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS else None


@dataclass(slots=True)
class Exchange:
    """Writes the events of one request; `settle` waits until all of them are on disk."""

    request_id: str
    access: Access
    journal: Journal
    clock: Clock
    session: str = ""
    """Digest of the caller's session id."""
    model: str = ""
    """The model that was asked for; an answer that is ours names it."""
    pending: list[Batch] = field(default_factory=list)
    used: Used = field(default_factory=Used)
    verdicts: list[GuardVerdict] = field(default_factory=list)
    """All that was decided, for those who count."""
    seen: list[Seen] | None = None
    """None where nobody will want to see the texts again."""

    def __post_init__(self) -> None:
        served = self.access.served
        if not self.access.trial and (served.shadow is not None or served.policy.record_share > 0):
            self.seen = []

    def saw(self, passages: Sequence[Passage], verdict: GuardVerdict) -> None:
        """Keep the texts of a verdict where they are wanted afterwards."""
        if self.seen is not None:
            self.seen.append(Seen(verdict.direction, tuple(passages), verdict.decision))

    def called(self, call: ToolCall, context: ToolContext, decided: ToolDecision) -> None:
        """Keep a tool call where it is wanted afterwards."""
        if self.seen is not None:
            server = decided.rule.server if decided.rule else (call.server or "")[:120]
            self.seen.append(Seen("tool", (), decided.verdict.decision, call, context, decided.recorded_name(call),
                                  server))  # fmt: skip

    def note(self, kind: EventKind, **fields: object) -> str:
        """Record an event; return its id.

        Args:
            kind: what it tells.
            fields: further fields of `core.event.Event`; none of them holds a text that was judged.
        """
        access = self.access
        event_id = new_id("evt")
        line = event_line({
            "id": event_id, "at": self.clock(), "kind": kind, "system_id": access.served.system_id,
            "request_id": self.request_id, "policy_digest": access.served.policy.digest, "trial": access.trial,
            "run_id": access.run_id, "principal": access.principal, "session": self.session,
            "lexicon": access.lexicon, **fields,
        })  # fmt: skip
        batch = self.journal.submit(line, run_id=access.run_id if access.trial else "")
        if not self.pending or self.pending[-1] is not batch:
            self.pending.append(batch)
        return event_id

    def verdict(self, verdict: GuardVerdict, *, tool: str = "", reason: str = "") -> str:
        """Record a verdict, and each detector that failed; return the event's id."""
        self.verdicts.append(verdict)
        for gap in verdict.unjudged:
            self.note(
                EventKind.DETECTOR_FAILURE, direction=verdict.direction, decision=gap.decision,
                categories=(gap.category,), reason=f"detector-{gap.why}", tool=tool,
            )  # fmt: skip
        return self.note(
            EventKind.VERDICT, direction=verdict.direction, decision=verdict.decision, categories=verdict.categories,
            rule_ids=verdict.rule_ids, latency_milliseconds=verdict.latency_milliseconds, tool=tool, reason=reason,
        )  # fmt: skip

    def label(self) -> None:
        """Record that an explicit label was put on the answer."""
        self.note(EventKind.LABEL, direction="outbound", decision=Decision.LABEL)

    def failure(self, reason: str) -> None:
        """Record that the model's server, or the way to the caller, failed."""
        self.note(EventKind.UPSTREAM_FAILURE, reason=reason)

    async def settle(self) -> None:
        """Wait until every event is on disk.

        Raises:
            Refusal: the disk does not take them; nothing more may be answered.
        """
        pending, self.pending = self.pending, []
        for batch in pending:
            await self.journal.settled(batch)
