"""The example application, taken round the loop."""

import json

import pytest

from jingwei.core.ledger import seal_pending
from jingwei.core.snapshot import read_public_key, read_snapshot
from jingwei.core.text import Both
from jingwei.core.token import ReleaseToken, read
from jingwei.manage import State
from jingwei.platform import demonstration
from jingwei.platform.outside import tampered

OPEN = {
    "EV-GUARD-CFG", "EV-RISK", "EV-PII", "EV-AIBOM", "EV-MODEL-SCAN", "EV-REDTEAM", "EV-GUARD-TEST", "EV-VENDOR",
    "EV-LABEL", "EV-AGENT-PERM", "EV-AGENT-LOG", "EV-RESP-DOC",
}  # fmt: skip
"""What grade 2 demands of an assistant with tools, less its intake and its grading."""


def open_types(place, system_id):
    return {item.type for item in place.loop.verdict(system_id).open_items}


def codes(place, system_id):
    return [each.code for each in place.loop.verdict(system_id).blockers]


def test_the_gate_says_exactly_what_is_missing_at_each_step(place):
    system_id = place.taken()
    assert codes(place, system_id) == ["no-policy", "not-graded"]
    graded = place.loop.grade(system_id, actor=place.who("mei"))
    assert (graded.decision.grade, graded.decision.lane.id) == (2, "fast_plus")
    assert codes(place, system_id) == ["no-policy"]
    assert open_types(place, system_id) == OPEN
    attached = place.loop.guard(system_id, place.file, actor=place.who("zhao"))
    assert attached.grade == 2
    verdict = place.loop.verdict(system_id)
    assert verdict.blockers == ()
    assert not verdict.passed
    assert {item.type for item in verdict.open_items} == OPEN
    for item in verdict.open_items:
        assert item.state is State.MISSING
        assert item.mend.zh
        assert item.mend.en


def test_the_same_intake_taken_again_changes_nothing(place):
    system_id = place.guarded()
    before, verdict = place.entries(), place.loop.verdict(system_id)
    again = place.loop.take(place.file, folder=place.folder, actor=place.who("mei"))
    assert (again.created, again.system.id) == (False, system_id)
    place.loop.guard(system_id, place.file, actor=place.who("zhao"))
    assert place.entries() == before
    assert place.loop.verdict(system_id).items == verdict.items


def test_a_changed_answer_is_one_new_fact_and_asks_for_a_new_grading(place):
    system_id = place.guarded()
    place.taken(facts={**place.file.facts, "autonomy": "L3"})
    assert codes(place, system_id) != []
    place.loop.grade(system_id, actor=place.who("mei"))
    assert codes(place, system_id) == ["policy-below-grade"]
    place.loop.guard(system_id, place.file, actor=place.who("zhao"))
    assert codes(place, system_id) == []
    assert place.loop.verdict(system_id).grade == 3


@pytest.mark.parametrize(("part", "change"), [
    ("prompt", lambda place: (place.folder / "prompt.txt").write_text("Another prompt. {canary}")),
    ("model", lambda place: (place.folder / "model.gguf").write_bytes((place.folder / "model.gguf").read_bytes() + b"\0" * 32)),
])  # fmt: skip
def test_a_changed_part_lapses_what_was_measured_and_is_named(place, part, change):
    system_id = place.guarded()
    place.prove(system_id)
    assert place.loop.verdict(system_id).passed
    change(place)
    place.taken()
    item = place.item(system_id, "EV-REDTEAM")
    assert item.state is State.STALE
    assert [each.part for each in item.changes] == [part]
    scan = place.item(system_id, "EV-MODEL-SCAN")
    assert scan.state is (State.STALE if part == "model" else State.VALID)
    assert place.item(system_id, "EV-PII").state is State.VALID


def test_a_changed_server_and_a_changed_policy_lapse_what_was_measured(place):
    system_id = place.guarded()
    place.prove(system_id)
    stricter = place.file.model_copy(update={"guard": place.file.guard.model_copy(update={"words": ("飞鸟计划",)})})
    place.loop.guard(system_id, stricter, actor=place.who("zhao"))
    assert [each.part for each in place.item(system_id, "EV-GUARD-TEST").changes] == ["policy"]
    place.upstream_url = "http://127.0.0.1:10/v1"
    place.taken()
    assert [each.part for each in place.item(system_id, "EV-GUARD-TEST").changes] == ["policy", "gateway"]


def test_a_released_system_is_told_to_gateways_until_it_is_suspended(place):
    system_id = place.released()
    path = place.platform.settings.snapshot_path

    def told():
        place.platform.relay.publish()
        (one,) = read_snapshot(path, read_public_key(path.with_name("platform.pub"))).systems
        return one

    token = read(told().release_token, place.platform.signer.verifier)
    assert isinstance(token, ReleaseToken)
    assert (told().status, token.system_id) == ("live", system_id)
    zhao = place.who("zhao")
    with place.platform.work(zhao, "system.suspend") as work:
        work.tokens.suspend(system_id, actor=zhao, reason="an incident")
    assert (told().status, told().release_token) == ("suspended", None)


def test_a_part_that_changes_after_the_release_takes_the_token_out_of_the_snapshot(place):
    place.released()
    path = place.platform.settings.snapshot_path
    place.platform.relay.publish()
    (place.folder / "prompt.txt").write_text("Another prompt.")
    place.taken()
    place.platform.relay.publish()
    (one,) = read_snapshot(path, read_public_key(path.with_name("platform.pub"))).systems
    assert one.release_token is None


def test_a_forged_ledger_is_found_and_the_true_one_holds(place):
    place.released()
    seal_pending(place.platform.store)
    assert place.platform.ledger.verify().holds
    forged = tampered(place.platform)
    assert not forged.holds
    assert all(fault.message.zh and fault.message.en for fault in forged.faults)
    assert place.platform.ledger.verify().holds  # only the copy was touched
    assert tampered(place.platform).fault_count == forged.fault_count


def test_what_is_not_sealed_yet_is_counted_and_not_vouched_for(place):
    place.guarded()
    report = place.platform.ledger.verify()
    assert (report.entries, report.unsealed) == (0, place.entries())
    seal_pending(place.platform.store)
    report = place.platform.ledger.verify()
    assert (report.entries, report.unsealed) == (place.entries(), 0)


def test_the_ledger_is_read_by_pages_and_by_subject(place):
    system_id = place.guarded()
    first = place.platform.ledger.page(limit=5)
    second = place.platform.ledger.page(before=first[-1].number, limit=5)
    numbers = [each.number for each in (*first, *second)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 10
    assert all(each.sequence is None for each in first)
    seal_pending(place.platform.store)
    subject = place.platform.ledger.page(subject=system_id)
    assert {each.table for each in subject} == {"system"}
    assert [each.action for each in subject][-1] == "insert"
    assert subject[0].sequence is not None
    assert place.platform.ledger.anchor().size == place.entries()


def test_the_ledger_is_exported_as_json_lines(place, tmp_path):
    place.guarded()
    seal_pending(place.platform.store)
    path = tmp_path / "ledger.jsonl"
    with path.open("wb") as file:
        count = place.platform.ledger.export(file)
    assert count == place.entries()
    assert len([json.loads(line) for line in path.read_bytes().splitlines()]) >= count


def test_the_example_is_copied_with_its_model_and_nothing_of_it_is_changed(tmp_path):
    model = tmp_path / "some.gguf"
    model.write_bytes(b"GGUF")
    copy = demonstration.working_copy(demonstration.example_folder(), tmp_path / "copy", model=model)
    again = demonstration.working_copy(demonstration.example_folder(), tmp_path / "copy", model=model)
    assert copy == again
    assert (copy / "model.gguf").read_bytes() == b"GGUF"
    assert not (demonstration.example_folder() / "model.gguf").exists()


def test_on_postgresql_the_loop_is_the_same(postgres_place):
    place = postgres_place
    system_id = place.guarded()
    assert codes(place, system_id) == []
    assert open_types(place, system_id) == OPEN
    scan = place.wanted(system_id, "model-scan")
    place.loop.run_check(system_id, scan, actor=place.who("mei"), progress=lambda *_: None)
    assert open_types(place, system_id) == OPEN - {"EV-MODEL-SCAN"}
    place.platform.relay.publish()
    path = place.platform.settings.snapshot_path
    assert [each.system_id for each in read_snapshot(path, place.platform.signer.verifier).systems] == [system_id]
    seal_pending(place.platform.store)
    report = place.platform.ledger.verify()
    assert report.holds
    assert report.entries == place.entries()


def test_how_people_go_on_by_hand_is_told_in_the_intake_and_kept(place):
    system_id = place.taken()
    place.loop.grade(system_id, actor=place.who("mei"))
    told = Both(zh="请拨分机 1", en="Call extension 1")
    file = place.file.model_copy(update={"guard": place.file.guard.model_copy(update={"manual_fallback": told})})
    place.loop.guard(system_id, file, actor=place.who("zhao"))
    with place.platform.reading() as work:
        assert work.policies.in_force(system_id).manual_fallback == told
        assert work.guarding.compile(system_id).manual_fallback == told
