"""The relay: what gateways are told, how soon, and that no event is taken twice or lost."""

import json
import logging
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import event as database_event
from sqlalchemy import text

from jingwei.core.errors import NotFound, Refused, Unavailable
from jingwei.core.event import Event, EventKind
from jingwei.core.identity import Actor
from jingwei.core.ledger import seal_pending
from jingwei.core.merkle import root_of
from jingwei.core.policy import Decision, Limits
from jingwei.core.signing import Signer, encode
from jingwei.core.snapshot import key_hash, read_public_key, read_snapshot
from jingwei.core.spool import SpoolWriter
from jingwei.core.store.tables import EntryRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.token import AssessmentToken, read
from jingwei.platform import relay as relay_module
from jingwei.platform.events import Narrowed


def snapshot_of(place):
    """Publish, and read as a gateway does: with the public key beside the file."""
    place.platform.relay.publish()
    path = place.platform.settings.snapshot_path
    return read_snapshot(path, read_public_key(path.with_name("platform.pub")))


def served(place):
    (one,) = snapshot_of(place).systems
    return one


def token_for(place, system_id):
    """Ask for a run through the gateway and give it its token, as the execution does."""
    mei = place.who("mei")
    with place.platform.work(mei, "run.ask") as work:
        run = work.runs.ask("guard-test", system_id=system_id, actor=mei,
                            target=Target(kind=TargetKind.GATEWAY, locator=place.gateway_url))  # fmt: skip
        key = encode(Signer.generate().verifier.public)
        return work.tokens.issue_assessment(system_id, run_id=run.id, caller_key=key, actor=mei)


def queries(place):
    """Count what is asked of the state database from now on."""
    asked = []
    database_event.listen(place.platform.store.engine, "before_cursor_execute",
                          lambda _c, _u, sql, *_: asked.append(sql))  # fmt: skip
    return asked


def test_a_system_without_a_policy_is_not_served(place):
    system_id = place.taken()
    assert snapshot_of(place).systems == ()
    place.loop.grade(system_id, actor=place.who("mei"))
    assert snapshot_of(place).systems == ()


def test_a_guarded_system_is_told_with_its_policy_keys_and_configuration(place):
    system_id = place.guarded()
    mei = place.who("mei")
    with place.platform.work(mei, "key.make") as work:
        key = work.registry.make_key(system_id, "app", actor=mei).key
    told = served(place)
    with place.platform.reading() as work:
        running = work.registry.configuration(system_id)
        assert told.policy == work.policies.in_force(system_id)
    assert told.system_id == system_id
    assert told.upstream_url == place.upstream_url
    assert told.key_hashes == (key_hash(key),)
    assert told.configuration == {"model": running.model, "prompt": running.prompt, "tools": running.tools}
    assert told.release_token is None
    assert key not in place.platform.settings.snapshot_path.read_text()


def test_an_assessment_token_is_told_while_its_run_is_active(place):
    system_id = place.guarded()
    record = token_for(place, system_id)
    (written,) = served(place).assessment_tokens
    token = read(written, place.platform.signer.verifier)
    assert isinstance(token, AssessmentToken)
    assert token.id == record.id
    with place.platform.work(place.who("mei"), "run.cancel") as work:
        work.runs.cancel(record.run_id, actor=place.who("mei"))
    after = snapshot_of(place)
    assert after.systems[0].assessment_tokens == ()
    assert after.revoked == (record.id,)


def test_a_token_that_ends_by_itself_is_gone_without_an_entry(place):
    record = token_for(place, place.guarded())
    assert len(served(place).assessment_tokens) == 1
    entries = place.entries()
    place.platform.clock.pass_by(minutes=29, seconds=50)
    assert len(served(place).assessment_tokens) == 1
    place.platform.clock.pass_by(seconds=10)
    assert place.platform.clock() >= record.expires_at
    assert served(place).assessment_tokens == ()
    assert place.entries() == entries


def test_a_key_that_ends_by_itself_is_gone_without_an_entry(place):
    system_id, mei = place.guarded(), place.who("mei")
    with place.platform.work(mei, "key.make") as work:
        work.registry.make_key(system_id, "short", actor=mei,
                               expires_at=place.platform.clock() + timedelta(hours=1))  # fmt: skip
        lasting = work.registry.make_key(system_id, "lasting", actor=mei).key
    assert len(served(place).key_hashes) == 2
    place.platform.clock.pass_by(hours=1, seconds=1)
    assert served(place).key_hashes == (key_hash(lasting),)


def test_a_revoked_key_and_a_changed_upstream_are_in_the_next_snapshot(place):
    system_id, mei = place.guarded(), place.who("mei")
    with place.platform.work(mei, "key.make") as work:
        made = work.registry.make_key(system_id, "app", actor=mei)
    assert served(place).key_hashes
    with place.platform.work(mei, "key.revoke") as work:
        work.registry.revoke_key(made.record.id, actor=mei)
        work.registry.edit(system_id, actor=mei, upstream_url="http://127.0.0.1:7/v1")
    assert served(place).key_hashes == ()
    assert served(place).upstream_url == "http://127.0.0.1:7/v1"


def test_a_keys_tenant_and_limits_are_in_the_next_snapshot(place):
    system_id, mei = place.guarded(), place.who("mei")
    with place.platform.work(mei, "key.make") as work:
        made = work.registry.make_key(system_id, "app", actor=mei)
    (key,) = served(place).keys
    assert (key.hash, key.name, key.tenant, key.limits) == (key_hash(made.key), "app", "", None)
    for per_minute in (60, 5):
        with place.platform.work(mei, "key.terms") as work:
            limits = Limits(requests_per_minute=per_minute)
            work.registry.set_key_terms(made.record.id, actor=mei, tenant="retail", limits=limits)
        (key,) = served(place).keys
        assert (key.tenant, key.limits) == ("retail", limits)
    with place.platform.work(mei, "key.terms") as work:
        work.registry.set_key_terms(made.record.id, actor=mei)
    (key,) = served(place).keys
    assert (key.tenant, key.limits) == ("", None)
    with place.platform.work(mei, "key.revoke") as work:
        work.registry.revoke_key(made.record.id, actor=mei)
    assert served(place).keys == ()


def test_only_who_may_make_a_key_sets_its_terms(place):
    system_id, mei = place.guarded(), place.who("mei")
    with place.platform.work(mei, "key.make") as work:
        made = work.registry.make_key(system_id, "app", actor=mei)
    stranger = Actor(id=mei.id, roles=frozenset())
    with pytest.raises(Refused), place.platform.work(stranger, "key.terms") as work:
        work.registry.set_key_terms(made.record.id, actor=stranger, limits=Limits())
    with pytest.raises(NotFound), place.platform.work(mei, "key.terms") as work:
        work.registry.set_key_terms("key_none", actor=mei)


def test_a_retired_system_keeps_no_token(place):
    system_id = place.guarded()
    record = token_for(place, system_id)
    owner = place.who("lin")
    assert len(served(place).assessment_tokens) == 1
    with place.platform.work(owner, "system.retire") as work:
        work.tokens.retire(system_id, actor=owner, reason="replaced")
    after = snapshot_of(place)
    assert (after.systems[0].status, after.systems[0].assessment_tokens) == ("retired", ())
    assert record.id in after.revoked


def test_an_unchanged_ledger_renews_the_time_and_reads_nothing_again(place):
    place.guarded()
    first = snapshot_of(place)
    asked = queries(place)
    place.platform.clock.pass_by(seconds=30)
    second = snapshot_of(place)
    assert second.at >= first.at + timedelta(seconds=30)
    assert second.sequence > first.sequence
    assert second.content == first.content
    read = [sql for sql in asked if sql.startswith("SELECT")]
    assert len(read) == 2  # how far the ledger goes, and who watches now
    assert "watch" in read[1]


def test_a_change_to_one_system_reads_only_that_one_again(place):
    ids = []
    for number in range(3):
        ids.append(place.taken(name=f"assistant {number}"))
        place.loop.grade(ids[-1], actor=place.who("mei"))
        place.loop.guard(ids[-1], place.file, actor=place.who("zhao"))
    before = {each.system_id: each for each in snapshot_of(place).systems}
    mei = place.who("mei")
    with place.platform.work(mei, "key.make") as work:
        work.registry.make_key(ids[1], "app", actor=mei)
    asked = queries(place)
    after = {each.system_id: each for each in snapshot_of(place).systems}
    assert len([sql for sql in asked if "FROM policy" in sql]) < 2 * 4
    assert before.keys() == after.keys() == set(ids)
    assert {each for each in ids if before[each] != after[each]} == {ids[1]}


@pytest.mark.parametrize("what", ["fact", "prompt", "policy", "responsibility", "new"])
def test_what_is_told_after_a_change_is_what_a_fresh_relay_would_tell(place, what):
    system_id, mei = place.guarded(), place.who("mei")
    snapshot_of(place)
    with place.platform.work(mei if what != "policy" else place.who("zhao"), "test") as work:
        match what:
            case "fact":
                work.intake.answer(system_id, {"scale": "large"}, actor=mei)
            case "prompt":
                work.parts.add(system_id, "prompt", "prompt.txt", digest="f" * 64, actor=mei)
            case "policy":
                work.guarding.attach(system_id, actor=place.who("zhao"), guard=place.file.guard)
            case "responsibility":
                dataset, vendor = (next(each for each in work.parts.of(system_id).components if each.kind == kind)
                                   for kind in ("model", "dataset"))  # fmt: skip
                work.parts.answer_for(vendor.id, "us", actor=mei, rests_on_id=dataset.id)
            case "new":
                file = place.file.model_copy(update={"name": "another"})
                other = work.intake.take(file, folder=place.folder, actor=mei).system.id
    if what == "new":
        place.loop.grade(other, actor=mei)
        place.loop.guard(other, place.file, actor=place.who("zhao"))
    told = snapshot_of(place)
    del place.platform.__dict__["relay"]
    assert snapshot_of(place).content == told.content
    assert len(told.systems) == (2 if what == "new" else 1)


def test_one_system_whose_records_do_not_hold_is_left_out_and_the_others_are_served(place, caplog):
    broken = place.guarded()
    whole = place.taken(name="whole")
    place.loop.grade(whole, actor=place.who("mei"))
    place.loop.guard(whole, place.file, actor=place.who("zhao"))
    assert len(snapshot_of(place).systems) == 2
    with place.platform.store.engine.connect() as connection:  # past every guard, as an administrator could
        connection.execute(text("UPDATE policy SET body = '{}' WHERE system_id = :id"), {"id": broken})
        connection.execute(text("COMMIT"))
    del place.platform.__dict__["relay"]
    with caplog.at_level(logging.ERROR):
        assert [each.system_id for each in snapshot_of(place).systems] == [whole]
    assert broken in caplog.text


# draining ----------------------------------------------------------------------------------------------------------


NUMBERS = count(1)


def some_events(count, *, system_id="sys_1", run_id=""):
    return [
        Event(id=f"evt_{next(NUMBERS):026}", at="2026-11-22T12:00:00Z", kind=EventKind.VERDICT, system_id=system_id,
              request_id=f"req_{number}", direction="inbound", decision=Decision.BLOCK if number % 2 else Decision.ALLOW,
              trial=bool(run_id), run_id=run_id)
        for number in range(count)
    ]  # fmt: skip


def spooled(place, *batches):
    writer = SpoolWriter(place.platform.settings.spool_path)
    for batch in batches:
        writer.write(batch)
        writer.close()
    return sorted(place.platform.settings.spool_path.iterdir())


def roots(place):
    with place.platform.store.reading() as session:
        rows = session.query(EntryRow).filter(EntryRow.table_name == "").order_by(EntryRow.number)
        return [(row.row_id, json.loads(row.body)["body"]) for row in rows]


def test_a_segment_is_taken_once_and_its_root_is_in_the_ledger(place):
    events = some_events(5)
    (path,) = spooled(place, events)
    lines = path.read_bytes().splitlines()
    assert place.platform.relay.drain() == 5
    assert place.platform.relay.drain() == 0
    assert place.platform.events.newest() == events[::-1]
    assert roots(place) == [(path.stem, {"root": root_of(lines), "events": 5})]
    assert not path.exists()
    seal_pending(place.platform.store)
    assert place.platform.ledger.verify().holds


@pytest.mark.parametrize("when", ["events", "ledger"])
def test_a_relay_killed_in_the_middle_takes_nothing_twice(place, monkeypatch, when):
    place.platform.relay.drain()  # this host has its name
    spooled(place, some_events(4))
    with monkeypatch.context() as patch:
        if when == "events":  # after the events are in, before the root is
            patch.setattr(relay_module, "append_entry", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        else:  # after the root is in, before the file is gone
            patch.setattr("pathlib.Path.unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            place.platform.relay.drain()
    assert len(place.platform.events.newest()) == 4
    assert len(roots(place)) == (0 if when == "events" else 1)
    del place.platform.__dict__["relay"]
    place.platform.relay.drain()
    assert len(place.platform.events.newest()) == 4
    assert len(roots(place)) == 1
    assert list(place.platform.settings.spool_path.glob("*.jsonl*")) == []


def test_a_segment_that_holds_something_else_is_set_aside_and_the_rest_is_taken(place, caplog):
    first, second, third = spooled(place, some_events(2), some_events(3), some_events(1))
    second.write_bytes(b'{"id": "forged"}\n' + second.read_bytes())
    with caplog.at_level(logging.ERROR):
        assert place.platform.relay.drain() == 3
    assert second.name in caplog.text
    assert [each.name for each in place.platform.settings.spool_path.glob("*.jsonl*")] == [second.name + ".refused"]
    assert [name for name, _ in roots(place)] == [first.stem, third.stem]


def test_segments_are_taken_in_the_order_they_were_written(place):
    paths = spooled(place, *([each] for each in some_events(12)))
    place.platform.relay.drain()
    ordered = sorted(paths, key=lambda path: int(path.stem.rpartition("-")[2]))
    assert [name for name, _ in roots(place)] == [path.stem for path in ordered]


def test_events_are_read_by_system_run_cursor_and_decision(place):
    others, trial = some_events(3, system_id="sys_2"), some_events(4, run_id="run_7")
    spooled(place, others, trial)
    place.platform.relay.drain()
    events = place.platform.events
    assert events.newest(Narrowed(system_id="sys_2")) == others[::-1]
    assert events.of_run("run_7") == trial
    assert events.of_run("run_8") == []
    assert events.since(trial[0].id) == trial[1:]
    assert events.newest(limit=2) == trial[:1:-1]
    counts = {(each.decision, each.trial): each.events for each in events.counts()}
    assert counts == {("allow", False): 2, ("block", False): 1, ("allow", True): 2, ("block", True): 2}
    assert events.counts(system_id="sys_2", after=others[0].at) == []


def test_the_thread_goes_on_after_a_round_that_failed_and_leaves_no_event_behind(place, monkeypatch, caplog, wait):
    monkeypatch.setattr(relay_module, "PERIOD_SECONDS", 0.01)
    relay, rounds = place.platform.relay, []
    publish = relay.publish

    def failing():
        rounds.append(1)
        if len(rounds) in {2, 3}:
            raise (Unavailable("core:store-busy", place="x") if len(rounds) == 2 else ZeroDivisionError)
        publish()

    monkeypatch.setattr(relay, "publish", failing)
    with caplog.at_level(logging.CRITICAL):
        relay.start()
        spooled(place, some_events(2))
        wait(lambda: len(rounds) >= 5)
    spooled(place, some_events(1))
    relay.stop()
    assert len(place.platform.events.newest()) == 3
