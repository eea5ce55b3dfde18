"""The gateway as a plain ASGI application.

It has no database, no templates and no web framework: it reads the snapshot, calls the guard, labels, and writes
events. Addresses are matched exactly, byte for byte.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from urllib.parse import parse_qs

from prometheus_client import CONTENT_TYPE_LATEST

from jingwei.core.clock import Clock, utc_now
from jingwei.core.event import EventKind, event_line
from jingwei.core.ids import new_id
from jingwei.core.policy import Decision
from jingwei.core.spool import SpoolWriter
from jingwei.core.whereabouts import whereabouts
from jingwei.faces.gateway.access import Access, Door, Nonces, demand_loopback
from jingwei.faces.gateway.agency import SESSION_HEADER, Agents
from jingwei.faces.gateway.books import Books
from jingwei.faces.gateway.chat import Chat
from jingwei.faces.gateway.dialects import Dialect, Translated, dialect_of
from jingwei.faces.gateway.embeddings import embedded
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.introspection import (
    HEALTH,
    LIVE,
    READY,
    Standing,
    configuration,
    evaluated,
    health,
    models,
    run_events,
)
from jingwei.faces.gateway.journal import Journal
from jingwei.faces.gateway.mcp import PREFIX, McpProxy
from jingwei.faces.gateway.metrics import Outcome
from jingwei.faces.gateway.ogr import event_evaluated, heartbeat
from jingwei.faces.gateway.readiness import Room
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.restoring import Restoring, Vaults
from jingwei.faces.gateway.serving import Serving
from jingwei.faces.gateway.settings import GatewaySettings
from jingwei.faces.gateway.upstream import Upstream
from jingwei.faces.gateway.wire import Answer, Presence, Receive, Request, Scope, Send

METRICS = "/metrics"
SERVED = "served"
_CALLER_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_log = logging.getLogger(__name__)
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[["Visit"], Awaitable[None]]


class Visit:
    """One admitted request on its way through a handler."""

    def __init__(self, *, request: Request, body: bytes, access: Access, exchange: Exchange, answer: Answer) -> None:
        self.request = request
        self.body = body
        self.access = access
        self.exchange = exchange
        self.answer = answer


class Gateway:
    """The application and what it holds while it runs."""

    def __init__(self, settings: GatewaySettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._serving = Serving(settings, clock=clock)
        self._standing = Standing(self._serving, Room(settings.spool_path), settings)
        self._door = Door(self._serving, clock=clock, nonces=Nonces(settings.spool_path / "nonces"))
        self._journal = Journal(SpoolWriter(settings.spool_path, clock=clock))
        self._agents = Agents(settings, self._serving, clock=clock, asks=not settings.standalone)
        self._books = Books(settings, self._serving, clock=clock)
        self._vaults = Vaults()
        self._upstream: Upstream | None = None
        self._mcp_proxy: McpProxy | None = None
        self._tasks: Sequence[asyncio.Task[None]] = ()
        self._routes: dict[str, tuple[str, Handler]] = {
            "/v1/chat/completions": ("POST", self._chat),
            "/v1/messages": ("POST", self._chat),
            "/v1/responses": ("POST", self._chat),
            "/v1/embeddings": ("POST", self._embeddings),
            "/v1/models": ("GET", self._models),
            "/jingwei/configuration": ("GET", self._configuration),
            "/v1/evaluate": ("POST", self._evaluate_event),
            "/v1/heartbeat": ("POST", self._heartbeat),
            "/jingwei/evaluate": ("POST", self._evaluate),
            "/jingwei/events": ("GET", self._events),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            request = Request.of(scope, receive)
            dialect, request_id = dialect_of(request.path), new_id("req")
            answer = Translated(send, request_id, dialect) if dialect else Answer(send, request_id)
            await self._answer(request, answer, dialect)
        # A WebSocket is refused by closing its scope without an answer.

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._books.open()
        self._upstream = Upstream(self._settings)
        self._mcp_proxy = McpProxy(self._agents, self._settings)
        # Without a platform there are few Systems, all of them its own: better late than refused.
        await self._serving.refresh(built=self._settings.standalone)
        upstream = self._upstream
        self._tasks = (
            asyncio.create_task(self._serving.watch()), asyncio.create_task(self._journal.rotate(0.5)),
            asyncio.create_task(self._books.write(lambda: upstream.breakers)),
        )  # fmt: skip
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._serving.stop()
        await self._upstream.close()
        await self._mcp_proxy.close()
        self._books.close()
        await self._journal.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request, answer: Answer, dialect: Dialect | None) -> None:
        exchange: Exchange | None = None
        outcome, began = SERVED, perf_counter()
        answer.caller_id = _said_back(request)
        try:
            if request.path in {HEALTH, READY, LIVE}:
                await health(request, self._standing, answer)
                return
            if request.path == METRICS:
                await self._metrics(request, answer)
                return
            handler = self._handler(request)
            body = await self._read(request)
            access = self._door.admit(request, body)
            exchange = Exchange(answer.request_id, access, self._journal, self._clock)
            with self._books.counted(exchange) if request.method == "POST" else contextlib.nullcontext():
                if dialect:
                    body = dialect.request(body)
                await handler(Visit(request=request, body=body, access=access, exchange=exchange, answer=answer))
        except Refusal as refusal:
            outcome = str(refusal.code)
            await self._refuse(refusal, exchange, answer)
        except Exception as error:  # noqa: BLE001 - the outermost edge: its kind and place are logged, nothing of it is told
            outcome = str(Code.INTERNAL)
            _log.error("request %s failed inside the gateway: %s", answer.request_id, whereabouts(error))
            await self._refuse(Refusal(Code.INTERNAL), exchange, answer)
        finally:
            self._books.ended(Outcome(self._route(request), outcome, perf_counter() - began), exchange)

    def _route(self, request: Request) -> str:
        """Return a request's address where it is one of ours, so that nobody can invent names for what is counted."""
        known = request.path in self._routes or request.path in {HEALTH, READY, LIVE, METRICS}
        return request.path if known else PREFIX if request.path.startswith(PREFIX) else "other"

    async def _metrics(self, request: Request, answer: Answer) -> None:
        """Tell what was counted: to this machine itself, or to whoever has a System's key."""
        if request.method != "GET":
            raise Refusal(Code.METHOD, allowed="GET")
        try:
            demand_loopback(request)
        except Refusal:
            self._door.admit(request, b"")
        await answer.page(await asyncio.to_thread(self._books.page), CONTENT_TYPE_LATEST.encode())

    def _handler(self, request: Request) -> Handler:
        if request.path.startswith(PREFIX):
            return self._mcp
        route = self._routes.get(request.path)
        if route is None:
            raise Refusal(Code.NOT_FOUND)
        method, handler = route
        if request.method != method:
            raise Refusal(Code.METHOD, allowed=method)
        return handler

    async def _read(self, request: Request) -> bytes:
        if request.method == "POST":
            media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
            packed = request.header("content-encoding") or request.header("transfer-encoding") not in {None, "chunked"}
            if media_type != "application/json" or packed:
                raise Refusal(Code.MEDIA_TYPE)
        return await request.body(limit=self._settings.max_body_bytes, seconds=self._settings.body_seconds)

    async def _refuse(self, refusal: Refusal, exchange: Exchange | None, answer: Answer) -> None:
        access = exchange.access if exchange else None
        served = access.served if access else None
        line = event_line({
            "id": new_id("evt"), "at": self._clock(), "request_id": answer.request_id, "decision": Decision.BLOCK,
            "kind": EventKind.UPSTREAM_FAILURE if refusal.is_upstream else EventKind.REFUSAL,
            "system_id": served.system_id if served else refusal.system_id, "reason": refusal.code,
            "policy_digest": served.policy.digest if served else "", "trial": bool(access and access.trial),
            "run_id": access.run_id if access else "", "principal": access.principal if access else "",
        })  # fmt: skip
        batch = self._journal.submit(line, run_id=access.run_id if access and access.trial else "")
        with contextlib.suppress(Refusal):  # the disk is full: the answer is a no in any case
            await self._journal.settled(batch)
        answer.last = refusal.code in {Code.BODY_SLOW, Code.MEDIA_TYPE}
        if not answer.begun and refusal.code is not Code.CLIENT_GONE:
            await answer.json(refusal.status, refusal.body, headers=refusal.headers)
        elif answer.begun:
            await answer.end()

    async def _chat(self, visit: Visit) -> None:
        if self._upstream is None:
            raise Refusal(Code.INTERNAL)
        presence = Presence(visit.request.receive)
        agent = self._agents.of(visit.access, visit.exchange, session=visit.request.header(SESSION_HEADER) or "")
        visit.exchange.session = agent.session_digest
        vault = None
        if visit.access.served.policy.restore_personal_data:
            vault = self._vaults.of(visit.access.key.hash if visit.access.key else "", visit.exchange.session)
        answer = Restoring(visit.answer, vault) if vault is not None else visit.answer
        await Chat(visit.exchange, self._upstream, answer, presence, agent, vault).serve(visit.body)

    async def _embeddings(self, visit: Visit) -> None:
        if self._upstream is None:
            raise Refusal(Code.INTERNAL)
        await visit.answer.json(200, await embedded(visit.body, visit.exchange, self._upstream))

    async def _mcp(self, visit: Visit) -> None:
        if self._mcp_proxy is None:
            raise Refusal(Code.INTERNAL)
        await self._mcp_proxy.serve(visit)

    async def _models(self, visit: Visit) -> None:
        await visit.answer.json(200, models(visit.access))

    async def _configuration(self, visit: Visit) -> None:
        await visit.answer.json(200, configuration(visit.access, self._serving, self._settings))

    async def _evaluate(self, visit: Visit) -> None:
        told = await evaluated(visit.body, visit.access, visit.exchange)
        await visit.exchange.settle()
        await visit.answer.json(200, told)

    async def _evaluate_event(self, visit: Visit) -> None:
        told = await event_evaluated(visit.body, visit.access, visit.exchange)
        await visit.exchange.settle()
        await visit.answer.json(200, told)

    async def _heartbeat(self, visit: Visit) -> None:
        await visit.answer.json(200, heartbeat(visit.body))

    async def _events(self, visit: Visit) -> None:
        wanted = parse_qs(visit.request.query).get("run", [""])
        if not visit.access.trial or wanted != [visit.access.run_id]:
            raise Refusal(Code.OTHER_RUN)
        await visit.answer.json(200, run_events(self._journal.of_run(visit.access.run_id)))


def _said_back(request: Request) -> str:
    """Return the caller's own id of a request where it may be said back: short, and of letters that end no header."""
    given = request.header("x-request-id") or ""
    return given if _CALLER_ID.fullmatch(given) else ""


def gateway(settings: GatewaySettings, *, clock: Clock = utc_now) -> Application:
    """Return the gateway as an ASGI application."""
    return Gateway(settings, clock=clock)
