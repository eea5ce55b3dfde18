"""Data formats without a mark, told by their structure; and what only pretends to be one."""

import lzma
import struct
import zlib

import pytest

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts import scan_file
from jingwei.deploy.scanned import ScanVerdict

SYSTEM = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."
ARGUMENTS = struct.pack("<12id", 16, 5, 5, 1, 5, 1, 1, 3, 2_000_000, 2, 4, 100, 1e-4)
PACKED = b"\x82\xa5nodes\x93\x01\xcd\x01\x00\xc0\xa4bins\xc4\x03abc"
VECTORS = b"2 3\n" + b"".join(word + b" " + struct.pack("<3f", 0.1, 0.2, 0.3) + b"\n" for word in (b"one", b"two"))
DATA = {
    "word vectors": ("v.bin", VECTORS),
    "fastText": ("m.ftz", struct.pack("<II", 0x2F4F16BA, 12) + ARGUMENTS + bytes(40)),
    "fastText before its mark": ("m.bin", ARGUMENTS + bytes(40)),
    "CRFsuite": ("m.crfsuite", b"lCRF" + struct.pack("<I", 48) + b"FOMC" + bytes(36)),
    "MessagePack": ("model", PACKED),
    "MessagePack in zlib": ("docs.spacy", zlib.compress(PACKED)),
    "the older LZMA": ("m.pkl.lzma", lzma.compress(b"\x80\x02K\1.", lzma.FORMAT_ALONE)),
    "the older LZMA with its size": ("m.pkl.lzma", lzma.compress(b"\x80\x02K\1.", lzma.FORMAT_ALONE)[:5] + struct.pack("<q", 5) + lzma.compress(b"\x80\x02K\1.", lzma.FORMAT_ALONE)[13:]),
}  # fmt: skip
PRETENDED = {
    "vectors that are not there": ("v.bin", b"1000000 300\nword " + bytes(60)),
    "MessagePack that breaks off": ("model", PACKED[:-2]),
    "MessagePack with more behind it": ("model", PACKED + b"\xc1rest of it\xff"),
    "MessagePack that never ends": ("model", b"\x91" * 100_000),
    "arguments that no training has": ("m.bin", struct.pack("<12id", -16, 5, 5, 1, 5, 1, 9, 7, 2, 2, 4, 100, 1e-4) + bytes(9) + b"\xff" * 40),
}  # fmt: skip


@pytest.fixture
def scan(tmp_path):
    def written(name: str, content: bytes):
        path = tmp_path / name
        path.write_bytes(content)
        return scan_file(path)

    return written


@pytest.mark.parametrize("sample", DATA)
def test_data_that_cannot_run_code_is_whole_and_clean(sample, scan):
    found = scan(*DATA[sample])
    assert found.verdict is ScanVerdict.CLEAN, found.gaps
    assert found.coverage == ((0, found.size),)


@pytest.mark.parametrize("sample", PRETENDED)
def test_what_only_begins_like_data_stays_unknown(sample, scan):
    assert scan(*PRETENDED[sample]).verdict is ScanVerdict.INCOMPLETE


def test_a_pickle_in_messagepack_is_examined(scan):
    found = scan("model", b"\x81\xa4data\xc4" + bytes([len(SYSTEM)]) + SYSTEM)
    assert found.verdict is ScanVerdict.MALICIOUS


@pytest.mark.parametrize("name", ["m.gguf", "m.bin", "m.safetensors", "m.pkl"])
def test_a_program_that_is_called_weights_is_a_disguise(name, scan):
    assert Severity.HIGH in {seen.severity for seen in scan(name, b"\x7fELF" + bytes(200)).findings}
