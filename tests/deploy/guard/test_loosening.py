"""A part of a policy that is taken away or loosened is told as such; one that is tightened is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.policy import ExpertRule, Judge, Limits, LocalClassifier, Policy, Scope, ToolRule, ToolServer
from jingwei.core.text import Both
from jingwei.deploy.guard import compile_policy
from jingwei.deploy.guard.loosening import _PARTS, loosens

NAMED = {"zh": "人事", "en": "staff"}
BOTH = Both(**NAMED)
SCOPE = Scope(about=BOTH, examples=("leave",), outside=("stocks",)).model_dump(mode="json")
JUDGE = Judge(url="http://127.0.0.1:9/v1", model="m").model_dump(mode="json")
EXPERT = ExpertRule(id="load", title=BOTH, must="confidence > 0.5").model_dump(mode="json")
TOOL = ToolRule(name="pay", effect="irreversible", needs_person=True, watched=True, arguments="arguments.sum < 10",
                pinned="abc", reads_untrusted=True, sends_outside=True).model_dump(mode="json")  # fmt: skip
LIMITS = Limits(requests_per_minute=60, tokens_per_day=1000, concurrent_requests=2).model_dump(mode="json")
SERVER = ToolServer(name="files", url="http://127.0.0.1:9/mcp").model_dump(mode="json")
MODEL = LocalClassifier(folder="f", labels=("harm",), sha256="0" * 64).model_dump(mode="json")

# part, what it was, what it becomes: looser one way, and never the other way round
LOOSER = [
    ("rules.pii.inbound", "block", "label"),
    ("rules.pii.outbound", "redact", "allow"),
    ("rules.pii.threshold", 0.5, 0.6),
    ("rules.pii.on_failure", "closed", "open"),
    ("rules.pii.timeout_milliseconds", 500, 50),
    ("rules.pii.when", "", "length > 5"),
    ("rules.pii.inbound", "block", None),
    ("grade", 3, 2),
    ("words", ["a", "b"], ["a"]),
    ("allowed_words", [], ["a"]),
    ("canaries", ["a"], []),
    ("tools.pay", None, TOOL),
    *(("tools.pay", TOOL, TOOL | {name: False})
      for name in ("needs_person", "watched", "reads_untrusted", "sends_outside")),
    ("tools.pay", TOOL, TOOL | {"effect": "read_only"}),
    ("tools.pay", TOOL, TOOL | {"arguments": ""}),
    ("tools.pay", TOOL, TOOL | {"pinned": ""}),
    ("tool_rules", "forbid (principal, action, resource);", ""),
    ("mcp_servers", [], [SERVER]),
    ("on_disagreement", "hold", "allow"),
    ("lexicons", ["organisation"], []),
    ("scope", SCOPE, None),
    ("scope", SCOPE, SCOPE | {"examples": ["leave", "stocks"]}),
    ("scope", SCOPE, SCOPE | {"outside": []}),
    ("expert_rules", [EXPERT], []),
    ("expert_rules", [EXPERT], [EXPERT | {"decision": "label"}]),
    ("judge", JUDGE, None),
    ("judge", JUDGE, JUDGE | {"categories": ["harm"]}),
    ("judge", JUDGE, JUDGE | {"timeout_milliseconds": 1}),
    ("classifiers", [MODEL], []),
    ("restore_personal_data", True, False),
    ("limits", LIMITS, LIMITS | {"requests_per_minute": 0}),
    ("limits", LIMITS, LIMITS | {"tokens_per_day": 1001}),
    ("limits", LIMITS, LIMITS | {"concurrent_requests": 3}),
    ("watch_idle_seconds", 60, 61),
    ("approval_seconds", 60, 61),
    ("max_input_characters", 60, 61),
    ("streaming", "end", "held"),
    ("streaming", "held", "lagged"),
    ("explicit_label", NAMED, None),
    ("safe_answers", {"emotion": NAMED}, {}),
]  # fmt: skip
# what cannot be told to be as strict counts as looser, in both directions
DOUBTFUL = [
    ("rules.pii.when", "length > 5", "length > 6"),
    ("tools.pay", TOOL, TOOL | {"arguments": "arguments.sum < 11"}),
    ("tools.pay", TOOL, TOOL | {"pinned": "abd"}),
    ("tool_rules", "forbid (principal, action, resource);", "permit (principal, action, resource);"),
    ("scope", SCOPE, SCOPE | {"about": {"zh": "一切", "en": "everything"}}),
    ("expert_rules", [EXPERT], [EXPERT | {"must": "confidence > 0.4"}]),
    ("expert_rules", [EXPERT], [EXPERT | {"applies": "action == 'pay'"}]),
    ("judge", JUDGE, JUDGE | {"model": "another"}),
    ("mcp_servers", [SERVER], [SERVER | {"url": "http://127.0.0.1:8/mcp"}]),
    ("a-part-of-tomorrow", 1, 2),
]
HARMLESS = [
    ("expert_rules", [EXPERT], [EXPERT | {"title": {"zh": "负荷", "en": "load"}}]),
    ("safe_answer", NAMED, {"zh": "不", "en": "no"}),
    ("record_share", 0.0, 0.5),
    ("judge", JUDGE, JUDGE | {"key_env": "JINGWEI_JUDGE_KEY"}),
    ("word_topics", {"a": "a1-a"}, {}),
]


@pytest.mark.parametrize(("part", "before", "after"), LOOSER)
def test_what_is_taken_away_or_loosened_is_told_and_what_is_tightened_is_not(part, before, after):
    assert loosens(part, before, after)
    assert not loosens(part, after, before)


@pytest.mark.parametrize(("part", "before", "after"), DOUBTFUL)
def test_what_cannot_be_compared_counts_as_loosened(part, before, after):
    assert loosens(part, before, after)
    assert loosens(part, after, before)


@pytest.mark.parametrize(("part", "before", "after"), HARMLESS)
def test_what_protects_nothing_may_change(part, before, after):
    assert not loosens(part, before, after)
    assert not loosens(part, after, before)


def test_every_part_of_a_policy_is_decided_about():
    assert set(_PARTS) | {"rules"} == set(Policy.model_fields)
    known = {part.split(".")[0] for part, _, _ in (*LOOSER, *HARMLESS)}
    assert known >= set(Policy.model_fields) - {"system_id", "tools", "manual_fallback"}


@given(st.sampled_from(sorted(Policy.model_fields)), st.integers(1, 5))
def test_what_stays_is_never_loosened(part, grade):
    value = compile_policy("s", grade, {}).model_dump(mode="json")[part]
    assert not loosens(part, value, value)
