"""Agency: what an agent may do in one exchange, and the people who may let it.

A held call leaves with the id of a request. Once a person has approved that, the same call made again passes, once.
All calls of one answer are judged before any approval is spent: an answer passes whole, or not at all.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Protocol

from jingwei.core.canonical import Json
from jingwei.core.clock import Clock, stamp
from jingwei.core.event import EventKind
from jingwei.core.host import host_id
from jingwei.core.policy import Decision
from jingwei.core.snapshot import Approval, Snapshot
from jingwei.deploy.guard import (
    Binding,
    Caller,
    GuardVerdict,
    Holding,
    Passage,
    Sessions,
    ToolCall,
    ToolContext,
    ToolDecision,
    approval_for,
    definition_digest,
    is_watched,
    labels_found,
    labels_of_messages,
)
from jingwei.deploy.guard.holding import Asked
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.settings import GatewaySettings

HOLDING, SESSIONS = "holding", "sessions"
"""Folders beside the spool."""
SESSION_HEADER = "jingwei-session"
MAX_SESSION = 256


class Recorder(Protocol):
    """Writes events: an `Exchange`."""

    def note(self, kind: EventKind, **fields: object) -> str:
        """Record an event; return its id."""
        ...

    def verdict(self, verdict: GuardVerdict, *, tool: str = "", reason: str = "") -> str:
        """Record a verdict; return the event's id."""
        ...

    def saw(self, passages: Sequence[Passage], verdict: GuardVerdict) -> None:
        """Keep the texts of a verdict where they are wanted afterwards."""
        ...

    def called(self, call: ToolCall, context: ToolContext, decided: ToolDecision) -> None:
        """Keep a tool call where it is wanted afterwards."""
        ...

    async def settle(self) -> None:
        """Wait until every event is on disk."""
        ...


class Judged(NamedTuple):
    """One call with what was decided."""

    call: ToolCall
    decision: ToolDecision
    event_id: str
    asked: Asked | None = None
    """The request that a person may approve."""

    @property
    def told(self) -> dict[str, Json]:
        """Return what a caller is told besides the verdict."""
        if self.asked is None:
            return {}
        return {"approval": {"id": self.asked.id, "expires_at": stamp(self.asked.expires_at),
                             "needs": self.decision.need, "why": self.decision.why,
                             "arguments_digest": self.decision.arguments_digest}}  # fmt: skip


class Agents:
    """What all exchanges of this process share about agents: held calls, sessions, and the newest snapshot."""

    def __init__(self, settings: GatewaySettings, snapshot: "Newest", *, clock: Clock, asks: bool = True) -> None:
        self.asks = asks
        beside = settings.spool_path.parent
        self.holding = Holding(beside / HOLDING, clock=clock)
        self.sessions = Sessions(beside / SESSIONS)
        self.clock = clock
        self._spool = settings.spool_path
        self._newest = snapshot
        self._host = ""

    @property
    def host(self) -> str:
        """Return this host's id."""
        self._host = self._host or host_id(self._spool)
        return self._host

    @property
    def newest(self) -> Snapshot | None:
        """Return the newest snapshot."""
        return self._newest.snapshot

    def of(self, access: Access, recorder: Recorder, *, session: str = "") -> "Agent":
        """Return the agent of one exchange.

        Args:
            access: who asks.
            recorder: writes the events.
            session: the caller's own id of the conversation; empty where it has none.

        Raises:
            Refusal: the id is too long.
        """
        if len(session) > MAX_SESSION:
            raise Refusal(Code.SESSION_INVALID, limit=MAX_SESSION)
        return Agent(self, access, recorder, session=session)


class Newest(Protocol):
    """Holds the newest snapshot: `Serving`."""

    @property
    def snapshot(self) -> Snapshot | None:
        """Return it; none before the first."""
        ...


@dataclass(slots=True)
class Agent:
    """The agent of one exchange."""

    agents: Agents
    access: Access
    recorder: Recorder
    session: str = ""
    server: str = ""
    labels: set[str] = field(default_factory=set)
    definitions: dict[str, str] = field(default_factory=dict)
    """Digest of each tool's definition as it is offered now."""

    @property
    def sessions(self) -> Sessions:
        """Return the sessions of this host."""
        return self.agents.sessions

    @property
    def caller(self) -> Caller:
        """Return whose sessions these are."""
        return Caller(self.access.served.system_id, self.access.principal, self.server)

    @property
    def session_digest(self) -> str:
        """Return how the session is named in events and to those who watch it."""
        if not self.session:
            return ""
        return sha256("\n".join((*self.caller.agent, self.session)).encode(errors="surrogatepass")).hexdigest()

    def read(self, body: Mapping[str, Json], verdict: GuardVerdict) -> None:
        """Take in a chat request: what its history has shown the agent, and which tools it is offered."""
        rule_of = self.access.guard.toolbox.rule
        self.labels |= labels_of_messages(body.get("messages"), lambda name: rule_of(name, None))
        self.labels |= labels_found(verdict.categories)
        if self.session and self.labels:
            self.agents.sessions.add(self.caller, self.session, self.labels, carried=False)
        for tool in body.get("tools") or () if isinstance(body.get("tools"), list) else ():  # type: ignore[union-attr]
            function = tool.get("function") if isinstance(tool, dict) else None
            if isinstance(function, dict):
                self.offered(function, "parameters")

    def offered(self, tool: Mapping[str, Json], schema: str) -> None:
        """Note the definition of a tool as it is offered now; one that is offered twice is none of the two."""
        name, description = tool.get("name"), tool.get("description")
        if not isinstance(name, str):
            return
        try:
            found = definition_digest(name, description if isinstance(description, str) else "", tool.get(schema))
        except (ValueError, RecursionError):
            found = "unreadable"
        self.definitions[name] = "twice" if name in self.definitions else found

    async def decide(self, calls: Sequence[ToolCall], *, reasoning: str = "") -> list[Judged]:
        """Decide on all calls of one answer; either all pass, or nothing is spent.

        Args:
            calls: the calls.
            reasoning: what the model said to itself before it made them.

        Raises:
            Refusal: the events cannot be written.
        """
        context = self._context(reasoning)
        found = [await self._one(call, context) for call in calls]
        if all(decision.passes for _, decision, _ in found):
            found = [self._spent(each, context) for each in found]
        judged = [self._recorded(call, decision, approval) for call, decision, approval in found]
        for call, decision, approval in found:
            self.recorder.called(call, context.with_approval() if approval else context, decision)
        if any(approval for *_, approval in found) or any(each.asked for each in judged):
            await self.recorder.settle()  # it is known for good before anything is done on the strength of it
        return judged

    def _context(self, reasoning: str) -> ToolContext:
        newest, served = self.agents.newest, self.access.served
        carried = self.agents.sessions.labels(self.caller, self.session)
        watched = newest is not None and is_watched(
            newest.watching, system_id=served.system_id, session=self.session_digest, policy=served.policy,
            now=self.agents.clock(),
        )  # fmt: skip
        return ToolContext(principal=self.access.principal, tenant=self.access.tenant, watched=watched,
                           labels=frozenset(self.labels | carried), reasoning=reasoning)  # fmt: skip

    async def _one(self, call: ToolCall, context: ToolContext) -> "_Found":
        call = call._replace(definition=self.definitions.get(call.name, ""))
        decision = await asyncio.to_thread(self.access.guard.judge_call, call, context)
        approval = self._approval(decision) if decision.need else None
        if approval is None:
            return _Found(call, decision, None)
        again = await asyncio.to_thread(self.access.guard.judge_call, call, context.with_approval())
        return _Found(call, again, approval) if again.passes else _Found(call, decision, None)

    def _approval(self, decision: ToolDecision) -> Approval | None:
        newest = self.agents.newest
        if newest is None:
            return None
        return approval_for(newest.content.approvals, self._binding(decision), policy=self.access.served.policy,
                            now=self.agents.clock())  # fmt: skip

    def _binding(self, decision: ToolDecision) -> Binding:
        served, rule = self.access.served, decision.rule
        return Binding(self.agents.host, served.system_id, self.access.principal, rule.server if rule else "",
                       rule.name if rule else "", decision.arguments_digest, served.policy.digest)  # fmt: skip

    def _spent(self, found: "_Found", context: ToolContext) -> "_Found":
        """Use the approval; a call whose approval somebody else used first is held after all."""
        if found.approval is None or self.agents.holding.spend(found.approval):
            return found
        held = self.access.guard.judge_call(found.call, context)
        return _Found(found.call, held, None)

    def _recorded(self, call: ToolCall, decision: ToolDecision, approval: Approval | None) -> Judged:
        asked = None
        name = decision.recorded_name(call)
        who = {"tool": name, "server": decision.rule.server if decision.rule else (call.server or "")[:120],
               "session": self.session_digest, "principal": self.access.principal}  # fmt: skip
        event_id = self.recorder.verdict(decision.verdict, tool=name[:64])
        if decision.definition_changed:
            self.recorder.note(EventKind.TOOL_CHANGED, direction="tool", decision=Decision.HOLD,
                               details={"definition": call.definition[:64]}, **who)  # fmt: skip
        if approval is not None:
            self.recorder.note(EventKind.APPROVAL, direction="tool", reason="approval-used", **who,
                               details={"approval_id": approval.id,
                                        "arguments_digest": decision.arguments_digest})  # fmt: skip
        if decision.need:
            asked = self._asked(decision, who)
        return Judged(call, decision, event_id, asked)

    def _asked(self, decision: ToolDecision, who: Mapping[str, str]) -> Asked | None:
        if decision.need == "presence":
            self.recorder.note(EventKind.WATCH, direction="tool", decision=Decision.HOLD, reason="watch-away", **who)
        if not self.agents.asks:  # there is no platform behind, so nobody to ask
            return None
        seconds = self.access.served.policy.approval_seconds
        asked = self.agents.holding.ask(self._binding(decision), decision.readable, seconds=seconds)
        if asked is not None and asked.fresh:
            self.recorder.note(EventKind.APPROVAL, direction="tool", decision=Decision.HOLD, reason="approval-asked",
                               **who, details={
                                   "approval_id": asked.id, "arguments_digest": decision.arguments_digest,
                                   "effect": str(decision.rule.effect if decision.rule else ""), "why": decision.why,
                               })  # fmt: skip
        return asked


class _Found(NamedTuple):
    call: ToolCall
    decision: ToolDecision
    approval: Approval | None
