"""From a grade to a policy: a higher grade is never weaker, nor is a worse fact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import InputError
from jingwei.core.policy import Category, Decision, FailMode, Policy, ToolRule
from jingwei.deploy.guard import Enforced, compile_policy, weaker_points

FACTS = {
    "personal_info": ("none", "general", "sensitive"),
    "important_data": ("none", "important", "core"),
    "public_facing": ("no", "internal_only_staff", "partners", "public"),
    "minors": ("excluded", "possible", "targeted"),
    "tools": ("none", "read_only", "reversible_write", "irreversible"),
}
facts = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FACTS.items()})
tools = st.lists(
    st.builds(
        ToolRule,
        name=st.sampled_from(["a", "b", "c"]),
        effect=st.sampled_from(["read_only", "reversible_write", "irreversible"]),
        needs_person=st.booleans(),
    ),
    unique_by=lambda tool: tool.name,
)


def enforced(grade, given_facts, given_tools):
    return Enforced.of(compile_policy("s", grade, given_facts, tools=given_tools))


@given(st.integers(1, 5), st.integers(1, 5), facts, tools)
def test_a_higher_grade_is_never_weaker(one, other, given_facts, given_tools):
    low, high = sorted((one, other))
    assert weaker_points(enforced(high, given_facts, given_tools), enforced(low, given_facts, given_tools)) == ()


@given(st.integers(1, 5), facts, tools)
def test_a_fact_only_raises(grade, given_facts, given_tools):
    assert weaker_points(enforced(grade, given_facts, given_tools), enforced(grade, {}, given_tools)) == ()


SECURITY = {Category.KEYWORD, Category.PII, Category.SECRET, Category.INJECTION, Category.HARM}


@given(facts)
def test_from_grade_two_on_whatever_keeps_people_and_systems_safe_fails_closed(given_facts):
    rules = {rule.category: rule.on_failure for rule in compile_policy("s", 2, given_facts).rules if not rule.when}
    assert {category for category, mode in rules.items() if mode is FailMode.CLOSED} >= SECURITY


def test_at_the_highest_grade_nothing_unjudged_passes():
    assert all(rule.on_failure is FailMode.CLOSED for rule in compile_policy("s", 5, {}).rules if not rule.when)


def test_from_grade_two_on_somebody_in_crisis_is_told_where_to_turn():
    crisis = [rule for rule in compile_policy("s", 2, {}).rules if rule.when]
    assert [(rule.category, rule.inbound) for rule in crisis] == [(Category.EMOTION, Decision.SAFE_ANSWER)]


def test_a_demand_under_a_condition_is_met_by_the_same_rule_or_by_one_without_condition():
    demanded = enforced(2, {}, ())
    crisis = next(rule for rule in demanded.rules if rule.when)
    without = demanded.model_copy(update={"rules": tuple(rule for rule in demanded.rules if not rule.when)})
    assert weaker_points(without, demanded) == ("emotion.when",)
    always = crisis.model_copy(update={"when": ""})
    assert weaker_points(without.model_copy(update={"rules": (*without.rules, always)}), demanded) == ()


def test_each_grade_is_stricter_somewhere():
    for grade in range(1, 5):
        assert weaker_points(enforced(grade, {}, ()), enforced(grade + 1, {}, ()))


def test_an_irreversible_tool_always_waits_for_a_person():
    compiled = compile_policy("s", 1, {}, tools=(ToolRule(name="pay", effect="irreversible"),))
    assert compiled.tools[0].needs_person


def test_a_weakened_policy_is_named_point_by_point():
    demanded = enforced(2, {}, ())
    first, *rest = (rule for rule in demanded.rules if not rule.when)
    weak = demanded.model_copy(
        update={
            "rules": (first.model_copy(update={"outbound": Decision.ALLOW, "threshold": 0.99}), *rest[:-1]),
            "labelled": False,
            "tools": (ToolRule(name="shell"),),
            "max_input_characters": 10**9,
        }
    )
    assert set(weaker_points(weak, demanded)) == {
        f"{first.category}.outbound", f"{first.category}.threshold", rest[-1].category, "emotion.when", "label",
        "tools.shell", "max_input_characters",
    }  # fmt: skip


def test_a_rule_that_blocks_late_and_one_that_lets_pass_early_do_not_make_one_that_blocks_early():
    demanded = enforced(3, {}, ())
    split = []
    for rule in demanded.rules:
        if rule.category is Category.INJECTION:
            late = rule.model_copy(update={"threshold": 1.0})
            early = rule.model_copy(update={"inbound": Decision.ALLOW, "outbound": Decision.ALLOW, "threshold": 0.0})
            split += [late, early]
        else:
            split.append(rule)
    assert weaker_points(demanded.model_copy(update={"rules": tuple(split)}), demanded) == ("injection.threshold",)


def test_a_detector_that_fails_open_may_not_be_given_less_time():
    demanded = enforced(1, {}, ())
    hurried = tuple(rule.model_copy(update={"timeout_milliseconds": 1}) for rule in demanded.rules)
    found = weaker_points(demanded.model_copy(update={"rules": hurried}), demanded)
    assert "pii.timeout_milliseconds" in found
    assert "secret.timeout_milliseconds" not in found  # it fails closed: too little time stops more, not less


@pytest.mark.parametrize(("change", "point"), [
    ({"lexicons": ()}, "lexicons"),
    ({"on_disagreement": Decision.ALLOW}, "on_disagreement"),
    ({"watch_idle_seconds": 3600}, "watch_idle_seconds"),
    ({"approval_seconds": 10**6}, "approval_seconds"),
])  # fmt: skip
def test_words_monitor_and_people_may_not_be_switched_off_below_the_grade(change, point):
    policy = compile_policy("s", 3, {})
    weak = Policy.model_validate({name: getattr(policy, name) for name in Policy.model_fields} | change)
    assert weaker_points(Enforced.of(weak), Enforced.of(policy)) == (point,)


def test_the_same_demands_give_the_same_digest_in_any_order():
    one = compile_policy("s", 2, {}, words=("b", "a"), tools=(ToolRule(name="y"), ToolRule(name="x")))
    other = compile_policy("s", 2, {}, words=("a", "b", "a"), tools=(ToolRule(name="x"), ToolRule(name="y")))
    assert one.digest == other.digest


def test_a_grade_that_does_not_exist_and_a_tool_named_twice_are_refused():
    with pytest.raises(InputError, match="1 to 5"):
        compile_policy("s", 6, {})
    with pytest.raises(InputError, match="twice"):
        compile_policy("s", 2, {}, tools=(ToolRule(name="x"), ToolRule(name="x")))
