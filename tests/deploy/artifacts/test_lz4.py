"""LZ4 frames, written here by hand and read as joblib's loader would."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.deploy.artifacts import scan_file
from jingwei.deploy.artifacts.lz4 import Lz4, expand
from jingwei.deploy.scanned import ScanVerdict

HEAD = b"\x04\x22\x4d\x18\x60\x40\x82"


def stored(*blocks: bytes) -> bytes:
    return HEAD + b"".join(struct.pack("<I", len(b) | 1 << 31) + b for b in blocks) + b"\0\0\0\0"


def packed(*blocks: bytes) -> bytes:
    return HEAD + b"".join(struct.pack("<I", len(b)) + b for b in blocks) + b"\0\0\0\0"


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4), st.integers(1, 64))
@settings(max_examples=50, deadline=None)
def test_stored_blocks_come_out_as_they_went_in(blocks, step):
    reader, out, frame = Lz4(), b"", stored(*blocks) + b"behind it"

    for at in range(0, len(frame), step):
        out += reader.decompress(frame[at : at + step], 1 << 20)
        if reader.eof:
            break

    assert out == b"".join(blocks)
    assert b"behind it".startswith(reader.unused_data)


def test_what_repeats_itself_is_written_out():
    assert expand(b"\x22ab\x02\x00", b"") == b"ab" + b"ababab"
    assert expand(b"\x04\x02\x00\x10c", b"xyz") == b"yzyzyzyz" + b"c"


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_block_ends_or_is_refused(raw):
    try:
        out = expand(raw, b"behind")
    except ValueError:
        return

    assert len(out) <= 255 * 61


def test_a_pickle_in_a_frame_is_examined(tmp_path):
    path = tmp_path / "m.joblib"
    path.write_bytes(stored(b"cos\nsystem\n", b"(S'true'\ntR."))

    assert scan_file(path).verdict is ScanVerdict.MALICIOUS


def test_a_later_block_may_repeat_an_earlier_one(tmp_path):
    path = tmp_path / "m.joblib"
    path.write_bytes(packed(b"\xb0cos\nsystem\n", b"\xa0(S'tru\x27\ntR" + b"", b"\x10."))

    assert scan_file(path).verdict is ScanVerdict.MALICIOUS


@pytest.mark.parametrize("content", [HEAD + b"\xff\xff\xff\x7f", packed(b"\x04\0\0")[:-4], stored(b"N.")[:-6]])
def test_a_frame_that_does_not_hold_is_never_clean(tmp_path, content):
    path = tmp_path / "m.joblib"
    path.write_bytes(content)

    assert scan_file(path).verdict is ScanVerdict.INCOMPLETE
