"""An agent behind an MCP server: one of its tools takes a message and gives the answer."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import SecretStr

from jingwei.core.errors import InputError, Unavailable
from jingwei.develop.evaluate.endpoint import UNREACHABLE
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault
from jingwei.develop.evaluate.reading import writable
from jingwei.develop.evaluate.subjects.app import filled
from jingwei.develop.evaluate.target_file import McpTarget

if TYPE_CHECKING:
    from mcp import ClientSession

_LARGEST = 1024 * 1024
_LARGEST_EVENT = 8 * _LARGEST
"""Bytes of a message of the protocol: an answer may be in it twice, as text and as data."""
_LONGEST_LIST = 400
"""Characters of the tools that an error names."""

_LONGEST_PROBLEM = 300
_CLOSED = -32000
"""What the protocol's client calls a closed connection."""


class _Opened(NamedTuple):
    """A session, and the names of the server's tools."""

    session: "ClientSession"
    tools: tuple[str, ...]


class McpSubject:
    """Calls one tool of a server; the session lives in a task of its own, as it must end where it began.

    Args:
        target: its description.
        key: sent as a bearer token to a server at a URL.
    """

    def __init__(self, target: McpTarget, *, key: SecretStr | None = None) -> None:
        self._target = target
        self._key = key
        self._over = asyncio.Event()
        self._opening = asyncio.Lock()
        self._opened: _Opened | None = None
        self._living: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and see that the tool is there.

        Raises:
            InputError: the package is not installed, or the server has no such tool.
            Unavailable: the server cannot be reached or started.
        """
        waited: asyncio.Future[_Opened] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._living = asyncio.create_task(self._live(waited))
        self._opened = await waited
        if self._target.tool not in self._opened.tools:
            known = ", ".join(self._opened.tools)[:_LONGEST_LIST]
            await self.close()
            raise InputError("develop.evaluate:mcp-tool-unknown", field="target:tool", name=self._target.tool,
                             known=known)  # fmt: skip

    async def ask(self, ask: Ask) -> Answer | Fault:
        """Call the tool with the last message; a session that broke off is begun anew by the next request.

        Raises:
            Unavailable: the server is gone.
        """
        if ask.pictured:
            return Fault(reason="pictures-unsupported")
        opened = await self._reached()
        messages = [{"role": each.role, "content": each.content} for each in ask.messages if each.role != "system"]
        values = {"message": ask.messages[-1].content, "messages": messages, "session": ask.session}
        try:
            async with asyncio.timeout(self._target.timeout_seconds):
                found = await opened.session.call_tool(self._target.tool, filled(self._target.arguments, values))
        except TimeoutError:
            return Fault(reason="timeout")
        except Exception as error:  # noqa: BLE001 - the protocol's own errors come in many classes; each is no answer
            if not _broke_off(error):
                return Fault(reason="protocol")
            await self._lose(opened)
            return Fault(reason=UNREACHABLE)
        return _answer(found)

    async def close(self) -> None:
        """End the session."""
        self._over.set()
        self._opened = None
        if self._living is not None:
            await asyncio.gather(self._living, return_exceptions=True)

    async def _reached(self) -> _Opened:
        async with self._opening:
            if self._opened is None:
                await self.open()
            if self._opened is None:
                raise Unavailable("develop.evaluate:mcp-unreachable", field="target", problem="-")
            return self._opened

    async def _lose(self, opened: _Opened) -> None:
        """Let go of a session that broke off, unless another request has done so already."""
        async with self._opening:
            if self._opened is opened:
                await self.close()

    async def _live(self, opened: asyncio.Future[_Opened]) -> None:
        """Hold the session from its beginning to its end."""
        try:
            async with AsyncExitStack() as stack:
                opened.set_result(await _connected(self._target, stack, key=self._key))
                await self._over.wait()
        except (InputError, Unavailable) as error:
            opened.set_exception(error)
        except Exception as error:  # noqa: BLE001 - a server that cannot be started or spoken to fails in any way
            if not opened.done():
                problem = _problem(error)
                opened.set_exception(Unavailable("develop.evaluate:mcp-unreachable", field="target", problem=problem))


async def _connected(target: McpTarget, stack: AsyncExitStack, *, key: SecretStr | None) -> _Opened:
    """Open the session over HTTP, or over the standard input and output of a program."""
    import httpx2  # noqa: PLC0415 - for this subject alone

    try:
        from mcp import ClientSession, StdioServerParameters  # noqa: PLC0415 - optional, and slow to import
        from mcp.client.stdio import stdio_client  # noqa: PLC0415
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415
    except ImportError as error:
        raise InputError("develop.evaluate:mcp-missing", field="target") from error
    streams: Any
    if target.command:
        program = StdioServerParameters(command=target.command[0], args=list(target.command[1:]))
        streams = await stack.enter_async_context(stdio_client(program))
    else:
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key and key.get_secret_value() else None
        client = await stack.enter_async_context(
            httpx2.AsyncClient(headers=headers, timeout=target.timeout_seconds, trust_env=False)
        )
        spoken = streamable_http_client(target.url, http_client=client, max_sse_event_size=_LARGEST_EVENT)
        streams = await stack.enter_async_context(spoken)
    session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
    async with asyncio.timeout(target.timeout_seconds):
        await session.initialize()
        names = [each.name for each in (await session.list_tools()).tools]
    return _Opened(session, tuple(names))


def _broke_off(error: Exception) -> bool:
    """Tell whether an error says that the connection is closed."""
    return getattr(getattr(error, "error", None), "code", None) == _CLOSED


def _problem(error: BaseException) -> str:
    """Return the first cause in a group of errors, in one line that cannot command a terminal."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = "".join(each if each.isprintable() else " " for each in str(error))
    return f"{type(error).__name__}: {said}"[:_LONGEST_PROBLEM]


def _answer(found: Any) -> Answer | Fault:  # Any: the protocol's own result, of any version
    """Read the text of a tool's result."""
    if getattr(found, "isError", False) or getattr(found, "is_error", False):
        return Fault(reason="app-error")
    parts = [each.text for each in getattr(found, "content", ()) if isinstance(getattr(each, "text", None), str)]
    said = "\n".join(parts)
    structured = getattr(found, "structuredContent", None) or getattr(found, "structured_content", None)
    if not said and isinstance(structured, Mapping) and isinstance(structured.get("result"), str):
        said = structured["result"]
    return Fault(reason="too-large") if len(said) > _LARGEST else Answer(text=writable(said))
