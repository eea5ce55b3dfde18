"""What a model's server could say past the guard, and what happens when the guard or the disk gives way."""

import errno
import json
import os

import pytest
from aiohttp import web
from tests.faces.gateway.conftest import completion, piece

from jingwei.core.event import EventKind
from jingwei.core.policy import Category
from jingwei.core.spool import SpoolWriter, drain

CANARY = "ZX-CANARY-77"
WORD = "飞鸟计划"
SECRETS = {
    "canary": CANARY,
    "word": WORD,
    "mobile": "13812345678",
    "key": "AKIAIOSFODNN7EXAMPLE",
    "word with a zero-width space": "飞\u200b鸟\u200b计\u200b划",
    "fullwidth canary": "ＺＸ－ＣＡＮＡＲＹ－７７",
}


def cut(text, size):
    return [text[start : start + size] for start in range(0, len(text), size)]


def leaks(reply, secret):
    """Tell whether a reply holds a secret, in any channel, put together as a client would."""
    channels = {}
    for chunk in reply.chunks:
        for choice in chunk.get("choices", []):
            for name, value in _texts(choice.get("delta", {})):
                key = (choice.get("index"), name)
                channels[key] = channels.get(key, "") + value
    whole = [*channels.values(), reply.raw.decode(), json.dumps(reply.chunks, ensure_ascii=False)]
    return any(secret in each for each in whole)


def _texts(value, name=""):
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{name}.{key}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _texts(each, f"{name}[{place}]")


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("channel", ["content", "reasoning_content", "refusal", "reasoning"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_cut_over_pieces_leaves_by_no_channel(open_house, secret, channel, size):
    said = f"Well then: {secret} and so on, until the end of the line."
    open_house.model.pieces = [*(piece({channel: each}) for each in cut(said, size)), piece({}, "stop")]
    assert not leaks(open_house.chat(stream=True), secret)


def test_a_secret_leaves_by_no_second_choice_and_in_no_tool_call(open_house):
    open_house.model.pieces = [
        piece({"content": "Fine so far."}), piece({"content": CANARY[:6]}, index=1), piece({"content": CANARY[6:]}, index=1),
        piece({}, "stop"), piece({}, "stop", index=1),
    ]  # fmt: skip
    assert not leaks(open_house.chat(stream=True, n=2), CANARY)
    call = {"index": 0, "id": "c", "function": {"name": "search", "arguments": '{"q": "'}}
    more = [{"index": 0, "function": {"arguments": each}} for each in [*cut(CANARY, 3), '"}']]
    open_house.model.pieces = [*(piece({"tool_calls": [each]}) for each in [call, *more]), piece({}, "tool_calls")]
    assert not leaks(open_house.chat(stream=True), CANARY)


STRANGE = {
    "id": {"id": CANARY}, "model": {"model": f"small {CANARY}"}, "fingerprint": {"system_fingerprint": CANARY},
    "usage": {"usage": {"note": CANARY}}, "usage name": {"usage": {CANARY: 1}}, "timings": {"timings": [CANARY]},
    "unknown": {"debug": CANARY}, "created": {"created": CANARY}, "object": {"object": CANARY},
    "tier": {"service_tier": CANARY}, "deep usage": {"usage": {"details": {"a": {"b": CANARY}}}},
}  # fmt: skip


@pytest.mark.parametrize("extra", STRANGE.values(), ids=STRANGE)
def test_nothing_leaves_beside_the_text(open_house, extra):
    open_house.model.answer = completion("The room is free.") | extra
    whole = open_house.chat()
    assert whole.status == 200
    assert CANARY not in whole.raw.decode()
    open_house.model.pieces = [
        piece({"content": "Fine."}) | extra, piece({}, "stop") | extra, {"choices": [], **extra},
    ]  # fmt: skip
    assert not leaks(open_house.chat(stream=True), CANARY)


def test_nothing_leaves_in_probabilities_or_unknown_parts_of_a_choice(open_house):
    spoken = completion("The room is free.")
    spoken["choices"][0] |= {"logprobs": {"content": [{"token": CANARY}]}, "note": CANARY}
    spoken["choices"][0]["message"]["audio"] = {"transcript": CANARY}
    open_house.model.answer = spoken
    assert CANARY not in open_house.chat().raw.decode()
    odd = piece({"content": "Fine.", "audio": {"transcript": CANARY}})
    odd["choices"][0] |= {"logprobs": {"content": [{"token": CANARY}]}, "text": CANARY}
    open_house.model.pieces = [odd, piece({}, "stop")]
    assert not leaks(open_house.chat(stream=True), CANARY)


@pytest.mark.parametrize(
    "delta", [[{"content": CANARY}], {"content": [{"text": CANARY}]}, CANARY, {"content": {"a": CANARY}}]
)
def test_an_answer_of_another_shape_is_refused(open_house, delta):
    open_house.model.pieces = [piece(delta), piece({}, "stop")]
    assert not leaks_anything(open_house.chat(stream=True))


def leaks_anything(reply):
    return CANARY in reply.raw.decode()


def test_a_key_given_twice_has_one_meaning_on_its_way_out_too(open_house):
    delta = '{"content":"' + CANARY + '","content":"ok"}'
    twice = '{"id":"c1","choices":[{"index":0,"delta":' + delta + ',"finish_reason":null}]}'

    async def hook(request):
        return await open_house.model.send(request, [twice, json.dumps(piece({}, "stop")), "[DONE]"])

    open_house.model.hook = hook
    assert not leaks_anything(open_house.chat(stream=True))


def test_a_failed_detector_blocks_and_is_an_event(open_house, monkeypatch):
    guard = next(iter(open_house.app._serving._guards.values())).guard

    def crash(_text):
        raise ZeroDivisionError

    broken = {**guard.bundle.detectors, Category.SECRET: crash}
    monkeypatch.setattr(type(guard.bundle), "detectors", property(lambda _self: broken), raising=False)
    open_house.model.pieces = [piece({"content": "Good morning."}), piece({}, "stop")]
    for stream in (False, True):
        open_house.clear()
        reply = open_house.chat(stream=stream)
        assert "Good morning" not in reply.raw.decode()
        assert "The room is free" not in reply.raw.decode()
        kinds = [event.kind for event in open_house.events()]
        assert EventKind.DETECTOR_FAILURE in kinds
        assert EventKind.VERDICT in kinds


@pytest.mark.parametrize("stream", [False, True])
def test_with_a_full_disk_nothing_of_an_answer_leaves(open_house, monkeypatch, stream):
    open_house.model.pieces = [*(piece({"content": f"word {n} "}) for n in range(50)), piece({}, "stop")]

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("jingwei.core.spool.os.write", full)
    reply = open_house.chat(stream=stream)
    assert (reply.status, reply.code) == (503, "spool-unwritable")
    assert "word" not in reply.raw.decode()


def test_an_event_that_only_partly_fits_on_the_disk_does_not_count_as_written(open_house, monkeypatch):
    write, room = os.write, [40]

    def nearly_full(descriptor, content):
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = write(descriptor, bytes(content)[: room[0]])
        room[0] -= taken
        return taken

    monkeypatch.setattr("jingwei.core.spool.os.write", nearly_full)
    assert open_house.chat().code == "spool-unwritable"
    monkeypatch.undo()
    assert all(event.kind is not EventKind.VERDICT for event in open_house.events())


def test_a_snapshot_that_cannot_be_read_stops_serving_once_it_is_stale(open_house, monkeypatch):
    open_house.clear()
    monkeypatch.setattr(
        open_house.app._serving, "_clock", lambda: open_house.app._serving._snapshot.at.replace(year=2100)
    )
    assert (open_house.chat().status, open_house.chat().code) == (503, "snapshot-stale")


@pytest.mark.parametrize("depth", [1_000, 90_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_body_nested_without_end_is_refused(open_house, depth, opening):
    for path in ("/v1/chat/completions", "/jingwei/evaluate"):
        raw = b'{"messages":' + opening.encode() * min(depth, 190_000 // len(opening))
        assert open_house.call(path=path, raw=raw).status in {400, 422}
    closing = {"[": "]", '{"a":': "}"}[opening]
    nested = opening * 900 + "1" + closing * 900
    reply = open_house.call(
        raw=f'{{"messages":[{{"role":"user","content":"hi"}}],"metadata":{{"a":{nested}}}}}'.encode()
    )
    assert reply.status in {400, 422}


def test_a_model_that_answers_with_endless_nesting_is_refused(open_house):
    async def hook(_request):
        return web.Response(body=b'{"choices":' + b"[" * 100_000, content_type="application/json")

    open_house.model.hook = hook
    assert open_house.chat().code == "upstream-garbage"


@pytest.mark.parametrize("line", [
    b"null", b"[]", b"{}", b'{"id":NaN}', b"\xff\xfe", b'{"latency_milliseconds":NaN}', b"[" * 100_000,
])  # fmt: skip
def test_a_forged_spool_segment_is_set_aside_and_the_rest_is_taken(tmp_path, line):
    tmp_path.joinpath("1-1.000000-1.jsonl").write_bytes(line + b"\n")
    taken = []
    drained = drain(tmp_path, taken.append)
    assert (drained.refused, taken) == (("1-1.000000-1.jsonl",), [])


def test_a_pipe_a_folder_or_a_link_in_the_spool_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "1-1.000000-1.jsonl")
    (tmp_path / "2-1.000000-1.jsonl").mkdir()
    (tmp_path / "3-1.000000-1.jsonl").symlink_to("/etc/passwd")
    assert drain(tmp_path, lambda _: pytest.fail("nothing is to be taken")).segments == 0


def test_an_event_that_is_no_number_is_set_aside(tmp_path, open_house):
    open_house.chat()
    event = open_house.events()[0]
    writer = SpoolWriter(tmp_path)
    writer.write([event])
    writer.close()
    [path] = tmp_path.iterdir()
    forged = path.read_bytes().replace(b'"latency_milliseconds":', b'"latency_milliseconds":NaN,"x":')
    path.unlink()
    (tmp_path / "9-1.000000-1.jsonl").write_bytes(forged)
    assert drain(tmp_path, lambda _: pytest.fail("nothing is to be taken")).refused
