"""A file or a folder, as `jingwei scan model` reads it."""

import os
import pickle
import socket

import pytest

from jingwei.core.errors import InputError
from jingwei.deploy.artifacts import FileSource, scan_file
from jingwei.deploy.artifacts import scan as engine
from jingwei.deploy.artifacts.scanner import Options, scan
from jingwei.deploy.scanned import ScanVerdict

GOOD = pickle.dumps({"weights": [1.0, 2.0]}, 4)
EVIL = b"cos\nsystem\n(S'true'\ntR."


def verdicts(folder, **options):
    return {one.path: one.verdict for one in scan(str(folder), Options(**options))}


def test_each_file_is_one_line_and_the_rest_goes_on(tmp_path):
    (tmp_path / "a.pkl").write_bytes(GOOD)
    (tmp_path / "cut.pkl").write_bytes(GOOD[:-3])
    (tmp_path / "empty.txt").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.pkl").write_bytes(EVIL)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")

    assert verdicts(tmp_path) == {
        "a.pkl": ScanVerdict.CLEAN,
        "cut.pkl": ScanVerdict.INCOMPLETE,
        "empty.txt": ScanVerdict.CLEAN,
        "gone": ScanVerdict.INCOMPLETE,
        "loop": ScanVerdict.INCOMPLETE,
        "pipe": ScanVerdict.INCOMPLETE,
        "sub/b.pkl": ScanVerdict.MALICIOUS,
    }


def test_a_socket_is_told_and_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")

        assert verdicts(tmp_path) == {"s": ScanVerdict.INCOMPLETE}


def test_links_to_folders_are_not_followed_twice(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "m.pkl").write_bytes(GOOD)
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "out").symlink_to("/")

    assert verdicts(tmp_path) == {"a/m.pkl": ScanVerdict.CLEAN, "out": ScanVerdict.INCOMPLETE}


def test_files_come_one_at_a_time(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02}.pkl").write_bytes(GOOD)

    first = next(scan(str(tmp_path), Options()))

    assert first.path == "00.pkl"


def test_a_file_that_vanishes_is_one_line(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.pkl").write_bytes(GOOD)
    seen = scan(str(tmp_path), Options())
    next(seen)
    (tmp_path / "b.pkl").unlink()

    assert next(seen).verdict is ScanVerdict.INCOMPLETE


def test_a_file_that_is_written_to_meanwhile_is_never_clean(tmp_path, monkeypatch):
    path = tmp_path / "m.pkl"
    path.write_bytes(GOOD)

    def look(examination, source, name, depth):
        engine_look(examination, source, name, depth)
        with path.open("ab") as file:
            file.write(EVIL)

    engine_look = engine.look
    monkeypatch.setattr(engine, "look", look)

    assert scan_file(path).verdict is ScanVerdict.INCOMPLETE


def test_a_terabyte_of_nothing_takes_no_time(tmp_path):
    path = tmp_path / "m.pkl"
    with path.open("wb") as file:
        file.write(b"\x80\x04\x8e" + (10**12).to_bytes(8, "little"))
        file.seek(10**12 + 11)
        file.write(b".")

    scanned = scan_file(path)

    assert (scanned.verdict, scanned.sha256) == (ScanVerdict.INCOMPLETE, "")
    assert scanned.coverage == ((0, 10**12 + 12),)


def test_the_digest_can_be_left_out(tmp_path):
    (tmp_path / "m.pkl").write_bytes(GOOD)

    assert [one.sha256 for one in scan(str(tmp_path), Options(hash=False))] == [""]


def test_more_files_than_asked_for_are_told(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.pkl").write_bytes(GOOD)

    assert list(verdicts(tmp_path, most_files=3).values()) == [ScanVerdict.CLEAN] * 3 + [ScanVerdict.INCOMPLETE]


def test_nothing_there_is_the_users_error(tmp_path):
    with pytest.raises(InputError):
        list(scan(str(tmp_path / "nothing"), Options()))
    with pytest.raises(InputError):
        list(scan(str(tmp_path), Options()))
    with pytest.raises(InputError):
        scan_file(tmp_path)


def test_a_source_knows_when_it_changed(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"abc")
    with FileSource(path) as source:
        before = source.changed
        path.write_bytes(b"abcd")

        assert (before, source.changed) == (False, True)
