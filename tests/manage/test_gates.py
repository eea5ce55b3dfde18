"""The gate: what opens it, what its verdict says, who signs, and what the token carries."""

from datetime import timedelta

import pytest

from jingwei.core.errors import Conflict, Refused, Tampered
from jingwei.core.evidence import Outcome
from jingwei.core.store.tables import ReleaseRequestRow, SignatureRow
from jingwei.core.token import ReleaseToken, read
from jingwei.manage import State


def states(verdict) -> dict[str, str]:
    return {item.type: item.state.value for item in verdict.items}


def test_a_graded_system_without_proof_is_refused_and_told_everything_that_is_wanting(world):
    system_id = world.registered()
    verdict = world.gate.verdict(system_id)
    assert not verdict.passed
    assert {blocker.code for blocker in verdict.blockers} == {"no-policy"}
    found = states(verdict)
    assert found["EV-INTAKE"] == found["EV-TIER"] == "valid"
    assert found["EV-REDTEAM"] == found["EV-VENDOR"] == "missing"
    mends = {item.type: item.mend.en for item in verdict.open_items}
    assert "redteam" in mends["EV-REDTEAM"]
    assert mends["EV-VENDOR"].startswith("Enter")
    with pytest.raises(Refused, match="EV-REDTEAM") as refused:
        world.gate.open_request(system_id, actor=world.who("engineer"))
    assert refused.value.code == "manage:gate-closed"


def test_two_people_of_the_lane_release_a_proven_system(world):
    system_id = world.ready()
    request = world.gate.open_request(system_id, actor=world.who("engineer"))
    assert request.roles_wanted == ("system_owner", "security")
    after = world.sign(request.id, "system_owner")
    assert (after.still_needed, after.roles_wanted) == (1, ("security",))
    world.sign(request.id, "security")
    assert world.registry.system(system_id).status == "approved"
    record = world.gate.release(request.id, actor=world.who("engineer"))
    token = read(record.written, world.signer.verifier)
    assert isinstance(token, ReleaseToken)
    assert token.system_id == system_id
    assert token.policy_digest == world.policies.in_force(system_id).digest
    assert token.configuration_digest == world.registry.configuration(system_id).digest
    assert token.evidence_digest == request.evidence_digest
    assert world.registry.system(system_id).status == "live"
    assert world.tokens.servable(system_id).release == record


def test_the_token_ends_with_the_first_evidence_that_expires(world):
    record = world.released()
    verdict = world.gate.verdict(record.system_id)
    assert record.expires_at == verdict.expires_at
    assert record.expires_at - record.issued_at < timedelta(days=30)


def test_a_release_leaves_its_verdict_and_approvals_as_evidence(world):
    record = world.released()
    kept = {each.evidence.type for each in world.proof.standings(record.system_id)}
    assert {"EV-GATE", "EV-APPROVAL"} <= kept


def test_a_lowest_grade_system_is_released_without_a_signature_once_its_checks_pass(world):
    file = world.file("plain", autonomy="L1", tools="none", personal_info="none", model_origin="own")
    file = file.model_copy(update={"tools": ()})
    taken = world.intake.take(file, actor=world.who("engineer"))
    world.grading.grade(taken.system.id, actor=world.who("engineer"))
    world.guarded(taken.system.id)
    world.proven(taken.system.id)
    request = world.gate.open_request(taken.system.id, actor=world.who("engineer"))
    assert (request.grade, request.still_needed) == (1, 0)
    assert world.gate.release(request.id, actor=world.who("engineer")).kind == "release"


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.FAIL, State.FAILED), (Outcome.INCOMPLETE, State.INCOMPLETE)])
def test_a_newer_bad_result_counts_over_an_older_pass(world, outcome, state):
    system_id = world.ready()
    world.prove(system_id, "EV-REDTEAM", outcome=outcome)
    assert states(world.gate.verdict(system_id))["EV-REDTEAM"] == state.value


@pytest.mark.parametrize("order", [(Outcome.PASS, Outcome.FAIL), (Outcome.FAIL, Outcome.PASS)])
def test_of_the_results_of_one_run_the_worst_counts(world, order):
    system_id = world.ready()
    run_id, at = world.run(system_id, "redteam"), world.clock()
    for number, outcome in enumerate(order):
        world.prove(system_id, "EV-REDTEAM", outcome=outcome, run_id=run_id, at=at, examined=number + 1)
    assert states(world.gate.verdict(system_id))["EV-REDTEAM"] == "failed"


def test_time_expires_evidence(world):
    system_id = world.ready()
    world.clock.pass_by(days=31)
    found = states(world.gate.verdict(system_id))
    assert found["EV-AIBOM"] == "expired"
    assert found["EV-MODEL-SCAN"] == "valid"


def test_a_new_model_version_makes_stale_what_was_proven_of_the_old(world):
    system_id = world.ready()
    world.parts.add(system_id, "model", "small", digest="9" * 64, supplier="HF", licence="apache-2.0",
                    actor=world.who("engineer"))  # fmt: skip
    items = {item.type: item for item in world.gate.verdict(system_id).open_items}
    assert items["EV-MODEL-SCAN"].state is State.STALE
    assert [change.part for change in items["EV-REDTEAM"].changes] == ["model"]
    change = items["EV-MODEL-SCAN"].changes[0]
    assert (change.before, change.after) == ("a" * 64, "9" * 64)


def test_a_weakened_policy_lapses_what_was_proven_behind_it(world):
    record = world.released()
    world.guarded(record.system_id, rules=world.policy(record.system_id).rules[:1])
    found = {item.type: item for item in world.gate.verdict(record.system_id).open_items}
    assert found["EV-REDTEAM"].state is State.STALE
    assert [change.part for change in found["EV-REDTEAM"].changes] == ["policy"]
    assert found["EV-GUARD-CFG"].state is State.STALE
    assert world.tokens.servable(record.system_id).release is None


def test_each_dataset_in_use_must_be_covered(world):
    system_id = world.ready()
    second = world.parts.add(system_id, "dataset", "more", digest="8" * 64, actor=world.who("engineer"))
    world.parts.answer_for(second.id, "us", actor=world.who("engineer"))
    assert states(world.gate.verdict(system_id))["EV-PII"] == "missing"
    both = world.bindings(system_id, "EV-PII")
    world.prove(system_id, "EV-PII", bindings=tuple(each for each in both if each.digest == "8" * 64))
    assert states(world.gate.verdict(system_id))["EV-PII"] == "valid"


def test_from_grade_four_on_a_declared_digest_proves_nothing(world):
    facts = {"life_health": "direct", "tools": "none"}
    file = world.file(**facts).model_copy(update={"tools": ()})
    system_id = world.intake.take(file, actor=world.who("engineer")).system.id
    world.grading.grade(system_id, actor=world.who("engineer"))
    assert world.grading.preview(system_id).grade == 4
    world.guarded(system_id)
    world.prove(system_id, "EV-MODEL-SCAN", observed=False)
    world.prove(system_id, "EV-REDTEAM", observed=False)
    found = states(world.gate.verdict(system_id))
    assert found["EV-MODEL-SCAN"] == found["EV-REDTEAM"] == "unobserved"
    world.prove(system_id, "EV-REDTEAM")
    assert states(world.gate.verdict(system_id))["EV-REDTEAM"] == "valid"


def test_a_missing_responsibility_link_closes_the_gate(world):
    system_id = world.ready()
    world.parts.add(system_id, "service", "search", digest="7" * 64, actor=world.who("engineer"))
    blockers = world.gate.verdict(system_id).blockers
    assert [(blocker.code, blocker.subject) for blocker in blockers] == [("responsibility", "search")]


def test_a_policy_compiled_for_a_lower_grade_closes_the_gate(world):
    system_id = world.ready()
    world.guarded(system_id, grade=1)
    assert "policy-below-grade" in {blocker.code for blocker in world.gate.verdict(system_id).blockers}


def test_a_rejection_closes_the_request(world):
    request = world.gate.open_request(world.ready(), actor=world.who("engineer"))
    after = world.sign(request.id, "security", approves=False, comment="No.")
    assert after.status == "rejected"
    with pytest.raises(Conflict, match="was rejected"):
        world.sign(request.id, "system_owner")


def test_a_request_is_withdrawn_by_who_made_it(world):
    request = world.gate.open_request(world.ready(), actor=world.who("engineer"))
    with pytest.raises(Refused, match="Only the person who asked"):
        world.gate.withdraw(request.id, actor=world.who("system_owner"))
    assert world.gate.withdraw(request.id, actor=world.who("engineer")).status == "withdrawn"


def test_new_evidence_lapses_an_open_request_and_a_new_request_takes_its_place(world):
    system_id = world.ready()
    first = world.gate.open_request(system_id, actor=world.who("engineer"))
    world.prove(system_id, "EV-REDTEAM")
    assert world.gate.request(first.id).status == "lapsed"
    second = world.gate.open_request(system_id, actor=world.who("engineer"))
    assert [each.id for each in world.gate.requests(system_id, status="open")] == [second.id]
    assert world.session.get(ReleaseRequestRow, first.id).status == "lapsed"


def test_the_same_inputs_give_the_same_verdict_long_after(world):
    record = world.released()
    world.clock.pass_by(days=200)
    world.prove(record.system_id, "EV-REDTEAM")
    again = world.gate.replay(record.request_id)
    assert again.passed
    assert again == world.gate.request(record.request_id).verdict


def test_a_changed_record_does_not_replay(world):
    record = world.released()
    row = world.session.get(ReleaseRequestRow, record.request_id)
    inputs = {**row.body["inputs"], "facts": {**row.body["inputs"]["facts"], "autonomy": "L1"}}
    row.body = {**row.body, "inputs": inputs}
    with pytest.raises(Tampered, match="comes out differently"):
        world.gate.replay(record.request_id)


def test_a_stored_vote_is_verifiable_offline_and_says_what_it_covers(world):
    request_id = world.signed(world.ready())
    votes = world.session.query(SignatureRow).filter_by(request_id=request_id).all()
    content = votes[0].attestation["content"]
    assert content["evidence"] == world.gate.request(request_id).evidence_digest
    assert {vote.account_id for vote in votes} == {world.people["system_owner"], world.people["security"]}


def test_suspending_revokes_every_token_and_only_a_new_release_brings_it_back(world):
    record = world.released()
    world.tokens.suspend(record.system_id, actor=world.who("senior_executive"), reason="An incident.")
    assert world.registry.system(record.system_id).status == "suspended"
    assert world.tokens.servable(record.system_id) == (None, ())
    assert record.id in world.tokens.revoked()
    fresh = world.gate.release(world.signed(record.system_id), actor=world.who("engineer"))
    assert world.tokens.servable(record.system_id).release == fresh


def test_a_new_release_supersedes_the_token_before(world):
    first = world.released()
    second = world.gate.release(world.signed(first.system_id), actor=world.who("engineer"))
    assert world.tokens.servable(first.system_id).release == second
    assert world.tokens.revoked() == (first.id,)


def test_a_retired_system_has_no_token_and_takes_no_change(world):
    record = world.released()
    world.tokens.retire(record.system_id, actor=world.who("system_owner"), reason="Replaced.")
    assert world.tokens.servable(record.system_id).release is None
    with pytest.raises(Conflict, match="retired"):
        world.guarded(record.system_id, words=("x",))
    with pytest.raises(Refused, match="retired"):
        world.gate.open_request(record.system_id, actor=world.who("engineer"))


def test_an_assessment_token_is_bound_to_run_and_caller_and_ends_with_the_run(world):
    system_id = world.registered()
    world.guarded(system_id)
    record = world.assess(system_id)
    token = read(record.written, world.signer.verifier)
    assert (token.run_id, token.kind) == (record.run_id, "assessment")
    assert token.expires_at - token.issued_at == timedelta(minutes=30)
    assert world.tokens.servable(system_id).assessments == (record,)
    again = world.assess(system_id, run_id=record.run_id)
    assert world.tokens.servable(system_id).assessments == (again,)
    world.tokens.end_run(record.run_id)
    assert world.tokens.servable(system_id).assessments == ()


def test_a_system_comes_all_the_way_on_either_engine(fresh_world):
    record = fresh_world.released()
    assert fresh_world.tokens.servable(record.system_id).release == record
    assert fresh_world.gate.replay(record.request_id).passed
