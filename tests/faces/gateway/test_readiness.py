"""Whether a gateway should get requests: its snapshot is fresh, and what it answers could be recorded."""

import errno
import os
from datetime import timedelta

import pytest
from tests.faces.gateway.conftest import now

from jingwei.faces.gateway.readiness import Room

PATHS = ("/jingwei/live", "/jingwei/ready", "/jingwei/health")


@pytest.fixture
def looking(open_house):
    """The gateway, its last look at the disk forgotten before each question."""

    def look():
        open_house.app._standing.room._looked_at = float("-inf")
        return [open_house.call("GET", path, key=None) for path in PATHS]

    yield look
    open_house.app._standing.room._looked_at = float("-inf")


def refuses(replies, problem):
    assert [each.status for each in replies] == [200, 503, 503]
    for each in replies:
        assert each.json["problem"] == problem
        assert each.json["reason"]["zh"]
        assert each.json["reason"]["en"]
    assert replies[0].json["status"] == "refusing"


def test_a_gateway_that_can_serve_and_record_is_ready(looking):
    replies = looking()
    assert [each.status for each in replies] == [200, 200, 200]
    assert [each.json["problem"] for each in replies] == ["", "", ""]
    assert all("reason" not in each.json for each in replies)


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_full_disk_makes_a_gateway_not_ready(open_house, looking, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    refuses(looking(), "spool-unwritable")
    assert open_house.chat().code == "spool-unwritable"  # it says the same of itself as it does
    monkeypatch.undo()
    assert [each.status for each in looking()] == [200, 200, 200]


def test_a_disk_that_takes_a_part_only_is_full(looking, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, bytes(content)[:100]))
    refuses(looking(), "spool-unwritable")


def test_a_spool_that_is_no_folder_any_more_makes_a_gateway_not_ready(open_house, looking):
    spool = open_house.folder / "spool"
    open_house.clear()
    aside = spool.rename(open_house.folder / "aside")
    try:
        spool.write_bytes(b"")
        refuses(looking(), "spool-unwritable")
    finally:
        spool.unlink()
        aside.rename(spool)
    assert [each.status for each in looking()] == [200, 200, 200]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_spool_that_may_not_be_written_makes_a_gateway_not_ready(open_house, looking):
    spool = open_house.folder / "spool"
    spool.chmod(0o500)
    try:
        refuses(looking(), "spool-unwritable")
    finally:
        spool.chmod(0o700)


@pytest.mark.parametrize("age", [31, -6])
def test_a_snapshot_that_is_old_or_of_the_future_makes_a_gateway_not_ready(open_house, looking, age):
    serving = open_house.app._serving
    before, clock = serving._snapshot, serving._clock
    serving._clock = lambda: before.at + timedelta(seconds=age)
    try:
        refuses(looking(), "snapshot-stale")
    finally:
        serving._clock = clock


def test_a_forged_snapshot_makes_a_gateway_not_ready(open_house, looking, caller):
    open_house.publish(at=now(), signer=caller)
    try:
        refuses(looking(), "snapshot-tampered")
    finally:
        open_house.publish()


def test_one_look_serves_for_a_second_and_leaves_nothing_behind(tmp_path):
    time = [0.0]
    room = Room(tmp_path / "spool", now=lambda: time[0])
    assert room.writable()
    assert list((tmp_path / "spool").iterdir()) == []
    (tmp_path / "spool").rmdir()
    (tmp_path / "spool").write_bytes(b"")
    time[0] += 0.9
    assert room.writable()
    time[0] += 0.2
    assert not room.writable()
