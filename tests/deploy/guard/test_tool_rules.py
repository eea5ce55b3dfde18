"""Cedar rules as they are read: what is wrong is told at once, and what is looked at stays small."""

import pytest

from jingwei.core.errors import InputError
from jingwei.core.policy import ToolRule
from jingwei.deploy.guard import Caller, Sessions, compile_policy
from jingwei.deploy.guard.cedar import CedarCall, CedarRules

TOOLS = (ToolRule(name="read", server="files"), ToolRule(name="send", effect="irreversible"))
RULES = """
@id("read") permit(principal, action == Action::"call", resource == Tool::"files/read");
@id("send") permit(principal == Agent::"mail", action, resource == Tool::"send")
  when { context.approved && context.arguments has amount && context.arguments.amount <= 100 };
@id("no-evil") forbid(principal, action, resource)
  when { context.arguments has "to.name" && context.arguments["to.name"] like "*evil*" };
@id("tainted") forbid(principal, action, resource in Server::"files") when { context.taints.contains("secret") };
@id("guests") forbid(principal in Tenant::"guests", action, resource is Tool in Server::"files");
"""


def decided(**changes):
    values = {"principal": "mail", "tenant": "", "tool": "send", "server": "", "effect": "irreversible", "taints": (),
              "watched": False, "approved": True, "arguments": {"amount": 5}}  # fmt: skip
    return CedarRules(RULES, TOOLS).decide(CedarCall(**values | changes))


@pytest.mark.parametrize(("changes", "allowed", "rules"), [
    ({}, True, ("send",)),
    ({"arguments": {"amount": 500}}, False, ()),
    ({"arguments": {}}, False, ()),
    ({"approved": False}, False, ()),
    ({"principal": "other"}, False, ()),
    ({"arguments": {"amount": 5, "to.name": "the evil one"}}, False, ("no-evil",)),
    ({"tool": "files/read", "server": "files"}, True, ("read",)),
    ({"tool": "files/read", "server": "files", "taints": ("secret",)}, False, ("tainted",)),
    ({"tool": "files/read", "server": "files", "tenant": "guests"}, False, ("guests",)),
])  # fmt: skip
def test_a_call_is_decided_by_the_rules_that_concern_it(changes, allowed, rules):
    answer = decided(**changes)
    assert (answer.allowed, answer.rules) == (allowed, rules)


def test_a_rule_that_fails_is_a_no_and_not_passed_over():
    answer = decided(arguments={"amount": "5"})
    assert (answer.allowed, answer.failed) == (False, True)


@pytest.mark.parametrize(("source", "code"), [
    ("permit(", "cedar-unreadable"),
    ('permit(principal, action, resource) when { context.efect == "x" };', "cedar-invalid"),
    ("permit(principal, action, resource) when { context.arguments.amount < 5 };", "cedar-invalid"),
    ('permit(principal == User::"x", action, resource);', "cedar-invalid"),
    ('permit(principal, action, resource == Tool::"raed");', "cedar-tool-unknown"),
    ('forbid(principal, action, resource in Server::"flies");', "cedar-tool-unknown"),
    ("permit(principal == ?principal, action, resource);", "cedar-template"),
    ('@id("a") permit(principal, action, resource); @id("a") forbid(principal, action, resource);', "cedar-id-twice"),
])  # fmt: skip
def test_rules_that_are_wrong_are_told_when_the_policy_is_compiled(source, code):
    with pytest.raises(InputError) as wrong:
        compile_policy("s", 1, {}, tools=TOOLS, tool_rules=source)
    assert wrong.value.code == f"deploy.guard:{code}"
    assert wrong.value.field == "tool_rules"


def test_a_call_is_judged_by_those_rules_alone_that_could_concern_it():
    many = RULES + "".join(f'permit(principal == Agent::"a{n}", action, resource == Tool::"send");' for n in range(300))
    call = CedarCall("mail", "", "send", "", "irreversible", (), watched=False, approved=True, arguments={"amount": 5})
    rules = CedarRules(many, TOOLS)
    assert rules.slice_size(call) == 2
    assert rules.decide(call).allowed


def test_labels_only_grow_and_are_shared_by_whoever_looks(tmp_path):
    caller, other = Caller("s", "agent", "files"), Caller("s", "other", "files")
    one, two = Sessions(tmp_path), Sessions(tmp_path)
    one.open(caller, "id", upstream="theirs")
    one.add(caller, "id", {"secret"})
    two.add(caller, "id", {"untrusted-content"})
    assert one.labels(caller, "id") == two.labels(caller, "id") == {"secret", "untrusted-content"}
    assert two.upstream(caller, "id") == "theirs"
    assert two.upstream(other, "id") is None
    assert two.labels(other, "id") == frozenset()
    one.close(caller, "id")
    assert two.upstream(caller, "id") is None
    assert two.labels(caller, "another") == {"secret", "untrusted-content"}


def test_labels_of_one_conversation_need_not_count_in_others(tmp_path):
    caller, sessions = Caller("s", "app"), Sessions(tmp_path)
    sessions.add(caller, "one", {"untrusted-content"}, carried=False)
    assert sessions.labels(caller, "one") == {"untrusted-content"}
    assert sessions.labels(caller, "two") == frozenset()
