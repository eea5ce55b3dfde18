"""An agent behind an MCP server: one of its tools takes a message and gives the answer."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import SecretStr

from jingwei.core.errors import InputError, Unavailable
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault
from jingwei.develop.evaluate.reading import writable
from jingwei.develop.evaluate.subjects.app import filled
from jingwei.develop.evaluate.target_file import McpTarget

if TYPE_CHECKING:
    from mcp import ClientSession

_LARGEST = 1024 * 1024
_LONGEST_LIST = 400
"""Characters of the tools that an error names."""


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
        self._opened: asyncio.Future[_Opened] | None = None
        self._living: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and see that the tool is there.

        Raises:
            InputError: the package is not installed, or the server has no such tool.
            Unavailable: the server cannot be reached or started.
        """
        self._opened = asyncio.get_running_loop().create_future()
        self._living = asyncio.create_task(self._live(self._opened))
        _, tools = await self._opened
        if self._target.tool not in tools:
            await self.close()
            raise InputError("develop.evaluate:mcp-tool-unknown", field="target:tool", name=self._target.tool,
                             known=", ".join(tools)[:_LONGEST_LIST])  # fmt: skip

    async def ask(self, ask: Ask) -> Answer | Fault:
        """Call the tool with the last message."""
        if ask.pictured:
            return Fault(reason="pictures-unsupported")
        if self._opened is None:
            raise Unavailable("develop.evaluate:mcp-unreachable", field="target", problem="-")
        session, _ = await self._opened
        messages = [{"role": each.role, "content": each.content} for each in ask.messages if each.role != "system"]
        values = {"message": ask.messages[-1].content, "messages": messages, "session": ask.session}
        try:
            async with asyncio.timeout(self._target.timeout_seconds):
                found = await session.call_tool(self._target.tool, filled(self._target.arguments, values))
        except TimeoutError:
            return Fault(reason="timeout")
        except Exception:  # noqa: BLE001 - the protocol's own errors come in many classes; each is no answer
            return Fault(reason="protocol")
        return _answer(found)

    async def close(self) -> None:
        """End the session."""
        self._over.set()
        if self._living is not None:
            await asyncio.gather(self._living, return_exceptions=True)

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
                problem = f"{type(error).__name__}: {error}"
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
        client = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=target.timeout_seconds))
        streams = await stack.enter_async_context(streamable_http_client(target.url, http_client=client))
    session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
    async with asyncio.timeout(target.timeout_seconds):
        await session.initialize()
        names = [each.name for each in (await session.list_tools()).tools]
    return _Opened(session, tuple(names))


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
