"""Recordings: kept within bounds, read back whole, never in the way of a request."""

import os
import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.policy import Category
from jingwei.core.recording import (
    LARGEST_LINE,
    LONGEST_TEXT,
    RecordedHit,
    Recording,
    RecordingWriter,
    chosen,
    prune,
    read_recordings,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def recording(number: int = 1, **changed) -> Recording:
    return Recording(**{"id": f"rec_{number:06d}", "at": NOW, "system_id": "sys_A", "direction": "inbound",
                        "text": f"text {number}"} | changed)  # fmt: skip


def test_what_was_written_is_read_back(tmp_path):
    writer = RecordingWriter(tmp_path)
    kept = recording(hits=(RecordedHit(category=Category.PII, rule_id="pii.email", score=1.0),), cut=True)
    assert writer.write(kept)
    writer.close()
    assert list(read_recordings(tmp_path)) == [kept]


def test_only_one_systems_recordings_are_read(tmp_path):
    writer = RecordingWriter(tmp_path)
    for number, system in enumerate(("sys_A", "sys_B", "sys_A")):
        writer.write(recording(number, system_id=system))
    writer.close()
    assert [each.id for each in read_recordings(tmp_path, system_id="sys_A")] == ["rec_000000", "rec_000002"]


def test_the_newest_file_comes_first(tmp_path):
    writer = RecordingWriter(tmp_path, file_bytes=1)
    for number in range(3):
        writer.write(recording(number))
    for age, path in enumerate(sorted(tmp_path.iterdir(), key=lambda path: path.name.rpartition("-")[2], reverse=True)):
        os.utime(path, (NOW.timestamp() - age, NOW.timestamp() - age))
    assert [each.id for each in read_recordings(tmp_path)] == ["rec_000002", "rec_000001", "rec_000000"]


def test_a_folder_never_grows_beyond_its_bound(tmp_path):
    writer = RecordingWriter(tmp_path, file_bytes=2_000, folder_bytes=8_000)
    for number in range(400):
        writer.write(recording(number, text="x" * 300))
    writer.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
    assert next(iter(read_recordings(tmp_path))).id


def test_old_files_go(tmp_path):
    writer = RecordingWriter(tmp_path, file_bytes=1)
    writer.write(recording(1))
    writer.write(recording(2))
    old = min(tmp_path.iterdir(), key=lambda path: path.name.rpartition("-")[2])
    os.utime(old, (NOW.timestamp() - 3 * 86_400, NOW.timestamp() - 3 * 86_400))
    young = next(path for path in tmp_path.iterdir() if path != old)
    os.utime(young, (NOW.timestamp(), NOW.timestamp()))
    prune(tmp_path, now=NOW, max_age=timedelta(days=2), most_bytes=10**9)
    assert list(tmp_path.iterdir()) == [young]


def test_a_folder_that_cannot_be_written_fails_nothing(tmp_path):
    (tmp_path / "recordings").write_text("a file where the folder should be")
    assert RecordingWriter(tmp_path / "recordings").write(recording()) is False


def test_what_is_no_recording_is_left_out(tmp_path):
    writer = RecordingWriter(tmp_path)
    writer.write(recording(7))
    writer.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(b'{"id":\n[]\n' + b"\xff\xfe\n" + b"x" * (LARGEST_LINE + 5) + b"\n" + whole + whole[:20])
    assert [each.id for each in read_recordings(tmp_path)] == ["rec_000007"]


@given(st.text(max_size=LONGEST_TEXT))
def test_any_text_survives(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("recordings")
    clean = text.encode("utf-8", "ignore").decode()
    writer = RecordingWriter(folder)
    writer.write(recording(text=clean))
    writer.close()
    assert [each.text for each in read_recordings(folder)] == [clean]


def test_a_share_of_nothing_is_never_chosen_and_of_all_always():
    chance = random.Random(1)
    assert not any(chosen(0.0, chance) for _ in range(100))
    assert all(chosen(1.0, chance) for _ in range(100))
