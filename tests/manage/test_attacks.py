"""The attack list: ways to get a token that is not due, or round four eyes. Each is refused, for the right reason.

Each attack is one function: it prepares what an attacker would have and ends in the one call that must be refused. The
table says with which code. After every attack no token may be servable that was not before.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from jingwei.core.errors import JingweiError
from jingwei.core.evidence import Binding, BoundTo, Outcome, Source
from jingwei.core.identity import Actor, Denied, Roles
from jingwei.core.identity.proof import prove
from jingwei.core.signing import Signer
from jingwei.core.store.tables import EvidenceRow, ReleaseRequestRow, SignatureRow
from jingwei.core.token import read
from jingwei.manage.dossier import dossier

ABOVE = {"red line": {"red_line": "yes"}, "capability high": {"cap_cyber": "high"},
         "capability critical": {"cap_cbrn": "critical"}}  # fmt: skip
ATTACKS: list[tuple[str, str, Callable]] = []


def attack(code: str) -> Callable[[Callable], Callable]:
    def enter(function: Callable) -> Callable:
        ATTACKS.append((function.__name__, code, function))
        return function

    return enter


def above(code: str) -> Callable[[Callable], Callable]:
    """Enter one attack for each way of being above the line."""

    def enter(function: Callable) -> Callable:
        for name, facts in ABOVE.items():
            ATTACKS.append((f"{function.__name__} [{name}]", code, lambda world, facts=facts: function(world, facts)))
        return function

    return enter


def engineer(world) -> Actor:
    return world.who("engineer")


def opened(world, **facts) -> tuple[str, str]:
    system_id = world.ready(**facts)
    return system_id, world.gate.open_request(system_id, actor=engineer(world)).id


# above the line ----------------------------------------------------------------------------------------------------


@above("manage:above-the-line")
def asks_for_a_release_above_the_line(world, facts):
    system_id = world.registered(**facts)
    world.guarded(system_id)
    world.gate.open_request(system_id, actor=engineer(world))


@above("manage:above-the-line")
def asks_for_a_release_above_the_line_with_all_evidence_there(world, facts):
    system_id = world.registered(**facts)
    world.guarded(system_id)
    world.proven(system_id)
    world.gate.open_request(system_id, actor=engineer(world))


@above("manage:above-the-line")
def asks_for_an_assessment_above_the_line(world, facts):
    system_id = world.registered(**facts)
    world.guarded(system_id)
    world.assess(system_id)


@above("manage:above-the-line")
def signs_after_the_facts_went_above_the_line(world, facts):
    system_id, request = opened(world)
    world.intake.answer(system_id, facts, actor=engineer(world))
    world.sign(request, "security")


@above("manage:above-the-line")
def releases_after_the_facts_went_above_the_line(world, facts):
    system_id = world.ready()
    request = world.signed(system_id)
    world.intake.answer(system_id, facts, actor=engineer(world))
    world.gate.release(request, actor=engineer(world))


@above("manage:above-the-line")
def issues_a_token_past_the_gate(world, facts):
    system_id = world.registered(**facts)
    world.guarded(system_id)
    world.tokens.issue_release(dossier(world.desk, system_id), request_id="req_none")


@above("manage:above-the-line")
def lowers_the_grade_to_get_below_the_line(world, facts):
    system_id = world.registered(**facts)
    world.guarded(system_id)
    _lowered(world, system_id, 1)
    world.gate.open_request(system_id, actor=engineer(world))


@attack("manage:above-the-line")
def lets_a_scan_find_the_red_line_after_signing(world):
    system_id = world.ready()
    request = world.signed(system_id)
    found = world.prove(system_id, "EV-CAP")
    world.intake.found(system_id, {"red_line": "yes"}, evidence_id=found)
    world.intake.answer(system_id, {"red_line": "no"}, actor=engineer(world))
    world.gate.release(request, actor=engineer(world))


@attack("manage:gate-closed")
def lowers_the_grade_below_where_an_undocumented_model_is_held(world):
    system_id = world.registered(model_origin="third_party_undocumented")
    _lowered(world, system_id, 1)
    world.grading.grade(system_id, actor=engineer(world))
    world.guarded(system_id)
    world.proven(system_id)
    world.gate.open_request(system_id, actor=engineer(world))


# evidence ----------------------------------------------------------------------------------------------------------


@attack("manage:evidence-by-hand")
def enters_automatic_evidence_by_hand(world):
    world.proof.enter(world.registered(), "EV-REDTEAM", actor=world.who("security"), statement="Fine.")


@attack("manage:evidence-wrong-kind")
def passes_automatic_evidence_with_a_person_as_its_source(world):
    system_id = world.registered()
    source = Source(kind="record", name="redteam", actor_id=world.people["engineer"])
    world.proof.add(world.sealed(system_id, "EV-PII", source=source))


@attack("manage:evidence-wrong-kind")
def passes_a_record_off_as_the_result_of_a_check(world):
    system_id = world.registered()
    world.proof.add(world.sealed(system_id, "EV-RISK", bindings=world.bindings(system_id, "EV-RISK")))


@attack("core:signature-other-key")
def forges_evidence_with_a_key_of_their_own(world):
    system_id = world.registered()
    world.proof.add(world.sealed(system_id, "EV-PII", signer=Signer.generate()))


@attack("core:signature-invalid")
def changes_sealed_evidence(world):
    system_id = world.registered()
    failed = world.sealed(system_id, "EV-PII", outcome=Outcome.FAIL)
    world.proof.add(failed.model_copy(update={"outcome": Outcome.PASS}))


@attack("manage:evidence-no-run")
def brings_evidence_that_no_run_produced(world):
    system_id = world.registered()
    world.proof.add(world.sealed(system_id, "EV-PII", run_id=""))


@attack("manage:evidence-no-run")
def brings_evidence_of_a_cancelled_run(world):
    system_id = world.registered()
    run = world.run(system_id, "data-scan", status="cancelled")
    world.proof.add(world.sealed(system_id, "EV-PII", run_id=run))


@attack("manage:evidence-other-run")
def borrows_the_run_of_another_check(world):
    system_id = world.registered()
    world.proof.add(world.sealed(system_id, "EV-PII", run_id=world.run(system_id, "label")))


@attack("manage:evidence-other-run")
def borrows_the_run_of_another_system(world):
    system_id, other = world.registered("one"), world.registered("two")
    world.proof.add(world.sealed(system_id, "EV-PII", run_id=world.run(other, "data-scan")))


@attack("manage:evidence-known")
def brings_the_same_evidence_twice(world):
    system_id = world.registered()
    evidence = world.sealed(system_id, "EV-PII")
    world.proof.add(evidence)
    world.proof.add(evidence)


@attack("manage:evidence-unbound")
def brings_evidence_bound_to_nothing_that_could_change(world):
    system_id = world.registered()
    loose = (Binding(to=BoundTo.ORG, digest="org", observed=True),)
    world.proof.add(world.sealed(system_id, "EV-PII", bindings=loose))


@attack("manage:evidence-configuration")
def binds_to_the_guarded_configuration_what_was_taken_without_the_guard(world):
    system_id = world.registered()
    world.guarded(system_id)
    bare = world.registry.configuration(system_id).model_copy(update={"policy": "none", "gateway": "none"})
    world.proof.add(world.sealed(system_id, "EV-REDTEAM", configuration=bare))


@attack("manage:evidence-configuration")
def calls_a_declared_configuration_observed(world):
    system_id = world.registered()
    world.guarded(system_id)
    declared = world.registry.configuration(system_id)
    world.proof.add(world.sealed(system_id, "EV-REDTEAM", configuration=declared))


@attack("manage:evidence-future")
def dates_evidence_into_the_future_so_that_it_lasts(world):
    system_id = world.registered()
    world.proof.add(world.sealed(system_id, "EV-PII", at=world.clock() + timedelta(days=300)))


@attack("manage:gate-closed")
def asks_with_expired_evidence(world):
    system_id = world.ready()
    world.clock.pass_by(days=91)
    world.gate.open_request(system_id, actor=engineer(world))


@attack("manage:gate-closed")
def uses_the_evidence_of_another_system(world):
    world.ready("proven")
    system_id = world.registered("bare")
    world.guarded(system_id)
    world.gate.open_request(system_id, actor=engineer(world))


@attack("manage:evidence-changed")
def edits_stored_evidence_in_the_database(world):
    system_id = world.ready()
    bad = world.prove(system_id, "EV-PII", outcome=Outcome.FAIL)
    row = world.session.get(EvidenceRow, bad)
    row.body = {**row.body, "outcome": "pass"}
    world.gate.open_request(system_id, actor=engineer(world))


@attack("manage:gate-closed")
def hides_a_failed_scan_behind_a_pass_of_an_older_model(world):
    system_id = world.ready()
    world.parts.add(system_id, "model", "small", digest="9" * 64, supplier="HF", actor=engineer(world))
    world.prove(system_id, "EV-MODEL-SCAN", bindings=(
        Binding(to=BoundTo.MODEL_VERSION, digest="a" * 64, observed=True),))  # fmt: skip
    world.gate.open_request(system_id, actor=engineer(world))


# four eyes ---------------------------------------------------------------------------------------------------------


@attack("manage:sign-own-request")
def signs_their_own_request(world):
    system_id = world.ready()
    request = world.gate.open_request(system_id, actor=world.who("system_owner"))
    world.sign(request.id, "system_owner")


@attack("manage:sign-own-request")
def signs_their_own_request_in_another_role_they_hold(world):
    system_id = world.ready()
    world.add("both", "system_owner", "security")
    request = world.gate.open_request(system_id, actor=world.who("both"))
    world.sign(request.id, "both", "security")


@attack("manage:sign-twice")
def fills_two_roles_alone(world):
    _, request = opened(world)
    world.add("both", "system_owner", "security")
    world.sign(request, "both", "system_owner")
    world.sign(request, "both", "security")


@attack("manage:sign-twice")
def signs_again_after_signing(world):
    _, request = opened(world)
    world.sign(request, "security")
    world.sign(request, "security")


@attack("manage:role-filled")
def signs_a_role_that_another_has_filled(world):
    _, request = opened(world)
    world.add("second", "security")
    world.sign(request, "security")
    world.sign(request, "second", "security")


@attack("manage:role-not-held")
def signs_with_a_second_account_that_holds_no_role(world):
    _, request = opened(world)
    world.add("second")
    world.sign(request, "second", "security")


@attack("manage:role-not-held")
def signs_with_a_role_of_another_domain(world):
    _, request = opened(world)
    world.add("elsewhere", "security", domain="retail")
    world.sign(request, "elsewhere", "security")


@attack("manage:role-not-held")
def claims_a_role_in_a_made_up_actor(world):
    _, request = opened(world)
    world.add("second")
    forged = Actor(id=world.people["second"], roles=frozenset({("security", "*")}))
    world.sign(request, "second", "security", actor=forged)


@attack("manage:role-not-held")
def signs_with_a_role_taken_back_a_moment_ago(world):
    _, request = opened(world)
    before = world.who("security")
    _take_back(world, "security")
    world.sign(request, "security", actor=before)


@attack("manage:role-not-asked")
def signs_in_a_role_the_lane_does_not_ask_for(world):
    _, request = opened(world)
    world.sign(request, "legal")


@attack("core.identity:proof-of-another")
def signs_with_the_password_of_another(world):
    _, request = opened(world)
    world.sign(request, "security", proof=world.confirm("system_owner", request))


@attack("core.identity:proof-for-another-purpose")
def replays_a_proof_given_for_another_request(world):
    _, first = opened(world)
    second = world.gate.open_request(world.ready("other"), actor=engineer(world)).id
    world.sign(second, "security", proof=world.confirm("security", first))


@attack("core.identity:proof-too-old")
def signs_with_a_proof_from_this_morning(world):
    _, request = opened(world)
    proof = world.confirm("security", request)
    world.clock.pass_by(minutes=3)
    world.sign(request, "security", proof=proof)


@attack("core:signature-other-key")
def forges_a_proof(world):
    _, request = opened(world)
    forged = prove(account_id=world.people["security"], purpose=request, with_totp=True, at=world.clock(),
                   signer=Signer.generate())  # fmt: skip
    world.sign(request, "security", proof=forged)


@attack("core:signature-invalid")
def claims_a_code_that_was_not_given(world):
    _, request = opened(world, life_health="indirect")
    proof = world.confirm("security", request)
    world.sign(request, "security", proof=proof.model_copy(update={"with_totp": True}))


@attack("manage:sign-needs-totp")
def signs_a_high_grade_with_a_password_alone(world):
    _, request = opened(world, life_health="indirect")
    world.sign(request, "security")


@attack("core.identity:sign-in-wait")
def guesses_the_password_while_signing(world):
    _, request = opened(world)
    for _ in range(6):
        denied = world.accounts.reauthenticate(world.people["security"], "guess", purpose=request)
    assert isinstance(denied, Denied)
    raise denied.error()


@attack("core.identity:admin-cannot-sign")
def makes_an_administrator_a_signer(world):
    admin = world.add("chief", "admin")
    Roles(world.session, clock=world.clock).grant(admin.id, "security", actor=Actor(
        id="acc_root", roles=frozenset({("admin", "*")})))  # fmt: skip


@attack("manage:signatures-missing")
def releases_with_one_signature(world):
    _, request = opened(world)
    world.sign(request, "security")
    world.gate.release(request, actor=engineer(world))


@attack("manage:signatures-missing")
def releases_after_a_signer_lost_the_role(world):
    request = world.signed(world.ready())
    _take_back(world, "security")
    world.gate.release(request, actor=engineer(world))


@attack("manage:signatures-missing")
def releases_after_a_signer_was_deactivated(world):
    request = world.signed(world.ready())
    admin = Actor(id="acc_root", roles=frozenset({("admin", "*")}))
    world.accounts.deactivate(world.people["security"], actor=admin)
    world.gate.release(request, actor=engineer(world))


@attack("manage:vote-changed")
def turns_a_rejection_into_an_approval_in_the_database(world):
    _, request = opened(world)
    world.sign(request, "system_owner")
    world.sign(request, "security", approves=False)
    row = world.session.query(SignatureRow).filter_by(request_id=request, role="security").one()
    row.approves = True
    world.session.get(ReleaseRequestRow, request).status = "open"
    world.gate.release(request, actor=engineer(world))


@attack("manage:vote-changed")
def moves_votes_to_another_request(world):
    system_id, first = opened(world)
    world.sign(first, "system_owner")
    world.sign(first, "security")
    second = world.gate.open_request(system_id, actor=engineer(world)).id
    for row in world.session.query(SignatureRow).filter_by(request_id=first):
        row.request_id = second
    world.session.flush()
    world.gate.release(second, actor=engineer(world))


@attack("manage:vote-changed")
def changes_who_asked_so_that_the_requester_may_sign(world):
    system_id = world.ready()
    world.add("both", "system_owner", "security")
    request = world.gate.open_request(system_id, actor=world.who("both")).id
    world.sign(request, "security")
    world.session.get(ReleaseRequestRow, request).requested_by = world.people["engineer"]
    world.sign(request, "both", "system_owner")


# change after signing ----------------------------------------------------------------------------------------------


@attack("manage:request-lapsed")
def changes_evidence_between_two_signatures(world):
    system_id, request = opened(world)
    world.sign(request, "security")
    world.prove(system_id, "EV-REDTEAM")
    world.sign(request, "system_owner")


@attack("manage:request-lapsed")
def changes_evidence_after_signing(world):
    system_id = world.ready()
    request = world.signed(system_id)
    world.prove(system_id, "EV-REDTEAM", outcome=Outcome.FAIL)
    world.gate.release(request, actor=engineer(world))


@attack("manage:request-lapsed")
def swaps_the_policy_after_signing(world):
    system_id = world.ready()
    request = world.signed(system_id)
    world.guarded(system_id, rules=world.policy(system_id).rules[:1])
    world.gate.release(request, actor=engineer(world))


@attack("manage:request-lapsed")
def swaps_the_model_after_signing(world):
    system_id = world.ready()
    request = world.signed(system_id)
    world.parts.add(system_id, "model", "small", digest="9" * 64, supplier="HF", actor=engineer(world))
    world.gate.release(request, actor=engineer(world))


@attack("manage:request-lapsed")
def changes_the_purpose_after_signing(world):
    system_id = world.ready()
    request = world.signed(system_id)
    world.registry.edit(system_id, purpose="Decides on loans.", actor=engineer(world))
    world.gate.release(request, actor=engineer(world))


@attack("manage:request-closed")
def releases_twice_with_the_same_signatures(world):
    record = world.released()
    world.gate.release(record.request_id, actor=engineer(world))


@attack("manage:request-closed")
def releases_again_after_the_system_was_suspended(world):
    record = world.released()
    world.tokens.suspend(record.system_id, actor=world.who("security"), reason="Stop.")
    world.gate.release(record.request_id, actor=engineer(world))


@attack("manage:request-lapsed")
def releases_with_signatures_for_a_grade_that_was_then_raised(world):
    system_id = world.ready()
    request = world.signed(system_id)
    world.overrides.ask(system_id, 3, reason="Press interest.", actor=world.who("legal"))
    world.gate.release(request, actor=engineer(world))


# grade -------------------------------------------------------------------------------------------------------------


@attack("manage:override-own")
def approves_their_own_lower_grade(world):
    system_id = world.registered()
    asked = _ask_lower(world, system_id, 1)
    world.overrides.approve(asked, actor=world.who("system_owner"), proof=world.confirm("system_owner", asked))


@attack("manage:override-twice")
def approves_a_lower_grade_twice(world):
    asked = _ask_lower(world, world.registered(), 1)
    for _ in range(2):
        world.overrides.approve(asked, actor=world.who("security"), proof=world.confirm("security", asked))


@attack("manage:override-role")
def approves_a_lower_grade_without_a_role_of_the_lane(world):
    asked = _ask_lower(world, world.registered(), 1)
    world.overrides.approve(asked, actor=world.who("legal"), proof=world.confirm("legal", asked))


@attack("manage:sign-needs-totp")
def approves_a_lower_grade_with_a_password_alone(world):
    asked = _ask_lower(world, world.registered(life_health="indirect"), 1)
    world.overrides.approve(asked, actor=world.who("security"), proof=world.confirm("security", asked))


@attack("manage:override-expiry")
def lowers_a_grade_for_ever(world):
    system_id = world.registered()
    world.overrides.ask(system_id, 1, reason="Trust us.", actor=world.who("system_owner"))


@attack("manage:not-allowed")
def lowers_a_grade_as_an_engineer(world):
    system_id = world.registered()
    world.overrides.ask(system_id, 1, reason="Trust us.", actor=engineer(world), expires_at=world.clock.now)


@attack("manage:withdraw-lowers")
def withdraws_what_raised_the_grade(world):
    system_id = world.registered()
    raised = world.overrides.ask(system_id, 4, reason="Careful.", actor=world.who("legal"))
    world.overrides.withdraw(raised.id, actor=world.who("legal"))


@attack("manage:gate-closed")
def lowers_the_grade_with_one_approval_only(world):
    system_id = world.registered(life_health="indirect")
    asked = _ask_lower(world, system_id, 1)
    world.enrol("security")
    world.overrides.approve(asked, actor=world.who("security"), proof=world.confirm("security", asked))
    world.grading.grade(system_id, actor=engineer(world))
    world.guarded(system_id, grade=5)
    world.gate.open_request(system_id, actor=engineer(world))


@attack("manage:gate-closed")
def goes_on_with_a_lower_grade_that_has_ended(world):
    system_id = world.registered()
    _lowered(world, system_id, 1)
    world.grading.grade(system_id, actor=engineer(world))
    world.guarded(system_id)
    world.proven(system_id)
    world.clock.pass_by(days=8)
    world.gate.open_request(system_id, actor=engineer(world))


@attack("manage:gate-closed")
def edits_the_facts_to_a_milder_answer_without_grading_again(world):
    system_id = world.ready()
    world.intake.answer(system_id, {"autonomy": "L1"}, actor=engineer(world))
    world.gate.open_request(system_id, actor=engineer(world))


@attack("manage:gate-closed")
def answers_down_a_fact_that_the_tool_list_contradicts(world):
    system_id = world.registered(tools="none")
    assert {fact.name: fact.overruled for fact in world.intake.facts(system_id)}["tools"] == "none"
    world.guarded(system_id)
    world.proven(system_id, but="EV-AGENT-PERM")
    world.gate.open_request(system_id, actor=engineer(world))


# assessment tokens -------------------------------------------------------------------------------------------------


def _assessable(world) -> str:
    system_id = world.registered()
    world.guarded(system_id)
    return system_id


@attack("manage:assessment-lifetime")
def asks_for_a_long_assessment(world):
    world.assess(_assessable(world), lifetime=timedelta(minutes=30, seconds=1))


@attack("manage:assessment-lifetime")
def asks_for_an_assessment_that_ends_before_it_begins(world):
    world.assess(_assessable(world), lifetime=timedelta(0))


@attack("manage:run-not-active")
def asks_for_an_assessment_of_a_finished_run(world):
    system_id = _assessable(world)
    world.assess(system_id, run_id=world.run(system_id, "redteam", status="finished", through_gateway=True))


@attack("manage:run-not-active")
def asks_for_an_assessment_of_a_run_that_bypasses_the_gateway(world):
    system_id = _assessable(world)
    world.assess(system_id, run_id=world.run(system_id, "redteam"))


@attack("manage:run-unknown")
def asks_for_an_assessment_with_the_run_of_another_system(world):
    system_id, other = _assessable(world), world.registered("other")
    world.assess(system_id, run_id=world.run(other, "redteam", through_gateway=True))


@attack("manage:run-of-another")
def takes_over_the_run_of_another_person(world):
    system_id = _assessable(world)
    run = world.run(system_id, "redteam", through_gateway=True, by="security")
    world.assess(system_id, run_id=run)


@attack("manage:caller-key")
def asks_for_an_assessment_bound_to_no_key(world):
    world.assess(_assessable(world), caller_key="")


@attack("manage:assessment-no-policy")
def assesses_without_a_guard(world):
    world.assess(world.registered())


@attack("manage:system-suspended")
def serves_a_suspended_system_as_an_assessment(world):
    record = world.released()
    world.tokens.suspend(record.system_id, actor=world.who("security"), reason="Stop.")
    world.assess(record.system_id)


@attack("manage:not-allowed")
def asks_for_an_assessment_of_a_system_of_someone_else(world):
    system_id = _assessable(world)
    world.add("stranger", "engineer")
    run = world.run(system_id, "redteam", through_gateway=True, by="stranger")
    world.assess(system_id, run_id=run, actor=world.who("stranger"))


@attack("core:signature-invalid")
def stretches_a_written_token(world):
    record = world.assess(_assessable(world))
    _, key_id, value = record.written.split(".")
    other = world.assess(record.system_id, lifetime=timedelta(minutes=1))
    read(".".join((other.written.split(".")[0], key_id, value)), world.signer.verifier)


# rights ------------------------------------------------------------------------------------------------------------


@attack("manage:not-allowed")
def releases_without_the_right(world):
    request = world.signed(world.ready())
    world.gate.release(request, actor=world.who("business"))


@attack("manage:not-allowed")
def attaches_a_weak_policy_as_an_engineer(world):
    system_id = world.ready()
    world.policies.attach(world.policy(system_id, words=("x",)), actor=engineer(world))


@attack("manage:policy-empty")
def attaches_a_policy_without_rules(world):
    system_id = world.registered()
    world.guarded(system_id, rules=())


@attack("manage:outside-scope")
def releases_with_a_key_that_may_only_run_checks(world):
    request = world.signed(world.ready())
    narrow = Actor(id=world.people["engineer"], roles=engineer(world).roles, scopes=frozenset({"run.start"}))
    world.gate.release(request, actor=narrow)


@attack("manage:system-retired")
def brings_a_retired_system_back_with_new_facts(world):
    record = world.released()
    world.tokens.retire(record.system_id, actor=world.who("system_owner"), reason="Old.")
    world.intake.answer(record.system_id, {"autonomy": "L1"}, actor=engineer(world))


def _take_back(world, role: str) -> None:
    roles = Roles(world.session, clock=world.clock)
    admin = Actor(id="acc_root", roles=frozenset({("admin", "*")}))
    (grant,) = roles.grants(world.people[role])
    roles.revoke(grant.id, actor=admin)


def _ask_lower(world, system_id: str, grade: int) -> str:
    ends = world.clock() + timedelta(days=7)
    owner = world.who("system_owner")
    return world.overrides.ask(system_id, grade, reason="A pilot.", actor=owner, expires_at=ends).id


def _lowered(world, system_id: str, grade: int) -> None:
    """Have a lower grade asked for and approved by two others, as the rules allow."""
    ends = world.clock() + timedelta(days=7)
    if world.grading.preview(system_id).grade <= grade:
        return
    asked = world.overrides.ask(system_id, grade, reason="A pilot.", actor=world.who("business"), expires_at=ends).id
    roles = world.desk.rules.lane(world.grading.preview(system_id).computed_grade).approvers.roles
    for login in [role for role in roles if role != "business"][:2]:
        world.enrol(login)
        world.overrides.approve(asked, actor=world.who(login), proof=world.confirm(login, asked))
    assert world.grading.preview(system_id).grade == grade


def servable(world) -> Iterator[str]:
    for system in world.registry.systems():
        found = world.tokens.servable(system.id)
        yield from (record.id for record in (found.release, *found.assessments) if record is not None)


def test_the_list_is_long_enough():
    assert len(ATTACKS) >= 40
    assert len({name for name, _, _ in ATTACKS}) == len(ATTACKS)
    assert sum("assess" in name or "run_of" in name for name, _, _ in ATTACKS) >= 5


@pytest.mark.parametrize(("name", "code", "act"), ATTACKS, ids=[name for name, _, _ in ATTACKS])
def test_an_attack_is_refused_for_its_own_reason(world, name, code, act):
    with pytest.raises(JingweiError) as refused:
        act(world)
    assert refused.value.code == code


@pytest.mark.parametrize("facts", ABOVE.values(), ids=list(ABOVE))
def test_a_released_system_that_goes_above_the_line_is_served_no_longer(world, facts):
    record = world.released()
    assert list(servable(world)) == [record.id]
    world.intake.answer(record.system_id, facts, actor=engineer(world))
    assert list(servable(world)) == []


@pytest.mark.parametrize("facts", ABOVE.values(), ids=list(ABOVE))
def test_an_assessment_under_way_ends_when_its_system_goes_above_the_line(world, facts):
    system_id = _assessable(world)
    world.assess(system_id)
    world.intake.answer(system_id, facts, actor=engineer(world))
    assert list(servable(world)) == []


def test_a_revoked_token_stays_revoked(world):
    record = world.released()
    world.tokens.revoke(record.id, actor=world.who("security"), reason="A leak.")
    assert list(servable(world)) == []
    assert world.tokens.revoked() == (record.id,)
    world.tokens.revoke(record.id, actor=world.who("system_owner"), reason="again")
    assert [each.reason for each in world.tokens.tokens(record.system_id)] == ["A leak."]


def test_an_expired_assessment_is_served_no_longer(world):
    world.assess(_assessable(world))
    assert len(list(servable(world))) == 1
    world.clock.pass_by(minutes=30)
    assert list(servable(world)) == []
