"""MCP over standard input and output, for an agent on this machine: the server is a child process of ours.

There is no platform behind it: what needs a person does not pass here. What the session has seen is kept in a folder
of its own for as long as the process runs.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from jingwei.core.canonical import Json
from jingwei.core.clock import utc_now
from jingwei.core.errors import InputError
from jingwei.core.event import Event, EventKind
from jingwei.core.ids import new_id
from jingwei.core.policy import Policy
from jingwei.core.snapshot import Served, Snapshot
from jingwei.core.spool import SpoolWriter
from jingwei.deploy.guard import Guard, GuardVerdict, Passage, ToolCall, ToolContext, ToolDecision
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.agency import Agent, Agents
from jingwei.faces.gateway.mcp.mediator import Definitions, Mediator, failed
from jingwei.faces.gateway.mcp.message import Message, Problem, Reply, WrongMessageError, read_message, read_reply
from jingwei.faces.gateway.settings import GatewaySettings

MAX_LINE = 8 * 1024 * 1024
ANSWER_SECONDS = 300.0
LOCAL = "local"
"""The principal of an agent on this machine."""


class _NoSnapshot:
    """Nobody approves or watches: there is no platform."""

    snapshot: Snapshot | None = None


class _Log:
    """Writes events to a folder, or nowhere."""

    def __init__(self, policy: Policy, folder: Path | None) -> None:
        self._policy = policy
        self._writer = SpoolWriter(folder) if folder else None
        self._waiting: list[Event] = []

    def note(self, kind: EventKind, **fields: object) -> str:
        """Record an event."""
        event = Event.model_validate({
            "id": new_id("evt"), "at": utc_now(), "kind": kind, "system_id": self._policy.system_id,
            "request_id": "stdio", "policy_digest": self._policy.digest, **fields,
        })  # fmt: skip
        self._waiting.append(event)
        return event.id

    def verdict(self, verdict: GuardVerdict, *, tool: str = "", reason: str = "") -> str:
        """Record a verdict."""
        return self.note(EventKind.VERDICT, direction=verdict.direction, decision=verdict.decision, tool=tool,
                         categories=verdict.categories, rule_ids=verdict.rule_ids, reason=reason,
                         latency_milliseconds=round(verdict.latency_milliseconds, 3))  # fmt: skip

    def saw(self, passages: Sequence[Passage], verdict: GuardVerdict) -> None:
        """Keep no text: there is no platform that would try a candidate."""

    def called(self, call: ToolCall, context: ToolContext, decided: ToolDecision) -> None:
        """Keep no call, either."""

    async def settle(self) -> None:
        """Write what waits to disk."""
        events, self._waiting = self._waiting, []
        if self._writer and events:
            await asyncio.to_thread(self._writer.write, events)

    def close(self) -> None:
        """Close the file."""
        if self._writer:
            self._writer.close()


@dataclass(slots=True)
class LocalAgent:
    """The agent that started us, and the policy it works under."""

    agent: Agent
    log: _Log
    server: str
    folder: tempfile.TemporaryDirectory[str] = field(repr=False)

    @classmethod
    def of(cls, policy: Path, *, server: str = "", log: Path | None = None) -> "LocalAgent":
        """Read the policy and make its guard.

        Raises:
            InputError: the policy is wrong.
        """
        guard = Guard.load(policy)
        guard.warm()
        folder = tempfile.TemporaryDirectory(prefix="jingwei-mcp-")
        home = Path(folder.name)
        settings = GatewaySettings(snapshot_path=home / "snapshot.json", spool_path=home / "spool")
        agents = Agents(settings, _NoSnapshot(), clock=utc_now, asks=False)
        served = Served(system_id=guard.policy.system_id, name=LOCAL, status="live", upstream_url="",
                        policy=guard.policy)  # fmt: skip
        events = _Log(guard.policy, log)
        agent = agents.of(Access(served, guard, principal=LOCAL), events, session=LOCAL)
        agent.server = server
        return cls(agent, events, server, folder)

    def close(self) -> None:
        """Close the log and forget the session."""
        self.log.close()
        self.folder.cleanup()


async def passed_on(command: Sequence[str], local: LocalAgent) -> int:
    """Start the server, pass messages on until the agent closes its side, and return the server's exit code.

    Raises:
        InputError: the server cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE,
                                                       stdout=asyncio.subprocess.PIPE, limit=MAX_LINE)  # fmt: skip
    except OSError as error:
        local.close()
        raise InputError("faces.cli:mcp-not-started", field="command", command=command[0],
                         why=error.strerror or str(error)) from error  # fmt: skip
    child = _Child(process)
    reading = asyncio.create_task(child.read())
    mediator = Mediator(local.agent, local.server, Definitions(), child.ask)
    try:
        async for line in _lines():
            reply = await _answered(line, mediator, child)
            await local.log.settle()
            if reply is not None:
                sys.stdout.buffer.write(orjson.dumps(reply) + b"\n")
                sys.stdout.buffer.flush()
    finally:
        reading.cancel()
        code = await child.end()
        local.close()
    return code


async def _answered(line: bytes, mediator: Mediator, child: "_Child") -> dict[str, Json] | None:
    try:
        message = read_message(line)
    except WrongMessageError as wrong:
        return failed(wrong.identity, wrong.problem, wrong.says)
    if message.kind == "notification":
        await child.tell(message)
        return None
    return await mediator.answer(message)


async def _lines() -> AsyncIterator[bytes]:
    """Give the agent's messages, one a line; a line beyond any message's length ends it."""
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        try:
            line = await reader.readline()
        except ValueError:  # longer than any message
            return
        if not line:
            return
        if line.strip():
            yield line


class _Child:
    """The MCP server as a child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[str | int | None, asyncio.Future[bytes]] = {}

    async def ask(self, message: Message) -> Reply:
        """Ask, and wait for the answer.

        Raises:
            WrongMessageError: the server went away, is silent, or answers something else.
        """
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[message.identity] = future
        try:
            await self.tell(message)
            raw = await asyncio.wait_for(future, ANSWER_SECONDS)
            reply = read_reply(raw, message.identity)
        except (TimeoutError, ConnectionError) as error:
            raise WrongMessageError(Problem.UPSTREAM, "upstream-failed", identity=message.identity) from error
        finally:
            self._waiting.pop(message.identity, None)
        if reply is None:
            raise WrongMessageError(Problem.UPSTREAM, "upstream-failed", identity=message.identity)
        return reply

    async def tell(self, message: Message) -> None:
        """Send a message."""
        if self._process.stdin is not None:
            self._process.stdin.write(orjson.dumps(message.body) + b"\n")
            await self._process.stdin.drain()

    async def read(self) -> None:
        """Hand each answer to whoever waits for it; what nobody asked for stays here."""
        if self._process.stdout is None:
            return
        try:
            while line := await self._process.stdout.readline():
                for identity, future in list(self._waiting.items()):
                    with suppress(WrongMessageError):
                        if not future.done() and read_reply(line, identity) is not None:
                            future.set_result(line)
        except ValueError:  # a line longer than any message
            self._process.terminate()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError())

    async def end(self) -> int:
        """Close the server's input, give it a moment, and return its exit code."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            return await asyncio.wait_for(self._process.wait(), 3)
        except TimeoutError:
            self._process.terminate()
            return await self._process.wait()
