"""A check run from its asking to its evidence: on files, on a dead server, through a real gateway."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from jingwei.core.errors import Conflict, InputError, NotFound, Refused, Unavailable
from jingwei.core.evidence import BoundTo, Outcome
from jingwei.core.ledger import seal_pending
from jingwei.core.target import Target, TargetKind
from jingwei.manage import State
from jingwei.platform import Execution, execution


@pytest.fixture
def graded(place):
    system_id = place.taken()
    place.loop.grade(system_id, actor=place.who("mei"))
    return system_id


def examined(work_at, run_id, units):
    return asyncio.run(work_at.examine(run_id, units))


def holds(place):
    seal_pending(place.platform.store)
    return place.platform.ledger.verify().holds


@pytest.mark.parametrize(("check", "type_id", "to"), [
    ("data-scan", "EV-PII", BoundTo.DATASET_VERSION),
    ("model-scan", "EV-MODEL-SCAN", BoundTo.MODEL_VERSION),
])  # fmt: skip
def test_a_scan_of_the_systems_own_file_becomes_valid_evidence(place, graded, check, type_id, to):
    run_id = place.asked(graded, check)
    heard = []
    found = Execution(place.platform).run(run_id, progress=lambda done, total: heard.append((done, total)))
    run = place.run(run_id)
    assert run.status == "finished"
    assert run.evidence_ids == tuple(each.id for each in found)
    assert run.done == run.total > 0
    assert heard[0] == (0, run.total)
    assert heard[-1] == (run.total, run.total)
    assert run.started_at <= run.finished_at
    assert place.item(graded, type_id).state is State.VALID
    with place.platform.reading() as work:
        kept = next(each for each in work.proof.all_of(graded) if each.type == type_id)
        assert {each.digest for each in kept.bindings if each.to is to} == set(work.registry.in_use(graded).digests[to])
    assert kept.source.run_id == run_id
    assert holds(place)


def test_a_dead_server_fails_the_run_with_a_reason_in_both_languages(place, graded):
    run_id = place.asked(graded, "redteam", options={"attempts": 2, "retries": 0, "backoff_seconds": 0})
    with pytest.raises(Unavailable) as caught:
        Execution(place.platform).run(run_id)
    run = place.run(run_id)
    assert run.status == "failed"
    assert run.error_code == caught.value.code
    assert run.error == caught.value.message
    assert run.evidence_ids == ()
    assert place.item(graded, "EV-REDTEAM").state is State.MISSING
    assert holds(place)


def test_a_file_that_went_away_fails_the_run(place, graded):
    run_id = place.asked(graded, "data-scan")
    (place.folder / "handbook.jsonl").unlink()
    with pytest.raises((InputError, Unavailable)):
        Execution(place.platform).run(run_id)
    assert place.run(run_id).status == "failed"


def test_a_fault_of_a_check_fails_the_run_and_is_not_called_cancelled(place, graded, monkeypatch):
    run_id = place.asked(graded, "data-scan")

    async def broken(_check, _run, _unit):
        raise ZeroDivisionError

    monkeypatch.setattr("jingwei.develop.data.DataScan.examine", broken)
    with pytest.raises((ZeroDivisionError, ExceptionGroup)):
        Execution(place.platform).run(run_id)
    run = place.run(run_id)
    assert (run.status, run.error_code) == ("failed", "core:job-crashed")


def test_ctrl_c_leaves_a_cancelled_run(place, graded):
    run_id = place.asked(graded, "data-scan")

    def interrupted(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Execution(place.platform).run(run_id, progress=interrupted)
    assert place.run(run_id).status == "cancelled"


def test_to_conclude_twice_stores_once(place, graded):
    run_id, work_at = place.asked(graded, "data-scan"), Execution(place.platform)
    units = work_at.plan(run_id)
    results = examined(work_at, run_id, units)
    found = work_at.conclude(run_id, units, results)
    assert found
    again = Execution(place.platform)  # a process that took over
    assert again.conclude(run_id, units, results) == []
    with place.platform.reading() as work:
        assert len([each for each in work.proof.all_of(graded) if each.source.run_id == run_id]) == len(found)


def cancel(place, run_id):
    mei = place.who("mei")
    with place.platform.work(mei, "run.cancel") as work:
        return work.runs.cancel(run_id, actor=mei)


def test_a_run_cancelled_before_it_began_does_nothing(place, graded):
    run_id = place.asked(graded, "data-scan")
    assert cancel(place, run_id).status == "cancelled"
    with pytest.raises(Conflict) as caught:
        Execution(place.platform).run(run_id)
    assert caught.value.code == "platform:run-ended"
    assert place.run(run_id).status == "cancelled"
    assert place.item(graded, "EV-PII").state is State.MISSING


def test_a_run_cancelled_half_way_stops_at_its_next_step_and_leaves_no_evidence(place, graded):
    run_id, work_at = place.asked(graded, "data-scan"), Execution(place.platform)
    units = work_at.plan(run_id)
    results = examined(work_at, run_id, units)
    cancel(place, run_id)
    with pytest.raises(Conflict):
        work_at.progressed(run_id, len(units), len(units))
    assert work_at.conclude(run_id, units, results) == []
    assert place.run(run_id).evidence_ids == ()


def test_a_run_cancelled_while_its_evidence_is_sealed_leaves_none(place, graded, monkeypatch):
    run_id, work_at = place.asked(graded, "data-scan"), Execution(place.platform)
    units = work_at.plan(run_id)
    results = examined(work_at, run_id, units)
    seal_all = execution.seal_all

    def cancelled_meanwhile(*given, **named):
        cancel(place, run_id)
        return seal_all(*given, **named)

    monkeypatch.setattr(execution, "seal_all", cancelled_meanwhile)
    assert work_at.conclude(run_id, units, results) == []
    assert place.run(run_id).status == "cancelled"
    assert place.item(graded, "EV-PII").state is State.MISSING


def test_a_run_that_ended_cannot_be_cancelled(place, graded):
    run_id = place.asked(graded, "model-scan")
    Execution(place.platform).run(run_id)
    with pytest.raises(Conflict) as caught:
        cancel(place, run_id)
    assert caught.value.code == "platform:run-ended"
    assert place.run(run_id).status == "finished"


def test_only_who_may_run_checks_asks_for_and_cancels_them(place, graded):
    run_id, stranger = place.asked(graded, "model-scan"), place.who("mei").model_copy(update={"roles": frozenset()})
    with pytest.raises(Refused), place.platform.work(stranger, "run.cancel") as work:
        work.runs.cancel(run_id, actor=stranger)
    target = Target(kind=TargetKind.FILE, locator=str(place.folder / "model.gguf"))
    with pytest.raises(Refused), place.platform.work(stranger, "run.ask") as work:
        work.runs.ask("model-scan", system_id=graded, target=target, actor=stranger)


def test_what_does_not_fit_a_check_is_refused_before_anything_runs(place, graded):
    mei = place.who("mei")
    url = Target(kind=TargetKind.ENDPOINT, locator="http://127.0.0.1:9/v1")
    for check, target, options, code in (
        ("model-scan", url, {}, "platform:target-unfit"),
        ("redteam", url, {"attempts": 0}, "platform:option-wrong"),
        ("no-such-check", url, {}, "core:check-unknown"),
    ):
        with pytest.raises(InputError) as caught, place.platform.work(mei, "run.ask") as work:
            work.runs.ask(check, system_id=graded, target=target, actor=mei, options=options)
        assert caught.value.code == code
    with pytest.raises(NotFound):
        place.run("run_none")
    with place.platform.reading() as work:
        assert work.runs.runs(system_id=graded) == []


def test_runs_are_listed_newest_first(place, graded):
    first, second = place.asked(graded, "model-scan"), place.asked(graded, "data-scan")
    with place.platform.reading() as work:
        assert [each.id for each in work.runs.runs(system_id=graded)] == [second, first]
        assert [each.id for each in work.runs.runs(limit=1)] == [second]
        assert work.runs.runs(system_id="sys_other") == []


@pytest.mark.slow
def test_a_part_that_changes_during_a_run_is_not_proven_by_it(place, graded):
    run_id, work_at = place.asked(graded, "ai-bom"), Execution(place.platform)
    units = work_at.plan(run_id)
    results = examined(work_at, run_id, units)
    with place.platform.reading() as work:
        before = work.registry.in_use(graded).digests[BoundTo.RELEASE]
    with place.platform.work(place.who("mei"), "test") as work:
        work.parts.add(graded, "prompt", "prompt.txt", digest="f" * 64, actor=place.who("mei"))
    (evidence,) = work_at.conclude(run_id, units, results)
    assert {each.digest for each in evidence.bindings if each.to is BoundTo.RELEASE} == set(before)
    assert place.item(graded, "EV-AIBOM").state is State.STALE


# through a real gateway ----------------------------------------------------------------------------------------------


def test_a_run_through_the_gateway_is_admitted_and_leaves_trial_events(guarded_place, organism, wait):
    place = guarded_place
    system_id = place.guarded()
    run_id = place.asked(system_id, "redteam", options={"attempts": 6, "retries": 0, "seed": 3})
    found = Execution(place.platform, place.gateway_url).run(run_id)
    run = place.run(run_id)
    assert run.status == "finished"
    assert organism.asked
    with place.platform.reading() as work:
        (token,) = work.tokens.tokens(system_id)
        configuration = work.registry.configuration(system_id)
    assert token.run_id == run_id
    assert token.revoked_at is not None
    assert token.written not in repr(found)
    (evidence,) = found
    assert evidence.configuration.policy == configuration.policy
    assert evidence.configuration.gateway == configuration.gateway
    wait(lambda: place.platform.relay.drain() or place.platform.events.of_run(run_id))
    assert all(each.trial and each.system_id == system_id for each in place.platform.events.of_run(run_id))
    assert holds(place)


def test_a_run_with_no_gateway_there_fails_and_keeps_no_token(place, monkeypatch):
    monkeypatch.setattr(execution, "_ADMITTED_SECONDS", 0.6)
    system_id = place.guarded()
    run_id = place.asked(system_id, "guard-config")
    with pytest.raises(Unavailable) as caught:
        Execution(place.platform, place.gateway_url).run(run_id)
    assert caught.value.code == "platform:gateway-not-admitting"
    assert place.run(run_id).status == "failed"
    with place.platform.reading() as work:
        (token,) = work.tokens.tokens(system_id)
    assert token.revoked_at is not None


def test_a_run_that_outlives_its_token_gets_another(guarded_place, organism):
    place = guarded_place
    system_id = place.guarded()
    run_id = place.asked(system_id, "redteam", options={"attempts": 4, "retries": 0})
    work_at = Execution(place.platform, place.gateway_url)
    work_at.plan(run_id)
    first = work_at._prepared[run_id].run.secret
    assert work_at._get(run_id).run.secret == first
    work_at._prepared[run_id] = _older(work_at._prepared[run_id], minutes=21)
    assert work_at._get(run_id).run.secret != first
    with place.platform.reading() as work:
        live = [each for each in work.tokens.tokens(system_id) if each.revoked_at is None]
        assert [each.written for each in live] == [work_at._get(run_id).run.secret.get_secret_value()]
        assert len(work.tokens.tokens(system_id)) == 2
    cancel(place, run_id)
    with place.platform.reading() as work:
        assert all(each.revoked_at for each in work.tokens.tokens(system_id))


def test_to_conclude_in_another_process_needs_no_gateway(guarded_place, organism):
    place = guarded_place
    system_id = place.guarded()
    run_id = place.asked(system_id, "redteam", options={"attempts": 2, "retries": 0})
    work_at = Execution(place.platform, place.gateway_url)
    units = work_at.plan(run_id)
    results = examined(work_at, run_id, units)
    (evidence,) = Execution(place.platform, place.gateway_url).conclude(run_id, units, results)
    assert evidence.source.run_id == run_id
    with place.platform.reading() as work:
        assert len(work.tokens.tokens(system_id)) == 1
    assert place.run(run_id).status == "finished"


def _older(prepared, *, minutes):
    return replace(prepared, admitted_at=prepared.admitted_at - timedelta(minutes=minutes))


def test_the_upstream_key_goes_to_the_systems_own_server_only(place, monkeypatch):
    monkeypatch.setenv("JINGWEI_UPSTREAM_KEY_TEST", "sk-secret")
    upstream = place.file.upstream.model_copy(update={"key_env": "JINGWEI_UPSTREAM_KEY_TEST"})
    system_id = place.taken(upstream=upstream)
    place.loop.grade(system_id, actor=place.who("mei"))
    own = place.asked(system_id, "redteam")
    other = place.asked(system_id, "redteam", target=Target(kind=TargetKind.ENDPOINT, locator="http://127.0.0.1:1/v1"))
    scan = place.asked(system_id, "model-scan")
    work_at = Execution(place.platform)
    assert work_at._get(own).run.secret.get_secret_value() == "sk-secret"
    assert work_at._get(other).run.secret is None
    assert work_at._get(scan).run.secret is None


def test_a_run_at_a_stand_in_is_never_a_pass(place, organism):
    system_id = place.taken()
    place.loop.grade(system_id, actor=place.who("mei"))
    run_id = place.asked(system_id, "redteam", options={"attempts": 2, "retries": 0},
                         target=Target(kind=TargetKind.ENDPOINT, locator=organism.url))  # fmt: skip
    (evidence,) = Execution(place.platform).run(run_id)
    assert evidence.outcome is not Outcome.PASS


def test_two_runs_at_once_do_not_disturb_each_other(place, graded):
    runs = [place.asked(graded, check) for check in ("data-scan", "model-scan")]
    work_at, failed = Execution(place.platform), []

    def one(run_id):
        try:
            work_at.run(run_id)
        except Exception as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    threads = [threading.Thread(target=one, args=(run_id,)) for run_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []
    assert [place.run(run_id).status for run_id in runs] == ["finished", "finished"]
