"""A model's server that fails: asked again where that is safe, left alone where it is not, and people are told."""

import asyncio
import json
import socket
import struct
from base64 import b64encode

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.faces.gateway.conftest import completion, piece

from jingwei.core.text import Both
from jingwei.faces.gateway import GatewaySettings, attempts
from jingwei.faces.gateway.attempts import Attempts
from jingwei.faces.gateway.breaker import Breaker
from jingwei.faces.gateway.refusal import Code, Refusal

A, B = "http://a/v1", "http://b/v1"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(attempts, "_FIRST_WAIT", 0.0)


class Time:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def settings(tmp_path, **more):
    return GatewaySettings(snapshot_path=tmp_path / "s.json", spool_path=tmp_path / "spool", **more)


class Servers:
    """Says for each server what happens next: an answer, or the code of a refusal."""

    def __init__(self, **planned):
        self.planned = {name: list(each) for name, each in planned.items()}
        self.asked = []

    async def ask(self, url):
        name = "a" if url == A else "b"
        self.asked.append(name)
        next_one = self.planned[name].pop(0)
        if isinstance(next_one, Refusal):
            raise next_one
        return next_one


def down(code=Code.UPSTREAM_DOWN, **more):
    return Refusal(code, status=400, **more)


def made(tries, servers):
    return asyncio.run(tries.made(A, servers.ask))


def test_a_server_that_cannot_be_reached_is_asked_twice_more(tmp_path):
    servers = Servers(a=[down(), down(Code.UPSTREAM_BUSY), "answer"])
    assert made(Attempts(settings(tmp_path)), servers) == "answer"
    servers = Servers(a=[down()] * 4)
    with pytest.raises(Refusal):
        made(Attempts(settings(tmp_path)), servers)
    assert servers.asked == ["a", "a", "a"]


@pytest.mark.parametrize(
    "code", [Code.UPSTREAM_SLOW, Code.UPSTREAM_REJECTED, Code.UPSTREAM_DENIED, Code.UPSTREAM_STOPPED]
)
def test_what_may_have_been_taken_is_not_sent_again(tmp_path, code):
    servers = Servers(a=[down(code), "answer"])
    with pytest.raises(Refusal):
        made(Attempts(settings(tmp_path)), servers)
    assert servers.asked == ["a"]


def test_a_fallback_of_the_same_model_is_asked_at_once(tmp_path):
    servers = Servers(a=[down(Code.UPSTREAM_SLOW)], b=["answer"])
    assert made(Attempts(settings(tmp_path, fallback_upstreams={A: (B,)})), servers) == "answer"
    assert servers.asked == ["a", "b"]


def test_a_request_that_is_wrong_goes_to_no_fallback(tmp_path):
    servers = Servers(a=[down(Code.UPSTREAM_REJECTED)], b=["answer"])
    with pytest.raises(Refusal):
        made(Attempts(settings(tmp_path, fallback_upstreams={A: (B,)})), servers)
    assert servers.asked == ["a"]


def test_a_server_that_wants_a_long_pause_is_not_waited_for(tmp_path):
    servers = Servers(a=[down(Code.UPSTREAM_BUSY, retry_seconds=30), "answer"])
    with pytest.raises(Refusal) as refused:
        made(Attempts(settings(tmp_path)), servers)
    assert refused.value.headers == {"retry-after": "30"}


def test_a_server_that_goes_on_failing_is_left_alone_and_people_are_told(tmp_path):
    told = Both(zh="请改用纸质登记表", en="Use the paper form")
    tries = Attempts(settings(tmp_path, breaker_failures=3, manual_fallback=told))
    servers = Servers(a=[down()] * 3)
    with pytest.raises(Refusal):
        made(tries, servers)
    with pytest.raises(Refusal) as refused:
        made(tries, servers)
    assert refused.value.code is Code.UPSTREAM_OPEN
    assert refused.value.message == told
    assert 0 < refused.value.retry_seconds <= 15
    assert len(servers.asked) == 3


def test_a_system_has_words_of_its_own_for_going_on_by_hand(tmp_path):
    general, own = Both(zh="请改用纸质登记表", en="Use the paper form"), Both(zh="请拨分机 1", en="Call extension 1")
    tries = Attempts(settings(tmp_path, breaker_failures=1, manual_fallback=general))
    with pytest.raises(Refusal):
        made(tries, Servers(a=[down()]))
    for given_words, told in ((own, own), (None, general)):
        with pytest.raises(Refusal) as refused:
            asyncio.run(tries.made(A, Servers(a=[]).ask, by_hand=given_words))
        assert refused.value.message == told


def test_an_open_server_is_passed_over_for_its_fallback(tmp_path):
    tries = Attempts(settings(tmp_path, breaker_failures=1, fallback_upstreams={A: (B,)}))
    servers = Servers(a=[down()], b=["one", "two"])
    assert made(tries, servers) == "one"
    assert made(tries, servers) == "two"
    assert servers.asked == ["a", "b", "b"]


def test_after_a_while_one_request_tries():
    time = Time()
    breaker = Breaker(2, 10, now=time)
    for _ in range(2):
        assert breaker.enter()
        breaker.failed()
    assert (breaker.state, breaker.enter()) == ("open", False)
    time.now += 10
    assert breaker.state == "half-open"
    assert breaker.enter()
    assert not breaker.enter()
    breaker.failed()
    assert breaker.state == "open"
    time.now += 10
    assert breaker.enter()
    breaker.left()  # the caller went away: somebody else may try
    assert breaker.enter()
    breaker.succeeded()
    assert breaker.state == "closed"
    assert breaker.enter()
    assert breaker.enter()


@given(st.lists(st.sampled_from(["ask", "ok", "fail", "leave", "wait"]), max_size=60))
def test_a_breaker_never_stays_shut_for_good(steps):
    time = Time()
    breaker = Breaker(2, 10, now=time)
    for step in steps:
        {"ask": breaker.enter, "ok": breaker.succeeded, "fail": breaker.failed, "leave": breaker.left,
         "wait": lambda: setattr(time, "now", time.now + 5)}[step]()  # fmt: skip
    breaker.left()
    time.now += 10
    assert breaker.enter()


def test_a_busy_server_is_asked_again_and_the_caller_never_knows(open_house):
    said = iter([429, 503])

    async def busy(_request):
        status = next(said, 200)
        return web.json_response(completion("The room is free.") if status == 200 else {}, status=status)

    open_house.model.hook = busy
    assert open_house.chat().content.startswith("The room is free.")
    assert len(open_house.model.seen) == 3


def test_a_caller_learns_how_to_go_on_without_the_model(open_house):
    url = f"http://127.0.0.1:{open_house.model_port}/v1"
    breaker = open_house.app._upstream._attempts.breakers.of(url)
    for _ in range(10):
        breaker.failed()
    try:
        reply = open_house.chat()
        assert (reply.status, reply.code) == (503, "upstream-open")
        assert "人工" in reply.json["error"]["zh"]
        assert "by hand" in reply.json["error"]["message"]
        assert int(reply.headers["retry-after"]) >= 1
        assert not open_house.model.seen
        assert open_house.events()[-1].reason == "upstream-open"
        assert open_house.events()[-1].kind == "upstream_failure"
    finally:
        breaker.succeeded()


@pytest.fixture
def dead_server(open_house):
    """A System whose server is down and left alone; gives a way to publish it."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))  # bound, and nobody listens
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
    breaker = open_house.app._upstream._attempts.breakers.of(url)
    for _ in range(10):
        breaker.failed()

    def publish(**policy):
        changed = open_house.policy.model_copy(update=policy)
        token = open_house.token(policy_digest=changed.digest)
        open_house.publish(open_house.served(upstream_url=url, policy=changed, release_token=token))
        return url

    yield publish
    bound.close()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_systems_own_words_reach_its_callers_in_every_dialect(open_house, dead_server, path, stream):
    dead_server(manual_fallback=Both(zh="请拨分机 1", en="Call extension 1"))
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    if path == "/v1/responses":
        body = {"model": "m", "input": "hi", "stream": stream}
    reply = open_house.call(path=path, body=body)
    assert (reply.status, reply.code) == (503, "upstream-open")
    assert (reply.json["error"]["message"], reply.json["error"]["zh"]) == ("Call extension 1", "请拨分机 1")
    assert int(reply.headers["retry-after"]) >= 1


@pytest.mark.parametrize("stream", [False, True])
def test_while_a_server_is_left_alone_its_second_answers(open_house, dead_server, monkeypatch, stream):
    url = dead_server()
    tries = open_house.app._upstream._attempts
    second = (f"http://127.0.0.1:{open_house.model_port}/v1",)
    monkeypatch.setattr(tries, "_settings", tries._settings.model_copy(update={"fallback_upstreams": {url: second}}))
    open_house.model.pieces = [piece({"content": "The room is free."}), piece({}, "stop")]
    reply = open_house.chat(stream=stream)
    assert (reply.streamed if stream else reply.content).startswith("The room is free.")
    assert tries.breakers.of(url).state == "open"


# Embeddings -------------------------------------------------------------------------------------------------------


def embed(house, given, answer=None, **more):
    async def vectors(_request):
        texts = house.model.seen[-1][1]["input"]
        data = [{"object": "embedding", "index": place, "embedding": [0.5, -1.0]} for place in range(len(texts))]
        usage = {"prompt_tokens": 4, "total_tokens": 4}
        return web.json_response(answer or {"object": "list", "data": data, "model": "secret words", "usage": usage})

    house.model.hook = vectors
    return house.call(path="/v1/embeddings", body={"model": "m", "input": given, **more})


@pytest.fixture
def embedding_house(open_house):
    return open_house


def test_texts_are_embedded_and_nothing_but_numbers_comes_back(embedding_house):
    reply = embed(embedding_house, ["one", "two"])
    assert reply.json == {
        "object": "list", "model": "m", "usage": {"prompt_tokens": 4, "total_tokens": 4},
        "data": [{"object": "embedding", "index": place, "embedding": [0.5, -1.0]} for place in range(2)],
    }  # fmt: skip


def test_a_text_that_may_not_leave_is_refused_and_recorded(embedding_house):
    reply = embed(embedding_house, ["hello", "关于飞鸟计划"])
    assert (reply.status, reply.code) == (400, "content-filter")
    assert reply.json["error"]["jingwei"]["decision"] == "block"
    assert not embedding_house.model.seen
    assert [each.kind for each in embedding_house.events()] == ["verdict", "refusal"]


@pytest.mark.parametrize("given", ["", [], [[1, 2]], [1, 2], ["a", ""], {"text": "a"}, None])
def test_what_no_guard_can_read_is_not_embedded(embedding_house, given):
    reply = embed(embedding_house, given)
    assert (reply.status, reply.code) == (400, "request-invalid")


@pytest.mark.parametrize("data", [
    None, [], [{"index": 0, "embedding": "words"}], [{"index": 0, "embedding": ["words"]}],
    [{"index": 1, "embedding": [1.0]}], [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}],
    [{"index": 0, "embedding": []}], [{"index": 0, "embedding": [True]}], ["words"],
])  # fmt: skip
def test_what_is_no_vector_does_not_leave(embedding_house, data):
    reply = embed(embedding_house, "a", answer={"data": data})
    assert (reply.status, reply.code) == (502, "upstream-garbage")


def test_packed_vectors_are_numbers_too(embedding_house):
    packed = b64encode(struct.pack("<2f", 0.5, 1.5)).decode()
    answer = {"data": [{"index": 0, "embedding": packed}]}
    assert embed(embedding_house, "a", answer, encoding_format="base64").json["data"][0]["embedding"] == packed
    hidden = b64encode(b"\x00\x00\xc0\x7f").decode()  # not a number
    answer = {"data": [{"index": 0, "embedding": hidden}]}
    assert embed(embedding_house, "a", answer, encoding_format="base64").code == "upstream-garbage"
    assert json.loads(embed(embedding_house, "a", encoding_format="hex").raw)["error"]["code"] == "request-invalid"
