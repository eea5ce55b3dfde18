import hashlib
import io
import os
import random
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.blobs import ABANDONED_SECONDS, Blob, Blobs
from jingwei.core.errors import InputError, NotFound, Tampered, Unavailable


@pytest.fixture
def blobs(home):
    return Blobs(home / "blobs")


def visible(home) -> list:
    return sorted(path for path in (home / "blobs").glob("*/*") if path.parent.name != "drafts")


def drafts(home) -> list:
    return list((home / "blobs" / "drafts").iterdir())


def test_a_blob_is_named_by_its_content_and_read_back(blobs, home):
    content = os.urandom(3_000_000)
    blob = blobs.put(io.BytesIO(content))
    assert blob == Blob(hashlib.sha256(content).hexdigest(), len(content))
    assert blobs.read(blob.sha256) == content
    assert blobs.size(blob.sha256) == len(content)
    with blobs.open(blob.sha256) as file:
        assert b"".join(iter(lambda: file.read(1000), b"")) == content
    assert drafts(home) == []


@given(content=st.binary(max_size=200))
def test_any_content_comes_back(tmp_path_factory, content):
    blobs = Blobs(tmp_path_factory.getbasetemp() / "any")
    assert blobs.read(blobs.put(content).sha256) == content


def test_the_same_content_is_stored_once(blobs, home):
    first = blobs.put(b"same")
    path = visible(home)[0]
    before = path.stat()
    assert blobs.put(b"same") == first
    assert visible(home) == [path]
    assert path.stat().st_ino == before.st_ino
    assert drafts(home) == []


def test_a_blob_changed_on_disk_is_noticed(blobs, home):
    blob = blobs.put(b"a" * 100_000)
    path = visible(home)[0]
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(Tampered, match=blob.sha256):
        blobs.read(blob.sha256)
    path.write_bytes(b"")
    with pytest.raises(Tampered):
        blobs.read(blob.sha256)


@pytest.mark.parametrize("name", ["0" * 64, "", "../../etc/passwd", "A" * 64, "0" * 63 + "\n", "drafts"])
def test_a_name_that_is_no_blob_is_not_found(blobs, name):
    with pytest.raises(NotFound):
        blobs.read(name)


def test_too_large_a_blob_is_refused_and_nothing_is_left(home):
    blobs = Blobs(home / "blobs", max_bytes=10)
    blobs.put(b"x" * 10)
    with pytest.raises(InputError):
        blobs.put(io.BytesIO(b"y" * 11))
    assert len(visible(home)) == 1
    assert drafts(home) == []


def test_a_source_that_breaks_leaves_nothing(blobs, home):
    class Broken(io.BytesIO):
        def read(self, size=-1, /):
            if self.tell() > 0:
                raise ConnectionResetError
            return super().read(10)

    with pytest.raises(Unavailable):
        blobs.put(Broken(b"x" * 100))
    assert visible(home) == []
    assert drafts(home) == []


def test_what_a_killed_writer_left_long_ago_is_removed(blobs, home):
    blobs.put(b"first")
    old, new = home / "blobs" / "drafts" / "old", home / "blobs" / "drafts" / "new"
    for draft in (old, new):
        draft.write_bytes(b"x")
    long_ago = time.time() - ABANDONED_SECONDS - 10
    os.utime(old, (long_ago, long_ago))
    blobs.put(b"second")
    assert drafts(home) == [new]


def test_a_folder_that_cannot_be_made_is_said(home):
    (home / "file").write_text("x")
    with pytest.raises(Unavailable) as caught:
        Blobs(home / "file" / "blobs").put(b"x")
    assert caught.value.code == "core:file-unusable"


WRITER = """
import sys
from pathlib import Path
from jingwei.core.blobs import Blobs
print("up", flush=True)
print(Blobs(Path(sys.argv[1])).put(sys.stdin.buffer).sha256)
"""


def writer(home, program=WRITER):
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home / "blobs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"up\n"
    return process


def test_a_killed_write_leaves_nothing_visible(home):
    process = writer(home)
    process.stdin.write(b"x" * 5_000_000)
    process.stdin.flush()
    while not (home / "blobs" / "drafts").is_dir() or not drafts(home):
        pass
    process.kill()
    process.communicate()
    assert visible(home) == []
    assert len(drafts(home)) == 1


@pytest.mark.slow
def test_whenever_a_writer_is_killed_what_is_visible_is_whole(home):
    chance = random.Random(1)
    for number in range(40):
        content = bytes([number]) * chance.randint(1, 3_000_000)
        process = writer(home)
        deadline = time.monotonic() + chance.random() * 0.02
        process.stdin.write(content)
        process.stdin.close()
        while time.monotonic() < deadline:
            pass
        process.kill()
        process.wait()
        process.stdout.close()
    blobs = Blobs(home / "blobs")
    names = [path.name for path in visible(home)]
    for name in names:
        blobs.read(name)


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
import sys
from pathlib import Path
from jingwei.core.blobs import Blobs
from jingwei.core.errors import Unavailable
try:
    Blobs(Path(sys.argv[1])).put(b"x" * 200_000)
except Unavailable as error:
    print(error.code)
"""


def test_a_disk_that_takes_no_more_is_said_and_nothing_is_left(home):
    found = subprocess.run(
        [sys.executable, "-c", FULL, str(home / "blobs")], capture_output=True, text=True, check=True
    )
    assert found.stdout == "core:disk-full\n"
    assert visible(home) == []
    assert drafts(home) == []
