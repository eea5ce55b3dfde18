"""The second check: rules of the trade hold whatever the model says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import InputError
from jingwei.core.policy import Decision, ExpertRule, Policy, ToolRule
from jingwei.core.text import Both
from jingwei.deploy.guard import Guard, StreamGuard, ToolCall, ToolContext
from jingwei.deploy.guard.expert import Experts
from jingwei.deploy.guard.policy_file import default_policy

SAYS = Both(zh="规则", en="rule")


def rule(must, **more):
    return ExpertRule(**{"id": "r", "title": SAYS, "must": must} | more)


def policy(*rules, **more):
    return default_policy().model_copy(update={"expert_rules": rules, **more})


def experts(*rules):
    return Experts(policy(*rules))


LOAD = rule("numbers.load <= 80", applies="'load' in answer", numbers={"load": "load {} %"}, decision=Decision.BLOCK)


@pytest.mark.parametrize(
    ("answer", "checked", "passed"),
    [
        ("The load 75 % is within limits", 1, 1),
        ("Set the load  95.5% and go on", 1, 0),
        ("the load is high", 1, 0),
        ("nothing to do with it", 0, 0),
        ("load -3 %", 1, 1),
    ],
)
def test_a_number_in_an_answer_is_read_and_held_against_its_rule(answer, checked, passed):
    outcome = experts(LOAD).check_answer(answer)
    assert (outcome.checked, outcome.passed) == (checked, passed)
    assert len(outcome.findings) == checked - passed


def test_an_answer_of_the_model_that_tells_its_confidence_is_held_to_it():
    sure = rule("confidence >= 0.9 and features.voltage == 'stable'")
    assert experts(sure).check_answer('{"confidence": 0.95, "features": {"voltage": "stable"}}').passed == 1
    assert experts(sure).check_answer('{"confidence": 0.5, "features": {"voltage": "stable"}}').passed == 0
    assert experts(sure).check_answer("I am quite sure").passed == 0


def test_words_that_an_answer_must_hold_or_must_not():
    told = experts(rule("'consult a doctor' in answer"), rule("'guaranteed' not in answer", id="s"))
    assert told.check_answer("Please consult a doctor first.").pass_rate == 1
    assert told.check_answer("A cure is guaranteed.").pass_rate == 0


def test_a_broken_rule_decides_as_it_says_and_an_answer_is_withheld():
    guard = Guard.load(policy(LOAD))
    verdict = guard.check("Set the load 95 % and go on.", role="assistant")
    assert (verdict.action, verdict.rule_ids) == (Decision.BLOCK, ("rule.r",))
    assert verdict.second_check.pass_rate == 0
    assert verdict.findings[0].control_ids == ("CAICT-ENE-08",)
    assert "rules of the trade" in verdict.safe_answer("en")
    assert guard.check("Set the load 95 % and go on.", role="user").second_check is None


def test_a_tool_call_is_held_against_its_rules_and_a_person_may_let_it_pass():
    limit = rule("arguments.megawatts <= 50", applies="action == 'switch'")
    guard = Guard.load(policy(limit, tools=(ToolRule(name="switch"), ToolRule(name="read"))))
    small, large = (ToolCall("switch", f'{{"megawatts": {each}}}') for each in (20, 90))
    assert guard.judge_call(small, ToolContext()).passes
    held = guard.judge_call(large, ToolContext())
    assert (held.verdict.decision, held.need, held.why) == (Decision.HOLD, "approval", "rule.r")
    assert guard.judge_call(large, ToolContext(approved=True)).passes
    assert guard.judge_call(ToolCall("read", "{}"), ToolContext()).verdict.second_check.pass_rate is None


def test_an_argument_that_is_missing_satisfies_nothing():
    outcome = experts(rule("arguments.megawatts <= 50")).check_call("switch", "{}")
    assert (outcome.checked, outcome.passed) == (1, 0)
    assert experts(rule("arguments.megawatts <= 50")).check_call("switch", "not json").passed == 0


def test_a_rule_that_blocks_is_not_lifted_by_an_approval():
    limit = rule("arguments.megawatts <= 50", decision=Decision.BLOCK)
    guard = Guard.load(policy(limit, tools=(ToolRule(name="switch"),)))
    assert not guard.judge_call(ToolCall("switch", '{"megawatts": 90}'), ToolContext(approved=True)).passes


@pytest.mark.parametrize("template", ["load", "{} to {}", ""])
def test_a_template_names_one_number(template):
    with pytest.raises(InputError):
        experts(rule("numbers.x < 3", numbers={"x": template}))


@given(st.text(max_size=300))
def test_any_answer_can_be_checked(answer):
    outcome = experts(LOAD, rule("confidence > 0.5", id="s")).check_answer(answer)
    assert 0 <= outcome.passed <= outcome.checked
    assert len(outcome.findings) == outcome.checked - outcome.passed


@given(st.text(max_size=300))
def test_any_arguments_can_be_checked(arguments):
    assert experts(rule("arguments.x == 1")).check_call("t", arguments).checked == 1


def test_a_policy_without_expert_rules_has_no_second_check():
    assert not Experts(Policy(system_id="s", grade=1, rules=(), safe_answer=SAYS))


@pytest.mark.parametrize("size", [1, 7, 200])
def test_of_a_streamed_answer_that_breaks_a_rule_nothing_leaves(size):
    stream = StreamGuard(Guard.load(policy(LOAD)))
    answer = "The station is ready. Set the load 95 % and go on. Then report."
    said = [stream.feed(answer[start : start + size]).text for start in range(0, len(answer), size)]
    last = stream.finish()
    assert ("".join(said), last.text, last.blocked) == ("", "", True)
    assert stream.verdict().rule_ids == ("rule.r",)
    assert stream.verdict().second_check.pass_rate == 0


def test_a_streamed_answer_that_keeps_its_rules_leaves_whole():
    stream = StreamGuard(Guard.load(policy(LOAD)))
    answer = "Set the load 75 % and go on. Then report."
    assert stream.feed(answer).text + stream.finish().text == answer
    assert stream.verdict().second_check.pass_rate == 1


def test_a_changed_definition_stays_held_whatever_the_rules_say():
    limit = rule("arguments.megawatts <= 50")
    guard = Guard.load(policy(limit, tools=(ToolRule(name="switch", pinned="another"),)))
    for megawatts in (20, 90):
        held = guard.judge_call(ToolCall("switch", f'{{"megawatts": {megawatts}}}'), ToolContext())
        assert (held.verdict.decision, held.need) == (Decision.HOLD, "")
