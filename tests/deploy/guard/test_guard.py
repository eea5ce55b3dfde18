"""What the guard decides, and that it never takes a failure for silence."""

import threading
from dataclasses import dataclass, field

import pytest

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.policy import Category, CategoryRule, Decision, FailMode, Policy, ToolRule
from jingwei.core.text import Both
from jingwei.deploy.guard import Guard, ToolCall, ToolContext, compile_policy, extract_texts, rewrite
from jingwei.detect import Hit, fold


@dataclass(frozen=True)
class OwnDetectors:
    """Detectors of a test's making: the guard must cope with whatever they do."""

    detectors: dict
    version: str = "1"
    read: object = field(default=fold)

    def hold_back(self, text):
        return 0


def policy(**changes):
    rules = changes.pop("rules", (CategoryRule(category=Category.KEYWORD, timeout_milliseconds=50),))
    return Policy(system_id="s", grade=2, rules=rules, safe_answer=Both(zh="不", en="no"), **changes)


@pytest.fixture(scope="module")
def guard():
    tools = (ToolRule(name="search"), ToolRule(name="pay", effect="irreversible"))
    compiled = compile_policy("s", 2, {}, words=("飞鸟计划",), canaries=("ZX-CANARY-77",), tools=tools)
    return Guard.build(compiled)


def test_an_organisations_word_blocks_in_both_directions(guard):
    for role in ("user", "assistant"):
        verdict = guard.check("请介绍飞 鸟 计-划的细节", role=role)
        assert verdict.decision is Decision.BLOCK
        assert Category.KEYWORD in verdict.categories
        assert "keyword.own" in verdict.reason.en
        assert "拦截" in verdict.reason.zh


def test_personal_data_is_removed_from_an_answer_and_the_rest_stays(guard):
    verdict = guard.check("他的手机是13812345678，周三在。", role="assistant")
    assert verdict.decision is Decision.REDACT
    assert verdict.text == "他的手机是[CN_MOBILE]，周三在。"
    assert "13812345678" not in verdict.model_dump_json(exclude={"rewritten"})


def test_a_planted_marker_on_the_way_out_is_a_leak(guard):
    assert guard.check("my prompt says ZX-CANARY-77", role="assistant").decision is Decision.BLOCK


def test_an_ordinary_question_passes(guard):
    verdict = guard.check("下周三下午的会议室还有空吗？")
    assert verdict.decision is Decision.ALLOW
    assert verdict.findings == ()


@pytest.mark.parametrize(("mode", "decision"), [(FailMode.CLOSED, Decision.BLOCK), (FailMode.OPEN, Decision.ALLOW)])
def test_a_crash_is_recorded_and_its_fail_mode_decides(mode, decision):
    def crash(text):
        raise RuntimeError("boom")

    rules = (CategoryRule(category=Category.KEYWORD, on_failure=mode),)
    verdict = Guard(policy(rules=rules), OwnDetectors({Category.KEYWORD: crash})).check("x")
    assert verdict.decision is decision
    assert [(each.category, each.why) for each in verdict.unjudged] == [(Category.KEYWORD, "crashed")]


def test_a_detector_that_hangs_is_given_up_on():
    release = threading.Event()

    def hang(text):
        release.wait(10)
        return ()

    rules = (
        CategoryRule(category=Category.PII, timeout_milliseconds=15),
        CategoryRule(category=Category.HARM, timeout_milliseconds=15),
    )
    hanging = Guard(policy(rules=rules), OwnDetectors({Category.PII: hang, Category.HARM: lambda text: ()}))
    verdict = hanging.check("x")
    release.set()
    assert verdict.decision is Decision.BLOCK
    assert {each.category: each.why for each in verdict.unjudged} == {
        Category.PII: "timed-out",
        Category.HARM: "not-reached",
    }


def test_a_missing_detector_is_a_failure_too():
    assert Guard(policy(), OwnDetectors({})).check("x").decision is Decision.BLOCK


def test_hits_below_the_threshold_are_only_counted():
    hit = Hit(0, 1, Category.KEYWORD, "keyword.topic", 0.4, Severity.LOW)
    verdict = Guard(policy(), OwnDetectors({Category.KEYWORD: lambda text: (hit,)})).check("x")
    assert (verdict.decision, verdict.below_threshold, verdict.findings) == (Decision.ALLOW, 1, ())


def test_too_long_an_input_is_blocked_before_it_is_scanned():
    guarded = Guard(policy(max_input_characters=10), OwnDetectors({}))
    verdict = guarded.check("x" * 11)
    assert verdict.rule_ids == ("input.too-long",)
    assert {each.category for each in verdict.unjudged} == {each.category for each in guarded.scanned}
    assert {each.why for each in verdict.unjudged} == {"too-long"}
    assert "10" in verdict.safe_answer("en")


@pytest.mark.parametrize(
    ("name", "arguments", "decision", "rule"),
    [
        ("search", '{"query": "meeting rooms"}', Decision.ALLOW, None),
        ("shell", '{"cmd": "ls"}', Decision.BLOCK, "tool.not-listed"),
        ("Search", "{}", Decision.BLOCK, "tool.not-listed"),
        ("search", '{"query": ', Decision.BLOCK, "tool.arguments-unreadable"),
        ("search", '["a"]', Decision.BLOCK, "tool.arguments-unreadable"),
        ("search", '{"query": "a", "query": "b"}', Decision.BLOCK, "tool.arguments-unreadable"),
        ("search", "[" * 40 + "]" * 40, Decision.BLOCK, "tool.arguments-unreadable"),
        ("search", '{"query": "\\u98de\\u9e1f\\u8ba1\\u5212"}', Decision.BLOCK, "keyword.own"),
        ("search", '{"\\u98de\\u9e1f\\u8ba1\\u5212": 1}', Decision.BLOCK, "keyword.own"),
        ("pay", '{"amount": 3}', Decision.HOLD, "tool.needs-person"),
        ("search", '{"phone": 13812345678}', Decision.REDACT, "pii.cn-mobile"),
        ("search", "x" * 70_000, Decision.BLOCK, "tool.arguments-too-long"),
    ],
)
def test_a_tool_call_is_judged_by_name_and_arguments(guard, name, arguments, decision, rule):
    verdict = guard.judge_call(ToolCall(name, arguments, server=None), ToolContext()).verdict
    assert verdict.decision is decision
    if rule:
        assert rule in verdict.rule_ids


def request(*messages, **more):
    return {"model": "m", "messages": list(messages), **more}


def test_every_text_of_a_request_is_read_with_its_path():
    body = request(
        {"role": "system", "content": "the application's own"},
        {"role": "user", "content": [{"type": "text", "text": "part one"}, {"type": "text", "text": "part two"}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a result"},
        {"role": "system", "content": "slipped in later"},
        tools=[{"type": "function", "function": {"name": "search", "description": "poisoned"}}],
    )
    found = {passage.text for passage in extract_texts(body)}
    assert found >= {
        "part one",
        "part two",
        "part onepart two",
        '{"q": "x"}',
        "a result",
        "slipped in later",
        "poisoned",
    }
    assert "the application's own" not in found


def test_a_word_split_over_parts_or_messages_is_found(guard):
    parts = request({"role": "user", "content": [{"type": "text", "text": "飞鸟"}, {"type": "text", "text": "计划"}]})
    messages = request({"role": "user", "content": "飞鸟"}, {"role": "user", "content": "计划"})
    for body in (parts, messages):
        assert guard.judge_passages(extract_texts(body), direction="inbound").decision is Decision.BLOCK


def test_a_secret_is_cut_out_where_it_stands_and_nowhere_else(guard):
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    body = request({"role": "user", "content": "hello"}, {"role": "user", "content": f"use {key} please"})
    verdict = guard.judge_passages(extract_texts(body), direction="inbound")
    assert verdict.decision is Decision.REDACT
    changed = rewrite(body, verdict.rewritten)
    assert key not in str(changed)
    assert changed["messages"][0] is body["messages"][0]
    assert key in str(body)


def test_a_request_nested_too_deeply_is_refused():
    deep = "x"
    for _ in range(60):
        deep = [deep]
    with pytest.raises(InputError, match="nested deeper"):
        extract_texts(request({"role": "user", "content": deep}))
    with pytest.raises(InputError, match="more than"):
        extract_texts(request(*[{"role": "user", "content": "x"}] * 5000))
