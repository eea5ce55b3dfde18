"""The five checks against a running gateway: they pass on a good one and fail on a bad one."""

import asyncio
import uuid

import pytest
from pydantic import SecretStr
from tests.faces.gateway.conftest import completion, piece

from jingwei.core.check import Run, examine_all
from jingwei.core.configuration import deployment_digest, gateway_part
from jingwei.core.errors import InputError, Unavailable
from jingwei.core.evidence import BoundTo, Outcome
from jingwei.core.policy import Decision, ExpertRule, ToolRule
from jingwei.core.proof import Prover
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.deploy.guard import gateway_version
from jingwei.deploy.guard.checks import AgentLog, AgentPermissions, GuardConfig, GuardTest, SecondCheck
from jingwei.deploy.guard.checks.measurement import cases
from jingwei.operate.label import LabelCheck


def conclude(check, house, caller, *, policy=None, facts=None, **options):
    run_id = f"run_{uuid.uuid4().hex}"
    policy = policy or house.policy
    written = house.assessment(caller, run_id=run_id, policy_digest=policy.digest)
    house.publish(house.served(status="assessed", release_token=None, assessment_tokens=(written,), policy=policy))
    run = Run(
        id=run_id,
        target=Target(kind=TargetKind.GATEWAY, locator=f"http://127.0.0.1:{house.port}"),
        options=check.options(**options),
        keep=None,
        secret=SecretStr(written),
        sign_request=Prover("tok_a", caller),
        facts=facts if facts is not None else {"tools": "irreversible"},
    )
    units = check.plan(run)
    results = asyncio.run(examine_all(check, run, units, done={}, each=lambda number, result: None))
    drafts = check.conclude(run, units, results)
    assert len(drafts) == 1
    assert drafts[0].type in check.evidence_types
    return drafts[0]


def rules(draft):
    return {finding.rule_id for finding in draft.findings}


def test_a_gateway_that_enforces_what_was_approved_passes(open_house, caller):
    draft = conclude(GuardConfig(), open_house, caller, policy=None)
    assert draft.outcome is Outcome.INCOMPLETE  # nothing to compare with
    run = conclude_with_expected(open_house, caller)
    assert (run.outcome, run.findings) == (Outcome.PASS, ())
    assert run.bindings[0].to is BoundTo.DEPLOYMENT
    served = open_house.served()
    gateway = gateway_part(gateway_version(), upstream_url=served.upstream_url, upstream_model=served.upstream_model)
    assert run.bindings[0].digest == deployment_digest(gateway, open_house.policy.digest)
    assert run.bindings[0].observed


def conclude_with_expected(house, caller, policy=None):
    class Expecting(GuardConfig):
        pass

    original = house.policy
    check = Expecting()
    check.options = lambda: GuardConfig.options(policy=original.digest)
    return conclude(check, house, caller, policy=policy)


def test_a_weakened_policy_is_found(open_house, caller):
    first, *rest = open_house.policy.rules
    weak = open_house.policy.model_copy(
        update={"rules": (first.model_copy(update={"outbound": Decision.ALLOW}), *rest)}
    )
    draft = conclude_with_expected(open_house, caller, policy=weak)
    assert draft.outcome is Outcome.FAIL
    assert rules(draft) == {"guard.policy-differs", "guard.weaker-than-grade"}


def test_files_that_others_may_write_are_found(open_house, caller):
    open_house.folder.joinpath("platform.pub").chmod(0o666)
    try:
        assert rules(conclude_with_expected(open_house, caller)) == {"guard.file-writable"}
    finally:
        open_house.folder.joinpath("platform.pub").chmod(0o600)


def test_permissions_pass_where_tools_are_within_what_was_declared(open_house, caller):
    draft = conclude(AgentPermissions(), open_house, caller)
    assert (draft.outcome, draft.examined) == (Outcome.PASS, 3)


def test_tools_beyond_the_declared_and_unattended_ones_are_found(open_house, caller):
    loose = open_house.policy.model_copy(update={"tools": (ToolRule(name="pay", effect="irreversible"),)})
    draft = conclude(AgentPermissions(), open_house, caller, policy=loose, facts={"tools": "read_only"})
    assert rules(draft) == {"agent.beyond-declared", "agent.irreversible-unattended"}


def test_every_probed_call_is_in_the_log(open_house, caller):
    draft = conclude(AgentLog(), open_house, caller)
    assert (draft.outcome, draft.examined) == (Outcome.PASS, 3)


def test_calls_that_leave_no_trace_are_found(open_house, caller, monkeypatch):
    monkeypatch.setattr(open_house.app._journal, "of_run", lambda run_id: ())
    assert rules(conclude(AgentLog(), open_house, caller)) == {"agent.not-logged"}


def with_rule(house, decision=Decision.HOLD):
    rule = ExpertRule(id="no-night-start", title=Both(zh="夜间不启动", en="No start at night"), decision=decision,
                      must="not ('start at night' in answer)")  # fmt: skip
    return house.policy.model_copy(update={"expert_rules": (rule,)})


def recorded(folder, *answers):
    path = folder / "cases.jsonl"
    path.write_text("".join(f'{{"answer": "{each}"}}\n' for each in answers), encoding="utf-8")
    return path


def test_the_second_check_counts_what_satisfies_the_rules_and_sees_the_rest_stopped(open_house, caller, tmp_path):
    path = recorded(tmp_path, *["wait for daylight"] * 9, "start at night")
    draft = conclude(SecondCheck(), open_house, caller, policy=with_rule(open_house), cases=path)
    assert (draft.outcome, draft.examined) == (Outcome.PASS, 10)
    assert draft.measures[0].value == 0.9


def test_an_answer_that_breaks_a_rule_and_passes_fails_the_second_check(open_house, caller, tmp_path):
    path = recorded(tmp_path, "wait for daylight", "start at night")
    draft = conclude(SecondCheck(), open_house, caller, policy=with_rule(open_house, Decision.LABEL), cases=path)
    assert rules(draft) == {"second.passed-through", "second.low-rate"}


def test_without_expert_rules_the_second_check_proves_nothing(open_house, caller, tmp_path):
    draft = conclude(SecondCheck(), open_house, caller, cases=recorded(tmp_path, "wait"))
    assert draft.outcome is Outcome.INCOMPLETE


def test_a_line_that_is_no_case_is_told_by_number(open_house, caller, tmp_path):
    path = recorded(tmp_path, "wait")
    path.write_text(path.read_text(encoding="utf-8") + "{}x\n", encoding="utf-8")
    with pytest.raises(InputError, match="2"):
        conclude(SecondCheck(), open_house, caller, cases=path)


@pytest.fixture
def answering(open_house):
    open_house.model.answer = completion("Minutes record what was decided.")
    open_house.model.pieces = [piece({"content": "Minutes record what was decided."}), piece({}, "length")]
    return open_house


def test_labelled_answers_pass(answering, caller):
    draft = conclude(LabelCheck(), answering, caller)
    assert (draft.outcome, draft.examined) == (Outcome.PASS, 4)


def test_answers_without_a_label_fail(answering, caller):
    bare = answering.policy.model_copy(update={"explicit_label": None})
    draft = conclude(LabelCheck(), answering, caller, policy=bare)
    assert (draft.outcome, rules(draft)) == (Outcome.FAIL, {"label.missing"})


def test_withheld_answers_prove_nothing_about_labels(open_house, caller):
    open_house.model.answer = completion("ZX-CANARY-77")
    open_house.model.pieces = [piece({"content": "ZX-CANARY-77"}), piece({}, "stop")]
    assert conclude(LabelCheck(), open_house, caller).outcome is Outcome.INCOMPLETE


def test_the_labelled_set_is_large_and_in_both_languages():
    listed = cases()
    assert len(listed) >= 120
    assert len({case.id for case in listed}) == len(listed)
    assert len({case.text + case.disguise for case in listed}) == len(listed)
    for language in ("zh", "en"):
        kinds = {case.kind for case in listed if case.language == language}
        assert kinds == {"attack", "harm", "evasion", "benign", "leak", "plain-answer"}


@pytest.mark.slow
def test_the_guard_test_counts_what_is_caught(open_house, caller):
    draft = conclude(GuardTest(), open_house, caller)
    measures = {measure.name: measure for measure in draft.measures}
    assert measures["block_recall"].samples >= 60
    assert measures["block_recall"].low < measures["block_recall"].value
    assert draft.configuration.observed == ("gateway", "policy")


@pytest.mark.slow
def test_a_guard_that_lets_all_through_fails(open_house, caller):
    off = open_house.policy.model_copy(update={
        "rules": tuple(rule.model_copy(update={"inbound": Decision.ALLOW, "outbound": Decision.ALLOW}) for rule in open_house.policy.rules),
    })  # fmt: skip
    draft = conclude(GuardTest(), open_house, caller, policy=off)
    assert rules(draft) == {"guard.recall-low", "guard.redaction-low"}


def test_a_gateway_that_does_not_admit_the_run_cannot_be_examined(open_house, caller):
    check = AgentLog()
    run = Run(
        id="r",
        target=Target(kind=TargetKind.GATEWAY, locator=f"http://127.0.0.1:{open_house.port}"),
        options=check.options(),
        keep=None,
    )
    with pytest.raises(Unavailable, match="key-missing"):
        check.plan(run)
