"""Bad input, failing servers and failing detectors: one clear error, one event, bounded memory, no crash."""

import asyncio
import gzip
import json
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest
from aiohttp import web
from tests.faces.gateway.conftest import KEY, completion, piece

from jingwei.core.event import EventKind
from jingwei.core.policy import Category, Decision, FailMode
from jingwei.core.proof import CHAT_PATH
from jingwei.deploy.guard import Guard
from jingwei.faces.gateway.serving import Ready

BOMB = gzip.compress(b'{"choices": [], "x": "' + b"a" * 30_000_000 + b'"}')


def packed(media_type):
    async def answer(request):
        return web.Response(body=BOMB, headers={"Content-Encoding": "gzip", "Content-Type": media_type})

    return answer


def streams(*lines, endless=False, pause=0.0):
    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for line in lines:
                await response.write(line)
            while endless:
                await response.write(lines[-1])
                await asyncio.sleep(pause)
        except ConnectionError:
            streams.stopped.set()
        return response

    return answer


streams.stopped = threading.Event()
GOOD = b"data: " + json.dumps(piece({"content": "Good morning. "})).encode() + b"\n\n"
LONG = b"data: " + json.dumps(piece({"content": ""}) | {"padding": "x" * 20_000}).encode() + b"\n\n"


def one_failure(house, code):
    failures = [event for event in house.events() if event.kind is EventKind.UPSTREAM_FAILURE]
    assert [event.reason for event in failures] == [code]


@pytest.mark.parametrize("stream", [False, True])
def test_a_packed_answer_is_refused_before_it_is_unpacked(open_house, stream):
    open_house.model.hook = packed("text/event-stream" if stream else "application/json")
    assert open_house.chat(stream=stream).code == "upstream-garbage"
    one_failure(open_house, "upstream-garbage")


@pytest.mark.parametrize(
    "lines",
    [
        (GOOD, b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n'),
        (GOOD, b"data: " + b"[" * 5000 + b"]" * 5000 + b"\n\n"),
        (GOOD, b'data: {"choices": ' + b"[" * 900 + b"]" * 900 + b"}\n\n"),
        (GOOD, b"data: " + b"x" * 1_200_000),
        (GOOD, b"data: null\n\n"),
        (GOOD, b'data: {"choices": [{"index": 1e9, "delta": {}}]}\n\n'),
        (GOOD, b'data: {"choices": [{"index": 0, "delta": "ZX-CANARY-77"}]}\n\n'),
    ],
)
def test_garbage_in_the_middle_of_a_stream_ends_it_with_an_error(open_house, lines):
    open_house.model.hook = streams(*lines)
    reply = open_house.chat(stream=True)
    assert (reply.chunks[-1]["error"]["code"] if reply.chunks else reply.code) == "upstream-garbage"
    assert b"CANARY" not in reply.raw
    one_failure(open_house, "upstream-garbage")


def test_a_stream_that_never_ends_is_ended(open_house):
    streams.stopped.clear()
    open_house.model.hook = streams(GOOD, LONG, endless=True)
    reply = open_house.chat(stream=True)
    assert reply.chunks[-1]["error"]["code"] == "upstream-garbage"
    assert streams.stopped.wait(5)
    one_failure(open_house, "upstream-garbage")


def test_a_kept_connection_that_the_server_has_closed_is_no_failure(open_house):
    hung_up = []

    async def answer(request):
        if len(hung_up) == 1:  # the second request comes over the connection of the first
            hung_up.append(request.transport.close())
        elif not hung_up:
            hung_up.append(None)
        return web.json_response(completion("The room is free."))

    open_house.model.hook = answer
    assert [open_house.chat().status for _ in range(2)] == [200, 200]
    assert len(open_house.model.seen) == 3


def test_an_answer_beyond_the_limit_is_refused(open_house):
    open_house.model.answer = completion("word " * 700_000)
    assert open_house.chat().code == "upstream-garbage"


def test_a_caller_who_goes_away_ends_the_models_work_at_once(open_house):
    streams.stopped.clear()
    open_house.model.hook = streams(GOOD, endless=True, pause=0.01)
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "stream": True})
    with closing(socket.create_connection(("127.0.0.1", open_house.port), timeout=5)) as connection:
        connection.sendall(head(len(body)) + body.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert streams.stopped.wait(5)
    reasons = wait_for(lambda: [event.reason for event in open_house.events() if event.reason == "client-gone"])
    assert set(reasons) == {"client-gone"}


def test_a_hundred_thousand_messages_are_one_clear_error(open_house):
    raw = b'{"messages":[' + b",".join([b"1"] * 90_000) + b"]}"
    reply = open_house.call(raw=raw)
    assert (reply.status, reply.code) == (400, "request-invalid")
    assert open_house.call(raw=b'{"messages":["' + b"x" * 10_000_000 + b'"]}').status == 413
    assert [event.reason for event in open_house.events()] == ["request-invalid", "body-too-large"]


def head(length, *more):
    lines = [f"POST {CHAT_PATH} HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}", "Content-Type: application/json",
             f"Content-Length: {length}", *more]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def everything(connection):
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def wait_for(look, seconds=5):
    until = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < until:
        time.sleep(0.02)
    return seen


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b"408"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A: ", b"408"),
        (head(60) + b'{"messages"', b"408"),
        (b"GET / HTTP/1.1\r\nX-A: " + b"a" * 100_000, b"431"),
    ],
    ids=["nothing", "half a head", "half a body", "an endless head"],
)
def test_a_caller_that_dawdles_or_never_ends_is_let_go(open_house, sent, status):
    with closing(socket.create_connection(("127.0.0.1", open_house.port), timeout=10)) as connection:
        connection.sendall(sent)
        assert everything(connection).split(b" ")[1] == status
    assert open_house.model.seen == []


def test_a_caller_that_goes_on_sending_what_was_refused_is_let_go(open_house):
    with closing(socket.create_connection(("127.0.0.1", open_house.port), timeout=10)) as connection:
        connection.sendall(head(10_000_000) + b"{")
        answer = everything(connection)
    assert answer.split(b" ")[1] == b"413"


def test_requests_sent_ahead_are_answered_in_their_order(open_house):
    bodies = [json.dumps({"messages": [{"role": "user", "content": f"number {n}"}]}).encode() for n in range(3)]
    sent = b"".join(head(len(body), *(["Connection: close"] if n == 2 else [])) + body for n, body in enumerate(bodies))
    with closing(socket.create_connection(("127.0.0.1", open_house.port), timeout=10)) as connection:
        connection.sendall(sent)
        answer = everything(connection)
    assert answer.count(b"HTTP/1.1 200") == 3
    assert [seen["messages"][0]["content"] for _, seen in open_house.model.seen] == ["number 0", "number 1", "number 2"]


@pytest.fixture
def failing(open_house, monkeypatch):
    """Puts a detector that fails into the place of the one for secrets, under a fail mode."""
    serving = open_house.app._serving
    guard = serving.guard(open_house.served())
    release = threading.Event()

    def put(fault, mode):
        def detect(text):
            if fault == "crash":
                raise RuntimeError
            if fault == "hang":
                release.wait(20)
            return ["ZX"]

        changes = {"on_failure": mode, "timeout_milliseconds": 40}
        rules = tuple(
            rule.model_copy(update=changes) if rule.category is Category.SECRET else rule for rule in guard.policy.rules
        )
        broken = replace(guard.bundle, detectors={**guard.bundle.detectors, Category.SECRET: detect}, models={})
        put_in = Guard(guard.policy.model_copy(update={"rules": rules}), broken)
        monkeypatch.setattr(serving, "ready", lambda served: Ready(put_in))
        return open_house

    yield put
    release.set()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", FailMode)
@pytest.mark.parametrize(("fault", "why"), [("crash", "crashed"), ("hang", "timed-out"), ("nonsense", "nonsense")])
def test_a_detector_that_fails_does_what_its_mode_says_and_leaves_an_event(failing, fault, why, mode, stream):
    house = failing(fault, mode)
    house.model.pieces = [piece({"content": "Good morning."}), piece({}, "stop")]
    reply = house.chat(stream=stream)
    finish = (reply.finishes if stream else [reply.finish])[-1]
    assert finish == ("stop" if mode is FailMode.OPEN else "content_filter")
    failures = [event for event in house.events() if event.kind is EventKind.DETECTOR_FAILURE]
    assert {(event.categories, event.reason) for event in failures} == {((Category.SECRET,), f"detector-{why}")}
    assert {event.decision for event in failures} == {Decision.ALLOW if mode is FailMode.OPEN else Decision.BLOCK}


def test_the_gateway_is_live_ready_and_healthy_each_by_its_own_address(open_house):
    for path in ("/jingwei/live", "/jingwei/ready", "/jingwei/health"):
        assert open_house.call("GET", path, key=None).status == 200
    open_house.app._serving._building["x"] = None
    try:
        statuses = [open_house.call("GET", f"/jingwei/{name}", key=None).status for name in ("live", "ready", "health")]
    finally:
        del open_house.app._serving._building["x"]
    assert statuses == [200, 503, 200]


def test_a_clean_stream_leaves_byte_for_byte_as_it_came(open_house):
    plain = open_house.policy.model_copy(update={"explicit_label": None})
    open_house.publish(open_house.served(policy=plain, release_token=open_house.token(policy_digest=plain.digest)))
    first = piece({"role": "assistant", "content": "", "refusal": None}) | {"usage": None}
    frames = [json.dumps(first, separators=(" , ", " : "))]
    frames += [json.dumps(piece({"content": word})) for word in ("Good \u00e9 ", "morning. ", '今天，"好"。 ')]
    frames += [json.dumps(piece({}, "stop"))]
    raw = b"".join(b"data: " + frame.encode() + b"\n\n" for frame in frames) + b"data: [DONE]\n\n"
    open_house.model.hook = streams(raw)
    reply = open_house.chat(stream=True)
    assert reply.streamed == 'Good é morning. 今天，"好"。 '
    held = [line for line in reply.raw.split(b"\n\n") if line and line not in raw.split(b"\n\n")]
    assert held == []


def test_a_clean_whole_answer_leaves_byte_for_byte_as_it_came(open_house):
    plain = open_house.policy.model_copy(update={"explicit_label": None})
    open_house.publish(open_house.served(policy=plain, release_token=open_house.token(policy_digest=plain.digest)))
    raw = json.dumps(completion("Good \u00e9 morning."), indent=1).encode()

    async def answer(request):
        return web.Response(body=raw, content_type="application/json")

    open_house.model.hook = answer
    assert open_house.chat().raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        b'{"choices":[{"index":0,"message":{"role":"assistant","content":"ZX-CANARY-77","content":"fine"},"finish_reason":"stop"}]}',
        b'{"choices":[{"index":0,"message":{"role":"assistant","c\\u006fntent":"ZX-CANARY-77","content":"fine"},"finish_reason":"stop"}]}',
        b'{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop","logprobs":{"token":"ZX-CANARY-77"}}]}',
    ],
)  # fmt: skip
def test_an_answer_with_something_unread_in_it_is_written_anew(open_house, raw):
    plain = open_house.policy.model_copy(update={"explicit_label": None})
    open_house.publish(open_house.served(policy=plain, release_token=open_house.token(policy_digest=plain.digest)))

    async def answer(request):
        return web.Response(body=raw, content_type="application/json")

    open_house.model.hook = answer
    reply = open_house.chat()
    assert reply.content == "fine"
    assert b"CANARY" not in reply.raw
