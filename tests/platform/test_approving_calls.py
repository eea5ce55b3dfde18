"""A held call from a gateway's spool to a person, and the person's yes back to the gateways of that host."""

from datetime import timedelta

import pytest

from jingwei.core.errors import Refused
from jingwei.core.event import Event, EventKind
from jingwei.core.host import host_id
from jingwei.core.ids import new_id
from jingwei.core.signing import Verifier
from jingwei.core.snapshot import PUBLIC_KEY, read_public_key, read_snapshot
from jingwei.core.spool import SpoolWriter
from jingwei.deploy.guard import Binding, Holding
from jingwei.platform.approving import HOLDING

PASSWORD = "correct horse battery"


def spooled(place, *events):
    writer = SpoolWriter(place.platform.settings.spool_path)
    writer.write(events)
    writer.close()
    place.platform.relay.drain()


def event(place, system_id, approval_id, reason="approval-asked", **changed):
    with place.platform.reading() as work:
        policy = work.policies.in_force(system_id)
    values = {
        "id": new_id("evt"), "at": place.platform.clock(), "kind": EventKind.APPROVAL, "system_id": system_id,
        "request_id": "req_1", "reason": reason, "policy_digest": policy.digest, "tool": "pay", "principal": "buyer",
        "details": {"approval_id": approval_id, "arguments_digest": "a" * 64, "effect": "irreversible",
                    "why": "tool.needs-person"},
    }  # fmt: skip
    return Event(**values | changed)


def snapshot(place):
    place.platform.relay.publish()
    path = place.platform.settings.snapshot_path
    return read_snapshot(path, read_public_key(path.parent / PUBLIC_KEY))


def held(place, system_id):
    settings = place.platform.settings
    holding = Holding(settings.spool_path.parent / HOLDING, clock=place.platform.clock)
    with place.platform.reading() as work:
        digest = work.policies.in_force(system_id).digest
    binding = Binding(host_id(settings.spool_path), system_id, "buyer", "", "pay", "a" * 64, digest)
    return holding, binding, holding.ask(binding, '{"to":"…"}', seconds=900)


def keyed(place, system_id, login):
    with place.platform.work(place.who(login), "key.make") as work:
        work.registry.make_key(system_id, "buyer", actor=place.who(login))


def approve(place, approval_id, login):
    with place.platform.work(place.who(login), "approval.approve") as work:
        proof = work.accounts.reauthenticate(place.people[login], PASSWORD, purpose=approval_id)
        return work.approvals.approve(approval_id, actor=place.who(login), proof=proof)


def test_a_held_call_reaches_a_person_and_the_yes_reaches_the_gateway_once(place):
    system_id = place.guarded()
    keyed(place, system_id, "mei")
    holding, binding, asked = held(place, system_id)
    told = event(place, system_id, asked.id)
    spooled(place, told)
    with place.platform.reading() as work:
        (record,) = work.approvals.approvals(system_id, state="waiting")
    assert (record.principal, record.tool, record.why) == ("buyer", "pay", "tool.needs-person")
    assert record.arguments == '{"to":"…"}'
    assert not (place.platform.settings.spool_path.parent / HOLDING / "readable" / asked.id).exists()
    assert snapshot(place).content.approvals == ()
    approve(place, asked.id, "zhao")
    (approval,) = snapshot(place).content.approvals
    assert approval.host == host_id(place.platform.settings.spool_path)
    assert holding.spend(approval)
    assert not holding.spend(approval)
    spooled(place, event(place, system_id, asked.id, reason="approval-used"))
    assert snapshot(place).content.approvals == ()
    with place.platform.reading() as work:
        assert work.approvals.approval(asked.id).state == "used"
    assert holding.ask(binding, "", seconds=900).id != asked.id


def test_the_ledger_tells_whose_key_it_was_so_its_maker_cannot_approve(place):
    system_id = place.guarded()
    keyed(place, system_id, "lin")
    *_, asked = held(place, system_id)
    spooled(place, event(place, system_id, asked.id))
    with pytest.raises(Refused) as refused:
        approve(place, asked.id, "lin")
    assert refused.value.code == "manage:approve-own-call"
    assert approve(place, asked.id, "zhao").state == "approved"


def test_every_step_of_an_approval_is_in_the_ledger(place):
    system_id = place.guarded()
    keyed(place, system_id, "mei")
    *_, asked = held(place, system_id)
    before = place.entries()
    spooled(place, event(place, system_id, asked.id))
    approve(place, asked.id, "zhao")
    spooled(place, event(place, system_id, asked.id, reason="approval-used"))
    entries = place.platform.ledger.page(subject=asked.id)
    assert len(entries) == 3
    assert place.entries() > before + 3


def test_an_approval_ends_by_itself_in_the_snapshot(place):
    system_id = place.guarded()
    keyed(place, system_id, "mei")
    *_, asked = held(place, system_id)
    spooled(place, event(place, system_id, asked.id))
    approve(place, asked.id, "zhao")
    assert snapshot(place).content.approvals
    place.platform.clock.pass_by(minutes=16)
    assert snapshot(place).content.approvals == ()


def test_an_event_about_an_unknown_system_is_passed_over(place):
    system_id = place.guarded()
    wrong = event(place, system_id, "apr_x").model_copy(update={"system_id": "sys_none"})
    spooled(place, wrong, event(place, system_id, "apr_y"))
    with place.platform.reading() as work:
        assert [each.id for each in work.approvals.approvals()] == ["apr_y"]


def test_who_watches_stands_in_the_signed_head_of_the_snapshot(place):
    system_id = place.guarded()
    zhao = place.who("zhao")
    with place.platform.work(zhao, "watch.begin") as work:
        proof = work.accounts.reauthenticate(zhao.id, PASSWORD, purpose=system_id)
        work.watching.begin(system_id, actor=zhao, proof=proof)
    first = snapshot(place)
    assert [each.system_id for each in first.watching] == [system_id]
    place.platform.clock.pass_by(seconds=61)
    assert snapshot(place).watching == ()
    forged = first.watching[0].model_copy(update={"seen_at": first.at + timedelta(hours=1)})
    assert isinstance(place.platform.signer.verifier, Verifier)
    assert forged not in snapshot(place).watching
