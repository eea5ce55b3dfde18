import asyncio
import gzip
import json
import socket
import struct
import sys
import zlib
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from jingwei.core.errors import InputError, NotFound, Unavailable
from jingwei.develop.evaluate.endpoint import Client, Limits, Reply, Request, answered
from jingwei.develop.evaluate.exchange import Answer, Ask, Call, Fault, Image, Message
from jingwei.develop.evaluate.json_path import at, steps_of
from jingwei.develop.evaluate.subjects import AnthropicSubject, AppSubject, FunctionSubject, McpSubject, OpenAiSubject
from jingwei.develop.evaluate.subjects.function import function_named
from jingwei.develop.evaluate.subjects.opening import open_party
from jingwei.develop.evaluate.target_file import ApiTarget, AppTarget, McpTarget, read_target

PATIENT = Limits(timeout_seconds=5, retries=2, backoff_seconds=0)


def said(text, **more):
    return Ask(messages=(Message(role="user", content=text),), **more)


@asynccontextmanager
async def served(answer):
    """Serve any path with one handler; gives the base address and what was asked."""
    asked = []

    async def handle(request):
        raw = await request.read()
        asked.append((request, raw))
        return await answer(request, raw, len(asked))

    app = web.Application(handler_args={"access_log": None})
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}", asked
    finally:
        await runner.cleanup()


def asking(answer, make, *asks):
    """Serve, make a subject with a client and the address, ask; return the answers and what the server saw."""

    async def go():
        async with served(answer) as (url, asked), Client() as client:
            subject = make(client, url)
            return [await subject.ask(each) for each in asks], [(request, raw) for request, raw in asked]

    return asyncio.run(go())


def fixed(found, **headers):
    async def answer(_request, _raw, _number):
        return web.json_response(found, headers=headers)

    return answer


def openai(client, url):
    return OpenAiSubject(client, url, model="m", limits=PATIENT)


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"<!DOCTYPE html><html>Bad gateway</html>", {}, "html"),
        (b"{", {}, "not-json"),
        (b"x" * 1_100_000, {}, "too-large"),
        (gzip.compress(b"\0" * 300_000_000, 9), {"Content-Encoding": "gzip"}, "too-large"),
        (gzip.compress(b"{}")[:-9], {"Content-Encoding": "gzip"}, "cut-off"),
        (b"no gzip", {"Content-Encoding": "gzip"}, "protocol"),
        (b"{}", {"Content-Encoding": "br"}, "protocol"),
        (b"[" * 100_000, {}, "not-json"),
        (b'{"choices": []}', {}, "no-answer"),
        (b'{"choices": [{"message": {"content": 7}}]}', {}, "no-answer"),
        (b'{"choices": [{"message": {"tool_calls": [{"function": {}}]}}]}', {}, "no-answer"),
    ],
    ids=["html", "half", "large", "bomb", "cut gzip", "no gzip", "brotli", "deep", "empty", "number", "nameless call"],
)
def test_what_a_server_does_wrong_is_a_fault_with_a_stable_code(body, headers, reason):
    async def answer(_request, _raw, _number):
        response = web.Response(body=body)
        response.headers.update(headers)
        return response

    (found,), _ = asking(answer, openai, said("hello"))
    assert found == Fault(reason=reason)


def test_a_packed_answer_is_read_although_it_was_not_asked_for():
    async def answer(request, _raw, _number):
        assert request.headers["Accept-Encoding"] == "identity"
        body = zlib.compress(json.dumps({"choices": [{"message": {"content": "hi"}}]}).encode())
        return web.Response(body=body, headers={"Content-Encoding": "deflate"})

    (found,), _ = asking(answer, openai, said("hello"))
    assert found.text == "hi"


@pytest.mark.slow  # a second is the shortest wait that a server can ask for
def test_a_busy_server_is_asked_again_when_it_says_so_and_everybody_waits():
    moments = []

    async def answer(_request, _raw, number):
        moments.append(asyncio.get_running_loop().time())
        if number == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.json_response({"choices": [{"message": {"content": "hi"}}]})

    (found,), _ = asking(answer, openai, said("hello"))
    assert found.text == "hi"
    assert moments[1] - moments[0] >= 0.99


def test_a_server_that_asks_to_come_back_tomorrow_is_not_waited_for():
    async def answer(_request, _raw, _number):
        return web.Response(status=503, headers={"Retry-After": "86400"})

    (found,), asked = asking(answer, openai, said("hello"))
    assert found == Fault(reason="status-503")
    assert len(asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_an_error_not_a_fault(status):
    async def answer(_request, _raw, _number):
        return web.Response(status=status)

    with pytest.raises(Unavailable, match="denies access"):
        asking(answer, openai, said("hello"))


def test_a_pace_is_kept():
    async def go():
        async with served(fixed({})) as (url, _), Client() as client:
            limits, loop = Limits(requests_per_minute=1200), asyncio.get_running_loop()
            began = loop.time()
            await asyncio.gather(*(client.send(Request("GET", url), limits=limits) for _ in range(4)))
            return loop.time() - began

    assert asyncio.run(go()) >= 0.149


def test_the_client_gives_back_any_status_with_its_body():
    async def go():
        async def answer(_request, _raw, _number):
            return web.Response(status=418, body=b"tea")

        async with served(answer) as (url, _):
            return await Client().send(Request("GET", url), limits=PATIENT)

    found = asyncio.run(go())
    assert isinstance(found, Reply)
    assert (found.status, found.content, found.fault) == (418, b"tea", Fault(reason="status-418"))


def test_an_answer_tells_calls_thought_tokens_and_a_lone_surrogate_stays_out():
    raw = (
        b'{"choices": [{"message": {"content": "<think>plan</think>ok \\ud800", "tool_calls": '
        b'[{"id": "1", "function": {"name": "pay", "arguments": "{\\"sum\\": 3}"}}]}}],'
        b'"usage": {"prompt_tokens": 5, "completion_tokens": true}}'
    )

    async def answer(_request, _raw, _number):
        return web.Response(body=raw)

    (found,), _ = asking(answer, openai, said("hello"))
    assert (found.reasoning, found.calls) == ("plan", (Call(name="pay", arguments={"sum": 3}, id="1"),))
    assert found.text.encode().startswith(b"ok ")
    assert found.usage.asked == 5


def test_a_hosted_filter_that_refuses_the_prompt_has_blocked_it():
    async def answer(_request, _raw, _number):
        return web.json_response({"error": {"code": "content_filter"}}, status=400)

    (found,), _ = asking(answer, openai, said("hello"))
    assert found == Answer(blocked=True)


def test_pictures_and_tool_results_travel_in_the_chat_apis_shape():
    ask = Ask(messages=(
        Message(role="user", content="look", images=(Image(content=b"png"),)),
        Message(role="assistant", calls=(Call(name="zoom", arguments={"by": 2}, id="c1"),)),
        Message(role="tool", content="bigger", call_id="c1"),
    ))  # fmt: skip
    _, asked = asking(fixed({"choices": [{"message": {"content": "hi"}}]}), openai, ask)
    user, assistant, tool = json.loads(asked[0][1])["messages"]
    assert user["content"][1]["image_url"]["url"] == "data:image/png;base64,cG5n"
    assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"by": 2}
    assert (tool["role"], tool["tool_call_id"]) == ("tool", "c1")


def test_an_anthropic_endpoint_is_asked_and_read_in_its_own_shape():
    reply = {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "ok"},
                         {"type": "tool_use", "id": "t1", "name": "pay", "input": {"sum": 3}}],
             "usage": {"input_tokens": 4, "output_tokens": 2}}  # fmt: skip
    tool = {"type": "function", "function": {"name": "pay", "description": "pays", "parameters": {"type": "object"}}}
    messages = (Message(role="system", content="be kind"), Message(role="user", content="hi"))
    (found,), asked = asking(
        fixed(reply),
        lambda client, url: AnthropicSubject(client, url, model="m", parameters={"seed": 1}, limits=PATIENT),
        Ask(messages=messages, tools=(tool,)),
    )
    body = json.loads(asked[0][1])
    assert asked[0][0].path == "/messages"
    assert (body["system"], body["messages"]) == (
        "be kind", [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    )  # fmt: skip
    assert body["tools"] == [{"name": "pay", "description": "pays", "input_schema": {"type": "object"}}]
    assert "seed" not in body
    assert (found.text, found.reasoning, found.usage.asked) == ("ok", "hm", 4)
    assert found.calls == (Call(name="pay", arguments={"sum": 3}, id="t1"),)


def app_target(url, **fields):
    given = {"kind": "http", "url": url, "send": {"path": "/chat", "body": {"text": "{message}"}},
             "answer": "$.reply", "backoff_seconds": 0}  # fmt: skip
    return AppTarget.model_validate(given | fields)


HOSTILE = 'x", "admin": true, "y": "{session} {messages} \\" \n \u2028'


def test_what_an_attack_says_breaks_out_of_no_template():
    send = {"path": "/s/{session}/chat", "query": {"q": "{message}"}, "headers": {"X-Said": "{message}"},
            "body": {"text": "{message}", "line": "Q: {message}!", "all": "{messages}", "n": [1, "{session}"]}}  # fmt: skip
    (found,), asked = asking(
        fixed({"reply": "ok"}),
        lambda client, url: AppSubject(client, app_target(url, send=send)),
        said(HOSTILE, session="a/../b"),
    )
    request, raw = asked[0]
    body = json.loads(raw)
    assert found.text == "ok"
    assert body == {"text": HOSTILE, "line": f"Q: {HOSTILE}!", "all": [{"role": "user", "content": HOSTILE}],
                    "n": [1, "a/../b"]}  # fmt: skip
    assert request.raw_path.startswith("/s/a%2F..%2Fb/chat?q=")
    assert request.query["q"] == HOSTILE
    assert "\n" not in request.headers["X-Said"]


def test_a_conversation_begins_once_and_keeps_its_cookie_and_id():
    async def answer(request, _raw, number):
        if request.path == "/begin":
            response = web.json_response({"session": {"id": f"s{number}"}})
            response.set_cookie("visit", f"v{number}")
            return response
        return web.json_response({"reply": f"{request.path} {request.headers['Cookie']}"})

    fields = {"session": {"path": "/begin", "id": "$.session.id"}, "cookies": True, "send": {"path": "/{session}"}}
    one, other = said("hi", session="one"), said("hi", session="other")
    found, asked = asking(answer, lambda client, url: AppSubject(client, app_target(url, **fields)), one, one, other)
    assert [each.text for each in found] == ["/s1 visit=v1", "/s1 visit=v1", "/s4 visit=v4"]
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("reply", "status", "found"),
    [
        ({"reply": "ok", "calls": [{"name": "pay", "arguments": {"sum": 1}}]}, 200,
         Answer(text="ok", calls=(Call(name="pay", arguments={"sum": 1}),))),
        ({"reply": "ok", "error": "busy"}, 200, Fault(reason="app-error")),
        ({"withheld": True}, 200, Answer(blocked=True)),
        ({}, 451, Answer(blocked=True)),
        ({"answer": "elsewhere"}, 200, Fault(reason="no-answer")),
        ({}, 404, Fault(reason="status-404")),
    ],
    ids=["calls", "error", "withheld", "withheld by status", "nothing", "missing"],
)  # fmt: skip
def test_an_apps_answer_is_read_as_its_template_says(reply, status, found):
    async def answer(_request, _raw, _number):
        return web.json_response(reply, status=status)

    paths = {"calls": "$.calls", "error": "$.error", "blocked": "$.withheld", "blocked_status": [451]}
    (got,), _ = asking(answer, lambda client, url: AppSubject(client, app_target(url, **paths)), said("hi"))
    assert got == found


def test_a_function_may_be_plain_or_async_and_its_failures_are_faults():
    def whole(message, messages):
        return f"{message} {len(messages)}"

    async def wrong(message):
        raise LookupError(message)

    async def late(_):
        await asyncio.Event().wait()

    async def go():
        return [await FunctionSubject(each, timeout_seconds=0.05).ask(said("hi")) for each in (whole, wrong, late)]

    assert asyncio.run(go()) == [Answer(text="hi 1"), Fault(reason="raised-LookupError"), Fault(reason="timeout")]


def test_a_function_answers_no_longer_than_any_other_subject():
    async def go():
        given = (lambda _: "a" * 2**21, lambda _: Answer(text="a" * 2**21))
        return [await FunctionSubject(each).ask(said("hi")) for each in given]

    assert asyncio.run(go()) == [Fault(reason="too-large")] * 2


@pytest.mark.slow
def test_an_agent_behind_mcp_is_asked_by_its_tool_and_a_wrong_tool_ends_the_session(tmp_path):
    server = tmp_path / "server.py"
    server.write_text(
        "from mcp.server.mcpserver import MCPServer\n"
        "made = MCPServer('agent')\n"
        "@made.tool(description='Answers.')\n"
        "def reply(message: str) -> str:\n"
        "    return f'heard {message}'\n"
        "made.run('stdio')\n",
        encoding="utf-8",
    )

    async def go(tool):
        subject = McpSubject(McpTarget(kind="mcp", command=(sys.executable, str(server)), tool=tool))
        try:
            await subject.open()
            return await subject.ask(said("{message}"))
        finally:
            await subject.close()

    assert asyncio.run(go("reply")) == Answer(text="heard {message}")
    with pytest.raises(InputError, match="reply"):
        asyncio.run(go("nothing"))


def test_a_function_that_cannot_be_found_is_told_with_its_name(tmp_path):
    with pytest.raises(InputError, match="nowhere_at_all:answer"):
        function_named("nowhere_at_all:answer", folder=None)
    with pytest.raises(InputError, match="json:__name__"):
        function_named("json:__name__", folder=None)


@pytest.mark.parametrize(
    ("path", "found"),
    [("$.a.b[0]", 1), ("a.b[-1]", 2), ('$["a"]["b"][1]', 2), ("$.a.b.0", 1), ("$.a.c", None), ("$.a.b[9]", None),
     ("", {"a": {"b": [1, 2]}})],
)  # fmt: skip
def test_a_json_path_leads_to_a_value_or_to_nothing(path, found):
    assert at({"a": {"b": [1, 2]}}, steps_of(path)) == found


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ("kind: openai", "openai.url"),
        ("kind: radio", "kind"),
        ("kind: http\nurl: http://127.0.0.1\nsend: {}\nanswer: '$.a[b'", "http.answer"),
        ("kind: openai\nurl: http://127.0.0.1\nkey: sk-1", "openai.key"),
        ("kind: mcp\ntool: ask", "mcp"),
        ("kind: openai\nurl: http://me:secret@127.0.0.1", "openai.url"),
        ("kind: mcp\ntool: ask\nurl: http://me@127.0.0.1/mcp", "mcp.url"),
        ("kind: callable\nfunction: os.system", "callable.function"),
        ("- 1", "kind"),
        ("a: [", "-"),
        ("kind: openai\nurl: http://127.0.0.1\n#" + "x" * 2**18, "-"),
        ("a: &a [1]\nb: [*a, *a]", "-"),
    ],
)
def test_a_wrong_target_file_is_told_with_its_place(tmp_path, written, where):
    path = tmp_path / "target.yaml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_target(str(path))
    assert caught.value.values["where"] == where


def test_a_target_is_a_url_or_a_file_and_never_holds_a_key():
    assert read_target("http://127.0.0.1:8080/v1/chat/completions").url == "http://127.0.0.1:8080/v1"
    assert read_target("https://h/v1/messages").kind == "anthropic"
    with pytest.raises(NotFound, match="neither a URL nor a file"):
        read_target("nowhere.yaml")
    with pytest.raises(InputError, match="password"):
        read_target("http://me:secret@127.0.0.1/v1")
    with pytest.raises(InputError, match="not the address"):
        read_target("ftp://127.0.0.1")


def test_a_key_in_an_address_is_in_no_report_and_no_error():
    target = AppTarget(kind="http", url="http://127.0.0.1:1/chat?key=sk-1", send={"query": {"token": "sk-2"}},
                       answer="text", retries=0)  # fmt: skip

    async def go():
        async with Client() as client:
            party = await open_party(target, client, key=None, seed=1)
            with pytest.raises(Unavailable) as caught:
                await party.subject.ask(said("hi"))
            return party.card, caught.value

    card, error = asyncio.run(go())
    assert card.locator == "http://127.0.0.1:1/chat"
    assert "http://127.0.0.1:1/chat " in str(error)
    assert "sk-" not in f"{card} {error} {error.values}"
    with pytest.raises(Unavailable) as denied:
        answered(Reply(401, b"", {}, {}), "http://h/v1?key=sk-3")
    assert "sk-" not in f"{denied.value}"


def test_a_model_served_from_a_file_is_known_by_the_file_and_not_by_its_address():
    async def card(port, sha256):
        target = ApiTarget(
            kind="openai", url=f"http://127.0.0.1:{port}/v1", model="m", file="m.gguf", file_sha256=sha256
        )
        async with Client() as client:
            return (await open_party(target, client, key=None, seed=1)).card

    first, again, other = (asyncio.run(card(*each)) for each in ((1, "a" * 64), (2, "a" * 64), (1, "b" * 64)))
    assert first == again
    assert first.locator == "m.gguf"
    assert first.digest != other.digest
    assert asyncio.run(card(1, "")).digest != asyncio.run(card(2, "")).digest


def test_a_connection_that_is_reset_is_tried_again():
    seen = []

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        seen.append(1)
        if len(seen) == 1:  # no farewell: a reset
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async def go():
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server, Client() as client:
            return await client.send(Request("GET", url), limits=PATIENT)

    found = asyncio.run(go())
    assert isinstance(found, Reply)
    assert len(seen) == 2
