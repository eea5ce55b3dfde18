"""Events between a gateway and the relay: nothing lost, nothing torn taken."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from jingwei.core.errors import Unavailable
from jingwei.core.event import Event, EventKind
from jingwei.core.spool import SpoolWriter, drain, read_segments

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def event(number):
    return Event(
        id=f"evt_{number:04}", at=NOW, kind=EventKind.VERDICT, system_id="sys_1", request_id="req_1", reason="结果"
    )


def test_events_reach_the_relay_once_and_in_order(tmp_path):
    writer = SpoolWriter(tmp_path, max_bytes=600)
    for number in range(10):
        writer.write([event(number)])
    writer.close()
    taken = []
    assert drain(tmp_path, taken.append).events == 10
    assert [each.id for segment in taken for each in segment.events] == [f"evt_{n:04}" for n in range(10)]
    assert len({segment.name for segment in taken}) == len(taken) > 1
    assert drain(tmp_path, taken.append).events == 0
    assert list(tmp_path.iterdir()) == []


def test_an_open_segment_is_left_to_its_writer(tmp_path):
    writer = SpoolWriter(tmp_path)
    writer.write([event(1)])
    assert list(read_segments(tmp_path)) == []
    writer.close()
    assert len(list(read_segments(tmp_path))) == 1


def test_an_old_segment_is_closed_without_a_further_event(tmp_path):
    moment = [NOW]
    writer = SpoolWriter(tmp_path, clock=lambda: moment[0], max_age=timedelta(seconds=2))
    writer.write([event(1)])
    writer.rotate()
    assert list(read_segments(tmp_path)) == []
    moment[0] += timedelta(seconds=2)
    writer.rotate()
    assert len(list(read_segments(tmp_path))) == 1


def test_a_segment_stays_when_it_could_not_be_taken(tmp_path):
    writer = SpoolWriter(tmp_path)
    writer.write([event(1)])
    writer.close()

    def fail(segment):
        raise RuntimeError("database locked")

    with pytest.raises(RuntimeError):
        drain(tmp_path, fail)
    assert drain(tmp_path, lambda segment: None).events == 1


def test_a_killed_writers_segment_is_taken_without_its_torn_line(tmp_path):
    code = (
        "import os,sys,signal\n"
        "from datetime import UTC,datetime\nfrom pathlib import Path\n"
        "from jingwei.core.event import Event,EventKind\nfrom jingwei.core.spool import SpoolWriter\n"
        "w=SpoolWriter(Path(sys.argv[1]))\n"
        "w.write([Event(id='evt_1',at=datetime(2026,3,1,tzinfo=UTC),kind=EventKind.REFUSAL,system_id='s',request_id='r')])\n"
        'w._file.write(b\'{"id":"evt_2",\')\n'
        "os.kill(os.getpid(),signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    taken = []
    drain(tmp_path, taken.append)
    assert [each.id for each in taken[0].events] == ["evt_1"]
    assert taken[0].torn


def test_a_segment_with_something_else_in_it_is_set_aside_and_the_rest_goes_on(tmp_path):
    (tmp_path / "1-1.000000-1.jsonl").write_bytes(b'{"not":"an event"}\n')
    writer = SpoolWriter(tmp_path)
    writer.write([event(1)])
    writer.close()
    done = drain(tmp_path, lambda segment: None)
    assert done.events == 1
    assert done.refused == ("1-1.000000-1.jsonl",)
    assert (tmp_path / "1-1.000000-1.jsonl.refused").exists()


def test_a_full_disk_says_so_and_what_was_written_before_stays(tmp_path, monkeypatch):
    writer = SpoolWriter(tmp_path)
    writer.write([event(1)])

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fdatasync", full)
        with pytest.raises(Unavailable, match="No space left"):
            writer.write([event(2)])
    writer.write([event(3)])
    writer.close()
    taken = []
    drain(tmp_path, taken.append)
    assert [each.id for segment in taken for each in segment.events] == ["evt_0001", "evt_0003"]
