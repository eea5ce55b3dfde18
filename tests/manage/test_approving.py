"""Approvals of agents' calls, and watching: who may, for how long, and what becomes of a request."""

import json
from datetime import timedelta

import pytest

from jingwei.core.errors import Conflict, InputError, NotFound, Refused
from jingwei.core.ids import new_id
from jingwei.core.store.tables import ApiKeyRow, EntryRow
from jingwei.manage import Approvals, HeldCall, Watching


@pytest.fixture
def system_id(world):
    return world.ready()


@pytest.fixture
def approvals(world):
    return Approvals(world.desk)


@pytest.fixture
def watching(world):
    return Watching(world.desk)


def held(world, system_id, **changed):
    now = world.clock()
    values = {
        "id": new_id("apr"), "host": "h1", "system_id": system_id, "principal": "buyer", "session": "", "tool": "pay",
        "effect": "irreversible", "why": "tool.needs-person", "arguments_digest": "a" * 64, "arguments": '{"to":"x"}',
        "policy_digest": world.policies.in_force(system_id).digest, "at": now,
        "expires_at": now + timedelta(minutes=15),
    }  # fmt: skip
    return HeldCall(**values | changed)


def keyed(world, system_id, name="buyer", by="engineer"):
    made = world.registry.make_key(system_id, name, actor=world.who("engineer")).record
    body = json.dumps({"actor_id": world.people[by]})  # this unit of work is one person's and not committed yet
    world.session.add(EntryRow(table_name="api_key", row_id=made.id, body=body))
    world.session.flush()
    return world.session.get(ApiKeyRow, made.id)


def approved(world, approvals, call, by="security"):
    return approvals.approve(call.id, actor=world.who(by), proof=world.confirm(by, call.id))


def test_another_person_approves_and_gateways_of_that_host_are_told_until_it_is_used(world, approvals, system_id):
    keyed(world, system_id)
    call = held(world, system_id)
    assert approvals.ask(call).state == "waiting"
    assert approvals.ask(call).id == call.id
    assert [each.id for each in approvals.approvals(system_id, state="waiting")] == [call.id]
    assert approvals.granted("h1") == ()
    record = approved(world, approvals, call)
    assert (record.state, record.decided_by) == ("approved", world.people["security"])
    (granted,) = approvals.granted("h1")
    assert (granted.id, granted.principal, granted.tool, granted.arguments_digest) == (
        call.id,
        "buyer",
        "pay",
        "a" * 64,
    )
    assert approvals.granted("h2") == ()
    approvals.used(call.id)
    approvals.used(call.id)
    assert approvals.granted("h1") == ()
    assert approvals.approval(call.id).state == "used"
    with pytest.raises(Conflict, match="was used"):
        approved(world, approvals, call)


def test_whoever_made_the_agents_key_does_not_approve_its_calls(world, approvals, system_id):
    world.add("both", "system_owner", "security")
    keyed(world, system_id, by="both")
    call = held(world, system_id)
    approvals.ask(call)
    with pytest.raises(Refused) as refused:
        approved(world, approvals, call, by="both")
    assert refused.value.code == "manage:approve-own-call"
    assert approved(world, approvals, call).state == "approved"


def test_a_key_without_a_name_is_taken_for_anyones_of_that_system(world, approvals, system_id):
    world.add("both", "system_owner", "security")
    keyed(world, system_id, name="one", by="both")
    call = held(world, system_id, principal="")
    approvals.ask(call)
    with pytest.raises(Refused):
        approved(world, approvals, call, by="both")


def test_a_key_called_like_anothers_hash_does_not_free_its_maker_to_approve(world, approvals, system_id):
    made = keyed(world, system_id, name="", by="security")
    principal = f"key:{made.key_hash[:16]}"
    keyed(world, system_id, name=principal, by="engineer")
    call = held(world, system_id, principal=principal)
    approvals.ask(call)
    with pytest.raises(Refused) as refused:
        approved(world, approvals, call, by="security")
    assert refused.value.code == "manage:approve-own-call"


def test_whoever_asked_for_a_run_does_not_approve_its_calls(world, approvals, system_id):
    world.add("both", "engineer", "security")
    call = held(world, system_id, principal="run:" + world.run(system_id, "redteam", by="both"))
    approvals.ask(call)
    with pytest.raises(Refused) as refused:
        approved(world, approvals, call, by="both")
    assert refused.value.code == "manage:approve-own-call"


def test_nobody_approves_a_call_whose_caller_is_unknown(world, approvals, system_id):
    for principal in ("run:none", "buyer"):
        call = held(world, system_id, principal=principal)
        approvals.ask(call)
        with pytest.raises(Refused) as refused:
            approved(world, approvals, call)
        assert refused.value.code == "manage:approve-unknown-caller"


def test_approving_takes_a_role_and_a_fresh_proof_for_this_very_request(world, approvals, system_id):
    keyed(world, system_id)
    call = held(world, system_id)
    approvals.ask(call)
    with pytest.raises(Refused):
        approved(world, approvals, call, by="engineer")
    with pytest.raises(Refused):
        approvals.approve(call.id, actor=world.who("security"), proof=world.confirm("security", "another"))
    proof = world.confirm("security", call.id)
    world.clock.pass_by(minutes=3)
    with pytest.raises(Refused):
        approvals.approve(call.id, actor=world.who("security"), proof=proof)
    assert approvals.approval(call.id).state == "waiting"


def test_a_refusal_takes_a_reason_and_is_final(world, approvals, system_id):
    keyed(world, system_id)
    call = held(world, system_id)
    approvals.ask(call)
    with pytest.raises(InputError):
        approvals.refuse(call.id, actor=world.who("security"), reason=" ")
    with pytest.raises(Refused):
        approvals.refuse(call.id, actor=world.who("engineer"), reason="no")
    assert approvals.refuse(call.id, actor=world.who("security"), reason="wrong payee").state == "refused"
    with pytest.raises(Conflict, match="was refused"):
        approved(world, approvals, call)
    with pytest.raises(NotFound):
        approvals.approval("apr_none")


def test_a_request_and_an_approval_end_with_their_time(world, approvals, system_id):
    keyed(world, system_id)
    first, second = held(world, system_id), held(world, system_id)
    approvals.ask(first)
    approvals.ask(second)
    approved(world, approvals, first)
    world.clock.pass_by(minutes=16)
    assert approvals.granted("h1") == ()
    with pytest.raises(Conflict, match="has lapsed"):
        approved(world, approvals, second)
    assert {each.id for each in approvals.approvals(state="lapsed")} == {first.id, second.id}
    assert approvals.lapse() == 2
    assert approvals.lapse() == 0


def test_an_approval_ends_with_the_policy_it_was_given_under(world, approvals, system_id):
    keyed(world, system_id)
    call = held(world, system_id)
    approvals.ask(call)
    approved(world, approvals, call)
    world.guarded(system_id, words=("new",))
    assert approvals.granted("h1") == ()
    assert approvals.approval(call.id).state == "lapsed"


def test_a_watching_person_is_there_while_they_give_signs(world, watching, system_id):
    who = world.who("security")
    with pytest.raises(Conflict):
        watching.sign(system_id, actor=who)
    begun = watching.begin(system_id, actor=who, proof=world.confirm("security", system_id))
    assert begun.present
    world.clock.pass_by(seconds=50)
    watching.sign(system_id, actor=who)
    world.clock.pass_by(seconds=50)
    (present,) = watching.present()
    assert (present.system_id, present.session) == (system_id, "")
    world.clock.pass_by(seconds=20)
    assert watching.present() == ()
    assert [each.present for each in watching.watchers(system_id)] == [False]
    with pytest.raises(Conflict, match="Begin"):
        watching.sign(system_id, actor=who)


def test_leaving_ends_the_watch_at_once(world, watching, system_id):
    who = world.who("security")
    watching.begin(system_id, actor=who, proof=world.confirm("security", system_id), session="b" * 64)
    assert watching.present()[0].session == "b" * 64
    watching.leave(system_id, actor=who, session="b" * 64)
    assert watching.present() == ()


def test_watching_takes_a_right_and_a_proof_for_this_system(world, watching, system_id):
    data = world.add("reader", "auditor")
    with pytest.raises(Refused):
        watching.begin(system_id, actor=data, proof=world.confirm("reader", system_id))
    with pytest.raises(Refused):
        watching.begin(system_id, actor=world.who("security"), proof=world.confirm("security", "sys_other"))
    with pytest.raises(InputError):
        watching.begin(system_id, actor=world.who("security"), proof=world.confirm("security", system_id), session="me")
    assert watching.watchers() == []
