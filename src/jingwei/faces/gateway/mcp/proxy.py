"""MCP over streamable HTTP at `/mcp/<system>/<server>`: revisions with sessions, and the stateless one.

With sessions, a client gets an id of ours, bound to its key, the System and the server; the server's own id stays
here. Without, all requests of one agent are one session. Answers are single JSON messages: nothing that a server sends
beside its answer comes through, so there is no stream to open (GET is refused).
"""

import secrets
from http import HTTPStatus
from typing import Protocol

import aiohttp

from jingwei.core.errors import Unavailable
from jingwei.core.policy import ToolServer
from jingwei.faces.gateway.access import Access
from jingwei.faces.gateway.agency import Agent, Agents
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.mcp.mediator import Definitions, Mediator, failed
from jingwei.faces.gateway.mcp.message import (
    NAMED,
    STATELESS,
    VERSIONS,
    Message,
    Problem,
    Reply,
    WrongMessageError,
    read_message,
)
from jingwei.faces.gateway.mcp.upstream import PARAMETER, SESSION, McpServer, decoded
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.settings import GatewaySettings
from jingwei.faces.gateway.wire import Answer, Request

PREFIX = "/mcp/"
_VERSION, _METHOD, _NAME = "mcp-protocol-version", "mcp-method", "mcp-name"
_STATUS = {Problem.PARSE: 400, Problem.INVALID: 400, Problem.PARAMS: 400, Problem.HEADERS: 400, Problem.METHOD: 404}


class Visit(Protocol):
    """One admitted request."""

    request: Request
    body: bytes
    access: Access
    exchange: Exchange
    answer: Answer


class McpProxy:
    """Serves the MCP servers of all Systems.

    Args:
        agents: what all exchanges share.
        settings: bounds.
    """

    def __init__(self, agents: Agents, settings: GatewaySettings) -> None:
        self._agents = agents
        self._settings = settings
        timeout = aiohttp.ClientTimeout(total=settings.total_seconds, sock_connect=settings.connect_seconds,
                                        sock_read=settings.idle_seconds)  # fmt: skip
        self._http = aiohttp.ClientSession(timeout=timeout, skip_auto_headers=("User-Agent",), auto_decompress=False,
                                           cookie_jar=aiohttp.DummyCookieJar())  # fmt: skip
        self._definitions: dict[tuple[str, str], Definitions] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def serve(self, visit: Visit) -> None:
        """Answer one request.

        Raises:
            Refusal: no such server, no such session, or the events cannot be written.
        """
        server = _server(visit)
        _demand_same_origin(visit.request)
        if visit.request.method == "DELETE":
            await self._ended(visit, server)
            return
        if visit.request.method != "POST":
            raise Refusal(Code.METHOD, allowed="POST, DELETE")
        try:
            message = read_message(visit.body)
            headers = _routing(visit.request, message)
        except WrongMessageError as wrong:
            visit.exchange.failure("mcp-message")
            await visit.exchange.settle()
            await visit.answer.json(_STATUS.get(wrong.problem, 400), failed(wrong.identity, wrong.problem, wrong.says))
            return
        await self._answered(visit, server, message, headers)

    async def _answered(self, visit: Visit, server: ToolServer, message: Message, headers: dict[str, str]) -> None:
        stateless = headers.get(_VERSION) == STATELESS
        opening = message.method == "initialize"
        known = "" if stateless or opening else visit.request.header(SESSION) or ""
        agent = self._agents.of(visit.access, visit.exchange, session=known)
        agent.server = server.name
        visit.exchange.session = agent.session_digest
        upstream = McpServer(self._http, server, self._settings, headers)
        if not stateless and not opening:
            upstream.session = self._upstream(agent, known)
        if message.kind == "notification":
            if not stateless:
                await _told(upstream, message)
            await visit.answer.empty(HTTPStatus.ACCEPTED)
            return
        opened = _Opened(upstream)
        definitions = self._definitions.setdefault((visit.access.served.system_id, server.url), Definitions())
        reply = await Mediator(agent, server.name, definitions, opened.ask).answer(message)
        given = {}
        if opening and "result" in reply:
            given[SESSION] = self._open(agent, opened.session)
        await visit.exchange.settle()
        await visit.answer.json(200, reply, headers=given)

    def _open(self, agent: Agent, upstream: str) -> str:
        session = secrets.token_urlsafe(32)
        try:
            agent.sessions.open(agent.caller, session, upstream=upstream)
        except Unavailable as error:
            raise Refusal(Code.SESSIONS) from error
        return session

    def _upstream(self, agent: Agent, session: str) -> str:
        if not session:
            raise Refusal(Code.SESSION_INVALID, limit=256)
        found = agent.sessions.upstream(agent.caller, session)
        if found is None:
            raise Refusal(Code.SESSION_UNKNOWN)
        return found

    async def _ended(self, visit: Visit, server: ToolServer) -> None:
        agent = self._agents.of(visit.access, visit.exchange, session=visit.request.header(SESSION) or "")
        agent.server = server.name
        upstream = McpServer(self._http, server, self._settings, session=self._upstream(agent, agent.session))
        agent.sessions.close(agent.caller, agent.session)
        if upstream.session:
            await upstream.end()
        await visit.answer.empty(HTTPStatus.NO_CONTENT)


class _Opened:
    """Asks the server, and remembers the session that it opened."""

    def __init__(self, upstream: McpServer) -> None:
        self._upstream = upstream
        self.session = ""

    async def ask(self, message: Message) -> Reply:
        asked = await self._upstream.asked(message)
        if message.method == "initialize":
            self.session = asked.session
        return asked.reply


async def _told(upstream: McpServer, message: Message) -> None:
    try:
        await upstream.asked(message)
    except WrongMessageError:
        return  # nobody waits for an answer to a notification


def _server(visit: Visit) -> ToolServer:
    system_id, _, name = visit.request.path.removeprefix(PREFIX).partition("/")
    served = visit.access.served
    found = next((each for each in served.policy.mcp_servers if each.name == name), None)
    if found is None or system_id != served.system_id:
        raise Refusal(Code.SERVER_UNKNOWN)
    return found


def _demand_same_origin(request: Request) -> None:
    """Refuse a browser that another site sent here."""
    origin = request.header("origin")
    if origin is not None and origin.partition("://")[2] != request.header("host"):
        raise Refusal(Code.SERVER_UNKNOWN)


def _routing(request: Request, message: Message) -> dict[str, str]:
    """Return the protocol headers to pass on, which must say what the body says.

    Raises:
        WrongMessageError: a header is missing, repeated, unknown, or says something else.
    """
    wrong = WrongMessageError(Problem.HEADERS, "headers", identity=message.identity)
    if any(request.repeats(name) for name in (_VERSION, _METHOD, _NAME, SESSION)):
        raise wrong
    version, method, name = (request.header(each) for each in (_VERSION, _METHOD, _NAME))
    if version is not None and version not in VERSIONS:
        raise wrong
    stateless = version == STATELESS
    if stateless and (message.method in {"initialize", "notifications/initialized"} or request.header(SESSION)):
        raise wrong
    if (method is not None or stateless) and method != message.method:
        raise wrong
    if (name is not None or (stateless and message.method in NAMED)) and decoded(name) != message.name:
        raise wrong
    told = message.params.get("_meta")
    inside = told.get("io.modelcontextprotocol/protocolVersion") if isinstance(told, dict) else None
    if inside is not None and inside != version:
        raise wrong
    headers = {_VERSION: version, _METHOD: method, _NAME: name}
    return {key: value for key, value in headers.items() if value is not None} | _params(request)


def _params(request: Request) -> dict[str, str]:
    """Return the headers that repeat an argument; whether one does is looked at when the message goes out."""
    return {name: given[0] for name, given in request.headers.items()
            if name.startswith(PARAMETER) and len(given) == 1}  # fmt: skip
