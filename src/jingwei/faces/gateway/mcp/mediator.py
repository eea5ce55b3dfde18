"""The mediator: stands between an agent and one MCP server, whatever carries the messages.

    request ─► tools/call: may this agent, in this session, make this call now?      others: may these texts go out?
    result  ─► unlisted and changed tools left out; every text judged; what it has shown noted on the session

The agent's own key and headers go no further than here: the server is asked with a key of its own.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import cast

import orjson

from jingwei.core.canonical import Json
from jingwei.core.errors import Unavailable
from jingwei.core.event import EventKind
from jingwei.core.policy import Category, Decision
from jingwei.core.text import Both, text
from jingwei.deploy.guard import GuardVerdict, Passage, ToolCall, labels_of_result, rewrite
from jingwei.deploy.guard.verdict import Direction
from jingwei.faces.gateway.agency import Agent, Judged
from jingwei.faces.gateway.calls import rewritten_arguments
from jingwei.faces.gateway.mcp.message import Message, Problem, Reply, WrongMessageError
from jingwei.faces.gateway.mcp.results import TooManyTextsError, listing, seen, texts_of, tools_of
from jingwei.faces.gateway.refusal import Code, Refusal

Ask = Callable[[Message], Awaitable[Reply]]
FRESH_SECONDS = 5.0
"""How long what a server said of its tools counts; before a pinned tool is called it is asked again."""
MAX_PAGES = 20
_FIXED_FORM = re.compile(r"\d{4}-\d\d-\d\d|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""Of a protocol version, and of a `traceparent`."""
_POISON = frozenset({Category.INJECTION, Category.KEYWORD, Category.SECRET})


@dataclass(slots=True)
class Definitions:
    """The tools of one server as it offers them now; shared by all sessions of this process."""

    digests: dict[str, str] = field(default_factory=dict)
    known_at: float = float("-inf")

    @property
    def fresh(self) -> bool:
        """Tell whether they are new enough to act upon."""
        return monotonic() - self.known_at < FRESH_SECONDS


@dataclass(slots=True)
class Mediator:
    """One agent's way to one server.

    Args:
        agent: whose calls these are.
        server: the server's name in the policy.
        definitions: what the server offers.
        ask: carries a request to the server.
    """

    agent: Agent
    server: str
    definitions: Definitions
    ask: Ask

    async def answer(self, message: Message) -> dict[str, Json]:
        """Answer a request.

        Raises:
            Refusal: what happens cannot be recorded.
        """
        try:
            outgoing = _written(message)
            verdict = await self._judged(outgoing, "tool") if outgoing else None
            is_call = message.method == "tools/call"
            if verdict is not None and (verdict.blocks or (verdict.rewritten and not is_call)):
                self.agent.recorder.verdict(verdict, tool=message.method)
                return refused(message, Problem.REFUSED, text("faces.gateway:mcp-refused"), verdict)
            if is_call:
                params = rewrite(message.params, verdict.rewritten) if verdict else message.params
                return await self._called(replace(message, params=params))
            return await self._passed(message, await self.ask(message))
        except WrongMessageError as wrong:
            return failed(message.identity, wrong.problem, wrong.says)
        except TooManyTextsError:
            return failed(message.identity, Problem.UPSTREAM, text("faces.gateway:mcp-upstream-garbage"))

    async def _called(self, message: Message) -> dict[str, Json]:
        name = message.name
        rule = self.agent.access.guard.toolbox.rule(name, self.server)
        if rule is not None and rule.pinned and not self.definitions.fresh:
            await self._look_again()
        self.agent.definitions = self.definitions.digests
        arguments = orjson.dumps(message.params.get("arguments") or {}).decode()
        (judged,) = await self.agent.decide([ToolCall(name, arguments, server=self.server)])
        if not judged.decision.passes:
            return self._not_made(message, judged)
        verdict = judged.decision.verdict
        if verdict.rewritten:
            new = cast("dict[str, Json]", orjson.loads(rewritten_arguments(arguments, verdict)))
            message = Message(message.kind, message.method, {**message.params, "arguments": new}, message.identity)
        return await self._passed(message, await self.ask(message))

    def _not_made(self, message: Message, judged: Judged) -> dict[str, Json]:
        verdict = judged.decision.verdict
        if verdict.decision is not Decision.HOLD:
            return refused(message, Problem.REFUSED, text("faces.gateway:mcp-refused"), verdict)
        name = "mcp-held" if judged.asked else "mcp-held-for-good"
        return refused(message, Problem.HELD, text(f"faces.gateway:{name}"), verdict, more=judged.told)

    async def _look_again(self) -> None:
        """Ask the server for all its tools."""
        found: dict[str, str] = {}
        cursor: Json = None
        for _ in range(MAX_PAGES):
            params: dict[str, Json] = {"cursor": cursor} if cursor else {}
            reply = await self.ask(Message("request", "tools/list", params, "jingwei-definitions"))
            if reply.result is None:
                break
            self._note(tools_of(reply.result), found)
            cursor = reply.result.get("nextCursor")
            if not isinstance(cursor, str) or not cursor:
                self.definitions.digests, self.definitions.known_at = found, monotonic()
                return
        self.definitions.digests = {}  # what a tool is now cannot be told, so no pinned one may be called

    def _note(self, tools: list[dict[str, Json]], found: dict[str, str]) -> None:
        self.agent.definitions = found
        for tool in tools:
            self.agent.offered(tool, "inputSchema")

    async def _passed(self, message: Message, reply: Reply) -> dict[str, Json]:
        """Judge what the server says, and return what may be seen of it."""
        if reply.error is not None:
            return await self._failure(message, reply.error)
        result = reply.result or {}
        if result.get("resultType", "complete") != "complete":  # the server asks something back: not through here
            return failed(message.identity, Problem.UPSTREAM, text("faces.gateway:mcp-upstream-garbage"))
        result = seen(message.method, result)
        if message.method == "tools/list":
            return {"jsonrpc": "2.0", "id": message.identity, "result": await self._listed(result)}
        verdict = await self._judged(texts_of(message.method, result), "inbound")
        self._tainted(message, verdict)
        self.agent.recorder.verdict(verdict, tool=self._about(message))
        if verdict.blocks:
            return refused(message, Problem.WITHHELD, text("faces.gateway:mcp-withheld"), verdict)
        return {"jsonrpc": "2.0", "id": message.identity, "result": rewrite(result, verdict.rewritten)}

    async def _failure(self, message: Message, error: dict[str, Json]) -> dict[str, Json]:
        """Pass a server's own error on, where its words may be seen."""
        code, says = error.get("code"), error.get("message")
        kept: dict[str, Json] = {
            "code": code if isinstance(code, int) and not isinstance(code, bool) else int(Problem.UPSTREAM),
            "message": says[:2000] if isinstance(says, str) else "",
        }
        verdict = await self._judged(texts_of(message.method, kept), "inbound")
        self._tainted(message, verdict)
        if verdict.blocks:
            return failed(message.identity, Problem.UPSTREAM, text("faces.gateway:mcp-upstream-garbage"))
        return {"jsonrpc": "2.0", "id": message.identity, "error": rewrite(kept, verdict.rewritten)}

    async def _listed(self, result: dict[str, Json]) -> dict[str, Json]:
        """Leave out what the policy does not list, what is not as accepted, and what gives orders in its text."""
        kept: list[Json] = []
        digests: dict[str, str] = {}
        tools = tools_of(result)
        self._note(tools, digests)
        self.definitions.digests |= digests
        for tool in tools:
            name = str(tool["name"])
            rule = self.agent.access.guard.toolbox.rule(name, self.server)
            if rule is None or digests.get(name) == "twice":
                continue
            if rule.pinned and digests.get(name) != rule.pinned:
                self.agent.recorder.note(EventKind.TOOL_CHANGED, direction="tool", decision=Decision.HOLD,
                                         tool=name[:120], server=self.server,
                                         details={"definition": digests.get(name, "")[:64]})  # fmt: skip
                continue
            verdict = await self._judged(texts_of("tools/list", tool), "inbound", kept=False)
            if _is_poisoned(verdict):
                self.agent.recorder.verdict(verdict, tool=name[:64], reason="tool-poisoned")
            else:
                kept.append(tool)
        return listing(result, kept)

    def _about(self, message: Message) -> str:
        """Name a message in events: by its tool, or else by its method, for an address or a prompt may say anything."""
        return message.name[:64] if message.method == "tools/call" else message.method

    def _tainted(self, message: Message, verdict: GuardVerdict) -> None:
        if message.method in {"tools/call", "resources/read", "prompts/get"}:
            rule = self.agent.access.guard.toolbox.rule(message.name, self.server) \
                if message.method == "tools/call" else None  # fmt: skip
            labels = labels_of_result(rule, verdict.categories)
        else:
            labels = labels_of_result(None, verdict.categories) if Category.INJECTION in verdict.categories \
                else frozenset()  # fmt: skip
        try:
            self.agent.sessions.add(self.agent.caller, self.agent.session, labels)
        except Unavailable as error:
            raise Refusal(Code.SESSIONS) from error

    async def _judged(self, passages: tuple[Passage, ...], direction: Direction, *, kept: bool = True) -> GuardVerdict:
        """Judge some texts; what is said in each session anew, such as definitions, is not kept for afterwards."""
        verdict = await self.agent.access.guard.judged(passages, direction=direction)
        if kept:
            self.agent.recorder.saw(passages, verdict)
        return verdict


def _is_poisoned(verdict: GuardVerdict) -> bool:
    """Tell whether a definition gives orders or carries what it should not.

    What a tool is for may well read like a request for harm ("send a message to somebody"): that is no reason here.
    """
    return any(not each.decision.passes for each in verdict.unjudged) or any(
        each.category in _POISON and each.decision.rank >= Decision.REDACT.rank for each in verdict.findings
    )


def _written(message: Message) -> tuple[Passage, ...]:
    """Return the texts of a request that go out to the server, but those of a call: they are judged with it."""
    judged_apart = {"name", "arguments"} if message.method == "tools/call" else set()
    return tuple(each for each in texts_of(message.method, message.params)
                 if each.path[0] not in judged_apart and not _is_protocols_own(each))  # fmt: skip


def _is_protocols_own(passage: Passage) -> bool:
    """Tell whether a text is a revision or a trace: digits and letters in a fixed form."""
    return passage.path[0] == "_meta" and _FIXED_FORM.fullmatch(passage.text) is not None


def refused(message: Message, problem: Problem, says: Both, verdict: GuardVerdict, *,
            more: dict[str, Json] | None = None) -> dict[str, Json]:  # fmt: skip
    """Return the error for what the guard does not let through."""
    data: dict[str, Json] = {
        "decision": str(verdict.decision), "rule_ids": list(verdict.rule_ids),
        "categories": [str(each) for each in verdict.categories], **(more or {}),
    }  # fmt: skip
    return failed(message.identity, problem, says, data)


def failed(identity: str | int | None, problem: Problem, says: Both,
           data: dict[str, Json] | None = None) -> dict[str, Json]:  # fmt: skip
    """Return a JSON-RPC error, its text in both languages."""
    error: dict[str, Json] = {"code": int(problem), "message": says.en, "data": {"zh": says.zh, **(data or {})}}
    return {"jsonrpc": "2.0", "id": identity, "error": error}
