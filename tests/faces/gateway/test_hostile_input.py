"""Hostile callers and servers: everything that is too much, too deep or ambiguous is one clear error, and no crash."""

import json
import socket
import threading
import time
from contextlib import closing
from functools import partial

import pytest
from aiohttp import web
from tests.faces.gateway.conftest import KEY, completion

from jingwei.core.event import EventKind
from jingwei.core.policy import ToolRule, ToolServer
from jingwei.core.proof import CHAT_PATH

CHATS = {
    CHAT_PATH: lambda turns: {"messages": turns},
    "/v1/responses": lambda turns: {"input": turns},
    "/v1/messages": lambda turns: {"max_tokens": 9, "messages": turns},
}
"""How each dialect holds a conversation."""


async def raw_answer(body, _request):
    return web.Response(body=body, content_type="application/json")


def deep(depth):
    return "[" * depth + "]" * depth


@pytest.fixture
def roomy(open_house, monkeypatch):
    """The gateway with room for bodies of 16 MiB."""
    large = open_house.app._settings.model_copy(update={"max_body_bytes": 16 << 20, "body_seconds": 20.0})
    monkeypatch.setattr(open_house.app, "_settings", large)
    return open_house


def refused(house, reply, status, code):
    assert (reply.status, reply.code) == (status, code)
    assert house.model.seen == []
    assert [event.reason for event in house.events() if event.kind is EventKind.REFUSAL] == [code]


# Bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CHATS)
def test_a_prompt_of_ten_megabytes_is_stopped_and_not_read_for_ever(roomy, path):
    reply = roomy.call(path=path, body=CHATS[path]([{"role": "user", "content": "word " * 2_000_000}]))
    assert reply.status == 200
    assert "input.too-long" in reply.json["jingwei"]["rule_ids"]
    assert roomy.model.seen == []


@pytest.mark.parametrize("path", CHATS)
def test_a_hundred_thousand_messages_are_refused_in_every_dialect(roomy, path):
    reply = roomy.call(path=path, body=CHATS[path]([{"role": "user", "content": "hi"}] * 100_000))
    refused(roomy, reply, 400, "request-invalid")


@pytest.mark.parametrize("depth", [40, 253, 254, 255, 400, 1000, 1100, 90_000])
@pytest.mark.parametrize(("path", "body"), [
    (CHAT_PATH, '{"messages": [{"role": "user", "content": "x"}], "metadata": {"a": DEEP}}'),
    (CHAT_PATH, '{"messages": [{"role": "user", "content": "x"}], "logit_bias": {"a": DEEP}}'),
    (CHAT_PATH, '{"messages": [{"role": "user", "content": "x"}], "stream_options": {"a": DEEP}}'),
    (CHAT_PATH, '{"messages": [{"role": "user", "content": "x"}], "tools": [{"function": {"parameters": DEEP}}]}'),
    (CHAT_PATH, '{"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": DEEP}}]}]}'),
    ("/v1/responses", '{"input": "x", "metadata": {"a": DEEP}}'),
    ("/v1/responses", '{"input": "x", "tools": [{"type": "function", "name": "n", "parameters": {"a": DEEP}}]}'),
    ("/v1/messages", '{"max_tokens": 1, "messages": [{"role": "user", "content": "x"}], "tools": [DEEP]}'),
    ("/v1/embeddings", '{"input": DEEP}'),
    ("/jingwei/evaluate", '{"tool_call": DEEP}'),
])  # fmt: skip
def test_a_body_nested_without_end_is_refused_in_every_dialect(open_house, path, body, depth):
    reply = open_house.call(path=path, raw=body.replace("DEEP", deep(depth)).encode())
    if reply.status == 200:  # judged, and a no: arguments of a call are read further, and too deep ones are no tool's
        told = reply.json if path.startswith("/jingwei") else reply.json["jingwei"]
        assert told["decision"] == "block"
    else:
        assert reply.status == 400
        assert reply.code in {"request-invalid", "body-unreadable"}
    assert open_house.model.seen == []


@pytest.mark.parametrize("depth", [254, 255, 900, 90_000])
def test_a_call_in_a_message_nested_without_end_is_refused(open_house, depth):
    call = '{"type": "tool_use", "id": "t", "name": "n", "input": {"a": DEEP}}'
    for body in (
        '{"max_tokens": 1, "messages": [{"role": "assistant", "content": [' + call + "]}]}",
        '{"max_tokens": 1, "messages": [{"role": "user", "content": "x"}], "tools": [{"name": "n", "input_schema": DEEP}]}',
    ):
        open_house.clear()
        reply = open_house.call(path="/v1/messages", raw=body.replace("DEEP", deep(depth)).encode())
        assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert open_house.model.seen == []


@pytest.mark.parametrize("depth", [20, 260, 1000])
def test_a_tool_call_with_arguments_nested_without_end_is_no_call(open_house, depth):
    arguments = '{"query": ' + deep(depth) + "}"
    answer = json.dumps(completion(None, tool_calls=[{"id": "c1", "function": {"name": "search", "arguments": 0}}]))

    for given in (arguments, json.dumps(arguments)):
        said = answer.replace('"arguments": 0', f'"arguments": {given}')
        open_house.model.hook = partial(raw_answer, said.encode())
        reply = open_house.chat()
        assert reply.status in {200, 502}
        assert reply.finish == "content_filter" if reply.status == 200 else reply.code == "upstream-garbage"
        assert "tool_calls" not in reply.raw.decode()


@pytest.mark.parametrize("body", [
    {"logit_bias": {"1": "关于飞鸟计划"}}, {"stream_options": {"include_usage": "关于飞鸟计划"}},
    {"logit_bias": {"1": [5]}},
])  # fmt: skip
def test_no_text_hides_among_numbers(open_house, body):
    reply = open_house.call(body={"messages": [{"role": "user", "content": "hi"}], **body})
    refused(open_house, reply, 400, "request-invalid")


@pytest.mark.parametrize("path", [*CHATS, "/v1/embeddings", "/jingwei/evaluate"])
@pytest.mark.parametrize("raw", [
    b'{"input": "\xff", "max_tokens": 1, "messages": [{"role": "user", "content": "\xff"}]}',
    b'{"input": "\xc0\xaf", "max_tokens": 1, "messages": [{"role": "user", "content": "\xc0\xaf"}]}',
    b'{"input": "\xed\xa0\x80", "max_tokens": 1, "messages": [{"role": "user", "content": "\xed\xa0\x80"}]}',
    '{"input": "x", "max_tokens": 1, "messages": []}'.encode("utf-16"),
    b'\xef\xbb\xbf{"input": "x", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}',
], ids=["no utf-8", "overlong", "surrogate", "utf-16", "byte order mark"])  # fmt: skip
def test_bytes_that_are_no_utf_8_are_refused_everywhere(open_house, path, raw):
    refused(open_house, open_house.call(path=path, raw=raw), 400, "body-unreadable")


# Heads ------------------------------------------------------------------------------------------------------------


def sent(house, raw):
    with closing(socket.create_connection(("127.0.0.1", house.port), timeout=5)) as connection:
        connection.sendall(raw)  # a caller that closes its side has gone, so this one waits for the server to
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


BODY = b'{"messages": [{"role": "user", "content": "hi"}]}'
LENGTH = b"Content-Length: %d" % len(BODY)
BEARER = b"Authorization: Bearer " + KEY.encode()


@pytest.mark.slow
@pytest.mark.parametrize("head", [
    LENGTH + b"\r\nX-A: a\r\n Content-Length: 3",
    LENGTH + b"\r\nX-A:\r\n\tTransfer-Encoding: chunked",
    LENGTH + b"\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\n" + LENGTH,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding: \x00chunked",
    LENGTH + b"\r\n" + LENGTH,
    LENGTH + b"\r\ncontent-length: 3",
    b"Content-Length: %d, %d" % (len(BODY), len(BODY)),
    b"Content-Length: 0x20",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999999",
    b"Content-Length : %d" % len(BODY),
    LENGTH + b"\r\nX-A: a\x00b",
    LENGTH + b"\r\nX A: b",
    LENGTH + b"\r\n: empty",
    LENGTH + b"\nTransfer-Encoding: chunked",
    LENGTH + b"\rTransfer-Encoding: chunked",
])  # fmt: skip
def test_a_head_that_two_readers_could_read_differently_is_answered_once_at_most(open_house, head):
    hidden = b"GET /jingwei/configuration HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + BEARER + b"\r\n\r\n"
    start = b"POST " + CHAT_PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + BEARER
    for after in (b"0\r\n\r\n" + hidden, BODY + hidden):
        answer = sent(open_house, start + b"\r\n" + head + b"\r\n\r\n" + after)
        assert b"HTTP/1.1 200" not in answer
        assert open_house.policy.digest.encode() not in answer
    assert open_house.model.seen == []


@pytest.mark.parametrize("chunks", [
    b"0x31\r\n" + BODY + b"\r\n0\r\n\r\n", b"-1\r\n" + BODY + b"\r\n0\r\n\r\n",
    b"fffffffffffffffff\r\n" + BODY, b"31;" + b"a" * 100_000,
    b"31\n" + BODY + b"\n0\n\n", b" 31\r\n" + BODY + b"\r\n0\r\n\r\n", b"31\r\n" + BODY + b"xx0\r\n\r\n",
], ids=["prefix", "negative", "endless", "an extension without end", "bare line feeds", "blank before", "no end of a chunk"])  # fmt: skip
def test_chunks_that_are_not_written_plainly_never_reach_the_model(open_house, chunks):
    raw = (b"POST " + CHAT_PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + BEARER
           + b"\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)  # fmt: skip
    assert b"HTTP/1.1 200" not in sent(open_house, raw)
    assert open_house.model.seen == []


def test_a_chunked_body_is_taken_where_it_is_plain(open_house):
    raw = (b"POST " + CHAT_PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + BEARER
           + b"\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n" % len(BODY) + BODY
           + b"\r\n0\r\n\r\n")  # fmt: skip
    assert b"HTTP/1.1 200" in sent(open_house, raw)
    assert len(open_house.model.seen) == 1


def test_a_caller_that_reads_nothing_holds_nobody_else_up(open_house):
    """Many callers ask and never read; others are answered all the same."""
    head = (b"POST " + CHAT_PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + BEARER
            + b"\r\n" + LENGTH + b"\r\n\r\n")  # fmt: skip
    idle = [socket.create_connection(("127.0.0.1", open_house.port), timeout=5) for _ in range(50)]
    try:
        for connection in idle:
            connection.sendall(head + BODY)
        assert open_house.chat().status == 200
    finally:
        for connection in idle:
            connection.close()


# Models' servers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [
    b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "\xff\xfe ZX-CANARY-77"}}]}',
    b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "\xed\xa0\x80 ZX-CANARY-77"}}]}',
    b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "ZX-CANARY-77", "x": ' + deep(2000).encode() + b"}}]}",
    b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": ["ZX-CANARY-77"]}}]}',
    b'{"choices": {"0": "ZX-CANARY-77"}}', b"ZX-CANARY-77", b"",
])  # fmt: skip
def test_a_whole_answer_that_is_garbage_is_not_passed_on(open_house, raw):
    open_house.model.hook = partial(raw_answer, raw)
    reply = open_house.chat()
    assert (reply.status, reply.code) == (502, "upstream-garbage")
    assert b"CANARY" not in reply.raw


def test_a_whole_answer_that_is_cut_off_is_not_passed_on(open_house):
    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
        await response.prepare(request)
        await response.write(json.dumps(completion("ZX-CANARY-77")).encode())
        request.transport.close()
        return response

    open_house.model.hook = answer
    reply = open_house.chat()
    assert (reply.status, reply.code) == (502, "upstream-stopped")
    assert b"CANARY" not in reply.raw


# MCP servers ------------------------------------------------------------------------------------------------------


class RawServer:
    """An MCP server that sends bytes as it is told, and then hangs up, or goes on for ever."""

    def __init__(self):
        self.says, self.forever = b"", b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/mcp"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        self._listener.settimeout(0.05)
        while not self._ending.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                self._serve(connection)

    def _serve(self, connection):
        connection.settimeout(5)
        try:
            while b"jsonrpc" not in connection.recv(65536):
                pass
            connection.sendall(self.says)
            while self.forever and not self._ending.is_set():
                connection.sendall(self.forever)
        except OSError:
            return

    def close(self):
        self._ending.set()
        self._thread.join(10)
        self._listener.close()


def http_answer(body, media_type=b"application/json", *more):
    head = [b"HTTP/1.1 200 OK", b"Content-Type: " + media_type, b"Connection: close", *more]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


GIVEN = b'{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "ZX-CANARY-77"}]}}'
EVENTS = b"text/event-stream"


@pytest.fixture
def raw_server(open_house):
    server = RawServer()
    files = ToolServer(name="files", url=server.url)
    policy = open_house.policy.model_copy(
        update={"mcp_servers": (files,), "tools": (ToolRule(name="read", server="files"),)}
    )
    open_house.publish(open_house.served(policy=policy, release_token=open_house.token(policy_digest=policy.digest)))
    yield server
    server.close()


def mcp(house):
    version = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    params = {"name": "read", "arguments": {}, "_meta": version}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "read",
               "Accept": "application/json, text/event-stream"}  # fmt: skip
    return house.call(path="/mcp/sys_1/files", body=body, headers=headers)


@pytest.mark.parametrize("says", [
    b"", b"\x00\xff" * 500, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n" + GIVEN,
    http_answer(GIVEN, b"text/html"), http_answer(GIVEN.replace(b'"id": 1', b'"id": 2')),
    http_answer(GIVEN.replace(b"ZX-CANARY-77", b"ZX-CANARY-77\xff")), http_answer(b"[" * 5000 + b"]" * 5000),
    http_answer(GIVEN.replace(b'"ZX-CANARY-77"', deep(3000).encode())),
    http_answer(b"\x1f\x8b" + b"\x00" * 100, b"application/json", b"Content-Encoding: gzip"),
    http_answer(b"data: " + GIVEN, EVENTS), http_answer(b"data: " + GIVEN[:50] + b"\n\n", EVENTS),
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n",
])  # fmt: skip
def test_an_mcp_server_that_answers_garbage_gives_one_clear_error(open_house, raw_server, says):
    raw_server.says = says
    reply = mcp(open_house)
    assert reply.status == 200
    assert reply.json["error"]["data"]["zh"]
    assert reply.json["id"] == 1
    assert b"CANARY" not in reply.raw


@pytest.mark.parametrize(("says", "forever"), [
    (http_answer(b""), b" " * 65536), (http_answer(b"", EVENTS), b": still there\n\n" * 4000),
    (http_answer(b"data: ", EVENTS), b"x" * 65536),
])  # fmt: skip
def test_an_mcp_server_that_never_ends_is_left(open_house, raw_server, says, forever):
    raw_server.says, raw_server.forever = says, forever
    began = time.monotonic()
    assert mcp(open_house).json["error"]["data"]["zh"]
    assert time.monotonic() - began < 20  # the limit of the test's own client: it did not wait for the end


def test_a_result_with_endlessly_many_texts_is_dropped(open_house, raw_server):
    texts = [{"type": "text", "text": "a"}] * 9000
    raw_server.says = http_answer(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": texts}}).encode())
    assert mcp(open_house).json["error"]["data"]["zh"]
