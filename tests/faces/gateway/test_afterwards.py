"""What a model need not see, what a candidate would decide, and what is kept of the traffic: none of it in the way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faces.gateway.conftest import KEY, completion, piece

from jingwei.core.event import EventKind
from jingwei.core.policy import Category, CategoryRule, Decision, Effect, Policy
from jingwei.core.proof import Prover
from jingwei.core.recording import read_recordings
from jingwei.deploy.guard.policy_file import default_policy
from jingwei.detect.vault import RestoringStream, Vault
from jingwei.faces.gateway.restoring import Restoring, Vaults
from jingwei.faces.gateway.wire import Answer
from jingwei.platform.replay import Judges

PHONE = "13800138000"
ASKED = f"请给 {PHONE} 打电话，然后告诉我结果"


def policy(house, **changes):
    base = default_policy()
    named = {name: getattr(base, name) for name in Policy.model_fields}
    tools = house.policy.tools
    return Policy.model_validate({**named, "system_id": "sys_1", "tools": tools, "explicit_label": None, **changes})


def serve(house, shadow=None, **changes):
    enforced = policy(house, **changes)
    old, house.policy = house.policy, enforced
    try:
        house.publish(house.served(shadow=shadow))
    finally:
        house.policy = old
    return enforced


def settled(house):
    async def on_disk():
        await house.app._books.afterwards.settle()
        journal = house.app._journal
        for batch in (journal._writing, journal._gathering):
            if batch and batch.lines:
                await journal.settled(batch)

    house.run(on_disk())


def asked(house):
    return house.model.seen[-1][1]["messages"][-1]["content"]


# Restoring --------------------------------------------------------------------------------------------------------


def echo(house, template):
    """Let the model answer with what it was given in place of the number."""

    async def hook(request):
        given = house.model.seen[-1][1]
        name = given["messages"][-1]["content"].split("给 ")[1].split(" 打")[0]
        if not given.get("stream"):
            return await house.model.inner(request, completion(template.format(name)))
        pieces = [piece({"content": character}) for character in template.format(name)]
        lines = [json.dumps(each, ensure_ascii=False) for each in [*pieces, piece({}, "stop")]]
        return await house.model.send(request, [*lines, "[DONE]"])

    async def inner(_request, answer):
        from aiohttp import web

        return web.json_response(answer)

    house.model.inner = inner
    house.model.hook = hook


@pytest.mark.parametrize("stream", [False, True])
def test_the_model_sees_a_placeholder_and_the_caller_the_number(open_house, stream):
    serve(open_house, restore_personal_data=True)
    echo(open_house, "已给 {} 打过电话。")
    reply = open_house.chat(ASKED, stream=stream)
    assert PHONE not in asked(open_house)
    assert "_1]" in asked(open_house)
    assert (reply.streamed if stream else reply.content) == f"已给 {PHONE} 打过电话。"
    if stream:
        assert reply.finishes == ["stop"]


def test_what_the_policy_redacts_is_still_restored(open_house):
    rules = [*policy(open_house).rules, CategoryRule(category=Category.PII, inbound=Decision.REDACT)]
    rules = [each for each in rules if each.category is not Category.PII] + rules[-1:]
    serve(open_house, restore_personal_data=True, rules=tuple(rules))
    echo(open_house, "已给 {} 打过电话。")
    assert open_house.chat(ASKED).content == f"已给 {PHONE} 打过电话。"


def test_a_tool_is_called_with_the_number_itself(open_house):
    serve(open_house, restore_personal_data=True)
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"query": "[手机号_1]"}'}}
    open_house.model.answer = completion(None, tool_calls=[call])
    reply = open_house.chat(ASKED)
    name = asked(open_house).split("给 ")[1].split(" 打")[0]
    call["function"]["arguments"] = json.dumps({"query": name})
    reply = open_house.chat(ASKED)
    (made,) = reply.json["choices"][0]["message"]["tool_calls"]
    assert json.loads(made["function"]["arguments"]) == {"query": PHONE}


def test_another_dialect_is_restored_as_well(open_house):
    serve(open_house, restore_personal_data=True)
    echo(open_house, "已给 {} 打过电话。")
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": ASKED}]}
    reply = open_house.call(path="/v1/messages", body=body, key=None, headers={"x-api-key": KEY})
    assert reply.json["content"][0]["text"] == f"已给 {PHONE} 打过电话。"


def test_a_placeholder_that_a_caller_writes_gets_nobody_elses_number(open_house):
    serve(open_house, restore_personal_data=True)
    echo(open_house, "{}")
    open_house.chat(ASKED, headers={"Jingwei-Session": "s1"})
    name = asked(open_house).split("给 ")[1].split(" 打")[0]
    open_house.model.hook = None
    open_house.model.answer = completion(f"{name}")
    assert PHONE not in open_house.chat("hello", headers={"Jingwei-Session": "s2"}).content
    assert PHONE not in open_house.chat("hello").content
    assert PHONE in open_house.chat("hello", headers={"Jingwei-Session": "s1"}).content


def test_sessions_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("jingwei.faces.gateway.restoring.MOST_SESSIONS", 2)
    vaults = Vaults()
    first = vaults.of("k", "1")
    assert vaults.of("k", "1") is first
    vaults.of("k", "2")
    vaults.of("k", "3")
    assert vaults.of("k", "1") is not first
    assert vaults.of("k", "") is not vaults.of("k", "")


@given(st.lists(st.integers(1, 9), max_size=20), st.booleans())
def test_a_stream_is_restored_wherever_it_is_cut(cuts, ends):
    vault = Vault()
    name = vault.conceal(PHONE, list(_phone(PHONE)))
    text = f"ab{name}cd [x] {name}{'' if ends else '。'}"
    parts, at = [], 0
    for cut in cuts:
        parts.append(text[at : at + cut])
        at += cut
    parts.append(text[at:])
    sent = []

    async def send(message):
        sent.append(message.get("body", b""))

    answer = Restoring(Answer(send, "r"), vault)
    lines = [piece({"content": each}) for each in parts if each] + [piece({}, "stop")]
    coroutine = _all(answer, [*(f"data: {json.dumps(each)}\n\n".encode() for each in lines), b"data: [DONE]\n\n"])
    with pytest.raises(StopIteration):
        coroutine.send(None)
    told = [json.loads(each[6:]) for each in b"".join(sent).decode().split("\n\n") if each and "[DONE]" not in each]
    said = "".join(choice["delta"].get("content", "") for chunk in told for choice in chunk["choices"])
    assert said == text.replace(name, PHONE)
    assert told[-1]["choices"][0]["finish_reason"] == "stop"
    assert RestoringStream(vault).feed(name) == PHONE


async def _all(answer, lines):
    for each in lines:
        await answer.piece(each)


def _phone(text):
    from jingwei.detect import Bundle

    return Bundle.build().detectors[Category.PII](text)


# Shadow -----------------------------------------------------------------------------------------------------------


def test_a_candidate_is_judged_beside_and_changes_nothing(open_house):
    candidate = policy(open_house, words=("房间",))
    enforced = serve(open_house, shadow=candidate)
    open_house.model.answer = completion("可以。")
    assert open_house.chat("这个房间空吗").content == "可以。"
    settled(open_house)
    shadows = [each for each in open_house.events() if each.kind is EventKind.SHADOW]
    assert [(each.direction, each.decision, each.details["enforced"]) for each in shadows] == [
        ("inbound", Decision.BLOCK, "allow"), ("outbound", Decision.ALLOW, "allow"),
    ]  # fmt: skip
    assert {each.policy_digest for each in shadows} == {candidate.digest}
    verdicts = [each for each in open_house.events() if each.kind is EventKind.VERDICT]
    assert {each.policy_digest for each in verdicts} == {enforced.digest}


def test_a_stream_is_judged_by_the_candidate_too(open_house):
    serve(open_house, shadow=policy(open_house, words=("房间",)))
    open_house.model.pieces = [piece({"content": "这个房"}), piece({"content": "间空着"}), piece({}, "stop")]
    assert open_house.chat("空吗", stream=True).streamed == "这个房间空着"
    settled(open_house)
    shadows = [each for each in open_house.events() if each.kind is EventKind.SHADOW]
    assert [each.decision for each in shadows] == [Decision.ALLOW, Decision.BLOCK]


def test_what_is_too_much_is_dropped_and_counted(open_house, monkeypatch):
    serve(open_house, shadow=policy(open_house, words=("房间",)))
    monkeypatch.setattr("jingwei.faces.gateway.afterwards.MOST_WAITING", 0)
    before = open_house.app._books.afterwards.dropped
    assert open_house.chat("空吗").status == 200
    settled(open_house)
    assert open_house.app._books.afterwards.dropped == before + 1


def test_without_a_candidate_or_a_share_no_text_is_kept(open_house):
    serve(open_house)
    open_house.chat("这个房间空吗")
    settled(open_house)
    assert not [each for each in open_house.events() if each.kind is EventKind.SHADOW]
    assert not list(read_recordings(open_house.folder / "recordings", system_id="sys_none"))


# Recording --------------------------------------------------------------------------------------------------------


def test_a_share_of_the_traffic_is_kept_without_its_personal_data(open_house):
    serve(open_house, record_share=1.0)
    open_house.model.answer = completion("好的。")
    open_house.chat(ASKED)
    settled(open_house)
    found = [each for each in read_recordings(open_house.folder / "recordings") if "打电话" in each.text]
    (inbound,) = [each for each in found if each.direction == "inbound"]
    assert PHONE not in inbound.text
    assert inbound.role == "user"
    assert {hit.category for hit in inbound.hits} == {Category.PII}
    assert inbound.system_id == "sys_1"
    texts = [each for each in read_recordings(open_house.folder / "recordings") if each.direction == "outbound"]
    assert "好的。" in {each.text for each in texts}
    raw = b"".join(each.read_bytes() for each in (open_house.folder / "recordings").iterdir())
    assert PHONE.encode() not in raw


def test_a_check_run_is_neither_recorded_nor_shadowed(open_house, caller):
    written = open_house.assessment(caller, id="tok_9", run_id="run_9")
    shadow = policy(open_house, words=("房间",))
    open_house.publish(
        open_house.served(status="assessed", release_token=None, assessment_tokens=(written,), shadow=shadow)
    )
    body = {"messages": [{"role": "user", "content": "这个房间空吗"}]}
    assert open_house.assess(written, Prover("tok_9", caller), body=body).status == 200
    settled(open_house)
    assert not [each for each in open_house.events() if each.kind is EventKind.SHADOW]


# Tool calls -------------------------------------------------------------------------------------------------------


def wants(house, name="search", **arguments):
    """Let the model call a tool, whole or streamed."""
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    house.model.answer = completion(None, tool_calls=[call])
    house.model.pieces = [piece({"tool_calls": [{"index": 0, **call}]}), piece({}, "tool_calls")]


def shadows_of_tools(house):
    settled(house)
    return [each for each in house.events() if each.kind is EventKind.SHADOW and each.direction == "tool"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_candidate_decides_on_tool_calls_beside_and_changes_nothing(open_house, stream):
    pay, search = open_house.policy.tools
    candidate = policy(open_house, tools=(search.model_copy(update={"arguments": 'query == "free rooms"'}), pay))
    serve(open_house, shadow=candidate)
    wants(open_house, query="all rooms")
    reply = open_house.chat("hello", stream=stream)
    assert "all rooms" in reply.raw.decode()
    (event,) = shadows_of_tools(open_house)
    assert (event.decision, event.details["enforced"], event.tool) == (Decision.BLOCK, "allow", "search")
    assert event.rule_ids == ("tool.arguments-refused",)
    assert event.policy_digest == candidate.digest


def test_a_candidate_that_asks_for_less_says_so_of_a_held_call(open_house):
    pay, search = open_house.policy.tools
    candidate = policy(
        open_house, tools=(search, pay.model_copy(update={"effect": Effect.READ_ONLY, "needs_person": False}))
    )
    serve(open_house, shadow=candidate)
    wants(open_house, "pay", amount=3)
    assert open_house.chat("hello").json["jingwei"]["decision"] == "hold"
    (event,) = shadows_of_tools(open_house)
    assert (event.decision, event.details["enforced"], event.tool) == (Decision.ALLOW, "hold", "pay")


def test_no_event_names_a_tool_by_the_models_own_words(open_house):
    serve(open_house, shadow=policy(open_house, words=("房间",)))
    wants(open_house, f"call {PHONE}")
    open_house.chat("hello")
    (event,) = shadows_of_tools(open_house)
    assert PHONE not in event.model_dump_json()


def test_a_tool_call_is_recorded_without_its_personal_data_and_replays(open_house):
    enforced = serve(open_house, record_share=1.0)
    wants(open_house, query=f"rooms for {PHONE}", guests=[{"phone": int(PHONE)}])
    open_house.chat("hello")
    settled(open_house)
    found = [each for each in read_recordings(open_house.folder / "recordings") if each.tool == "search"]
    (call,) = [each for each in found if each.policy_digest == enforced.digest]
    assert (call.direction, call.role, call.server, call.cut) == ("tool", "assistant", "", False)
    assert PHONE not in call.text
    assert set(json.loads(call.text)) == {"query", "guests"}
    assert {hit.category for hit in call.hits} == {Category.PII}
    candidate = policy(open_house, tools=())
    (row,) = [each for each in Judges.of(enforced, candidate).counted([call]).rows.items() if each[0] == ("tool", "")]
    assert row[1]["newly_stopped"] == 1


@pytest.mark.parametrize("arguments", ["{", '{"a": 1, "a": 2}', json.dumps({PHONE: "x"}), "[" * 900 + "]" * 900])
def test_arguments_that_cannot_be_redacted_are_not_recorded(open_house, arguments):
    serve(open_house, record_share=1.0)
    before = [each.id for each in read_recordings(open_house.folder / "recordings") if each.tool]
    wants(open_house)
    open_house.model.answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = arguments
    open_house.chat("hello")
    settled(open_house)
    assert [each.id for each in read_recordings(open_house.folder / "recordings") if each.tool] == before
    raw = b"".join(each.read_bytes() for each in (open_house.folder / "recordings").iterdir())
    assert PHONE.encode() not in raw
