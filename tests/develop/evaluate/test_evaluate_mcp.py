"""An agent behind an MCP server over HTTP: a real server on loopback, and the ways in which one breaks."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from aiohttp import web
from evaluating import evaluated, order_of, write_suite
from mcp.server.mcpserver import MCPServer
from pydantic import SecretStr

from jingwei.core.errors import InputError, Unavailable
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault, Message
from jingwei.develop.evaluate.subjects import McpSubject
from jingwei.develop.evaluate.target_file import McpTarget


def said(text):
    return Ask(messages=(Message(role="user", content=text),))


def agent(heard):
    """Return a server with an agent's tool, one that fails, one that never ends and one that says too much."""
    server, never = MCPServer("agent"), asyncio.Event()

    @server.tool(description="Answers.")
    def reply(message: str) -> str:
        heard.append(message)
        return f"heard {message}"

    @server.tool(description="Fails.")
    def fail(message: str) -> str:
        raise LookupError(message)

    @server.tool(description="Never ends.")
    async def wait(message: str) -> str:
        await never.wait()
        return message

    @server.tool(description="Says too much.")
    def flood(message: str) -> str:
        return message * (2**20 + 1)

    return server


def guarded(inner, keys):
    """Note the key of each request."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            keys.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        await inner(scope, receive, send)

    return app


@contextmanager
def running(heard, keys, port=0):
    """Serve an agent in a thread; give its address."""
    app = guarded(agent(heard).streamable_http_app(), keys)
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="critical", lifespan="on", timeout_graceful_shutdown=1)
    serving = uvicorn.Server(config)
    serving.install_signal_handlers = lambda: None
    thread = threading.Thread(target=lambda: asyncio.run(serving.serve([bound])))
    thread.start()
    while not serving.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"
    finally:
        serving.should_exit = True
        thread.join(20)
        bound.close()


@pytest.fixture(scope="module")
def server():
    """A real MCP server, its address, what its agent heard and the keys it was shown."""
    heard, keys = [], []
    with running(heard, keys) as url:
        yield url, heard, keys


def asking(url, *texts, tool="reply", key=None, **more):
    """Open a subject, ask it, close it."""

    async def go():
        subject = McpSubject(McpTarget(kind="mcp", url=url, tool=tool, **more), key=key)
        try:
            await subject.open()
            return [await subject.ask(said(each)) for each in texts]
        finally:
            await subject.close()

    return asyncio.run(go())


def test_an_agent_over_http_answers_each_message_of_one_session(server):
    url, heard, keys = server
    key = SecretStr("own-key")
    assert asking(url, "hello", "{message} 你好", key=key) == [
        Answer(text="heard hello"), Answer(text="heard {message} 你好"),
    ]  # fmt: skip
    assert heard[-2:] == ["hello", "{message} 你好"]
    assert set(keys) == {"Bearer own-key"}


@pytest.mark.parametrize(("tool", "reason"), [("fail", "app-error"), ("flood", "too-large"), ("wait", "timeout")])
def test_what_a_tool_does_wrong_is_a_fault_by_name(server, tool, reason):
    assert asking(server[0], "x", tool=tool, timeout_seconds=3 if tool != "wait" else 0.5) == [Fault(reason=reason)]


def test_a_tool_that_is_not_there_is_told_with_those_that_are(server):
    with pytest.raises(InputError, match="reply"):
        asking(server[0], "x", tool="answer")


def test_a_whole_suite_is_asked_of_an_agent(server, tmp_path):
    url, heard, _ = server
    target = McpTarget(kind="mcp", url=url, tool="reply")
    evaluation, results = evaluated(order_of(write_suite(tmp_path), target, tmp_path / "run"))
    assert (evaluation.subject.kind, evaluation.subject.locator) == ("mcp", url)
    assert len(results) == 20 == len([each for each in heard if "forge" in each or "伪造" in each])
    assert {each.verdict.state.value for each in results} != {"error"}


def html(_):
    return web.Response(text="<html><title>Sign in</title></html>", content_type="text/html")


def denied(_):
    return web.Response(status=401)


def broken(_):
    return web.Response(status=500, text="oops")


def other_json(_):
    return web.json_response(["not", "a", "message"])


async def slow(_):
    await asyncio.Event().wait()


@pytest.mark.parametrize("answer", [html, denied, broken, other_json, slow])
def test_what_is_no_mcp_server_cannot_be_reached_and_is_said_so_in_time(answer):
    async def go():
        async def handle(request):
            found = answer(request)
            return await found if asyncio.iscoroutine(found) else found

        app = web.Application(handler_args={"access_log": None})
        app.router.add_route("*", "/mcp", handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/mcp"
        subject = McpSubject(McpTarget(kind="mcp", url=url, tool="reply", timeout_seconds=1))
        try:
            async with asyncio.timeout(20):
                await subject.open()
        finally:
            await subject.close()
            await runner.cleanup()

    with pytest.raises(Unavailable) as caught:
        asyncio.run(go())
    assert caught.value.code == "develop.evaluate:mcp-unreachable"
    assert "TaskGroup" not in caught.value.message.en


def test_a_server_that_is_down_cannot_be_reached():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"
    with pytest.raises(Unavailable) as caught:
        asking(url, "x", timeout_seconds=2)
    assert "TaskGroup" not in caught.value.message.en


@pytest.mark.slow
def test_an_agent_that_goes_away_is_said_to_be_gone_and_asked_again_once_it_is_back():
    async def go():
        found = []
        with running([], []) as url:
            subject = McpSubject(McpTarget(kind="mcp", url=url, tool="reply", timeout_seconds=3))
            await subject.open()
            found.append(await subject.ask(said("a")))
        found.append(await subject.ask(said("b")))
        with pytest.raises(Unavailable):
            await subject.ask(said("c"))
        with running([], [], port=int(url.rsplit(":", 1)[1].split("/")[0])):
            found.append(await subject.ask(said("d")))
            await subject.close()
        return found

    assert asyncio.run(go()) == [Answer(text="heard a"), Fault(reason="unreachable"), Answer(text="heard d")]
