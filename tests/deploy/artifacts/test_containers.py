"""What wraps a pickle: archives that loaders read differently, streams behind streams, headers written oddly."""

import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei.deploy.artifacts import Limits, scan_file
from jingwei.deploy.scanned import ScanVerdict

SYSTEM = b"\x80\x02cposix\nsystem\n\x8c\x04true\x85R."
STATE = pickle.dumps({"weight": [1.0, 2.0]}, 2)


def zipped(members, method=zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def torch(data: bytes) -> bytes:
    return zipped({"archive/data.pkl": data, "archive/version": b"3\n", "archive/data/0": b"\0" * 64})


class Pipe(io.RawIOBase):
    """Somewhere to write that cannot be sought in."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece) -> int:
        self.written += piece
        return len(piece)


def streamed(data: bytes) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", b"3\n")
    return bytes(pipe.written)


def tarred(members, form=tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def old_tar() -> bytes:
    content = bytearray(tarred({"m.pkl": SYSTEM}))
    content[257:265] = bytes(8)
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    return bytes(content)


def npy(descr: str, data: bytes, version: int = 1) -> bytes:
    header = f"{{{descr}, 'fortran_order': False, 'shape': (1,), }}".encode().ljust(117) + b"\n"
    width = "<H" if version == 1 else "<I"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(width, len(header)) + header + data


EVIL = torch(SYSTEM)
GOOD = torch(STATE)
MALICIOUS = {
    "zip with LZMA": zipped({"archive/data.pkl": SYSTEM}, zipfile.ZIP_LZMA),
    "zip with bzip2": zipped({"archive/data.pkl": SYSTEM}, zipfile.ZIP_BZIP2),
    "zip written as a stream": streamed(SYSTEM),
    "zip behind a zip": GOOD + EVIL,
    "zip before a zip": EVIL + GOOD,
    "zip in a zip's comment": GOOD[:-2] + struct.pack("<H", len(EVIL)) + EVIL,
    "zip without a directory": EVIL[: EVIL.index(b"PK\1\2")],
    "zip behind a picture": b"\x89PNG\r\n\x1a\n" + bytes(200) + EVIL,
    "zip in gzip": gzip.compress(EVIL),
    "pickle behind gzip": gzip.compress(STATE) + SYSTEM,
    "zlib without compression": zlib.compress(SYSTEM, 0),
    "old LZMA": lzma.compress(SYSTEM, format=lzma.FORMAT_ALONE),
    "tar in gzip": gzip.compress(tarred({"m.pkl": SYSTEM})),
    "tar with a long name": tarred({"x" * 200 + ".pkl": SYSTEM}),
    "tar of the oldest kind": old_tar(),
    "torch's oldest format": tarred(dict.fromkeys(("pickle", "tensors", "storages", "sys_info"), SYSTEM)),
    "npy, version 2": npy("'descr': '|O'", SYSTEM, 2),
    "npy, version that is none": npy("'descr': '|O'", SYSTEM, 9),
    "npy, objects in a record": npy("'descr': [('a', '|O')]", SYSTEM),
    "npy, objects in a nested record": npy("'descr': [('a', [('b', '<f8'), ('c', '|O', (2,))])]", SYSTEM),
    "npy, letters escaped": npy(r"'descr': '|\x4f'", SYSTEM),
    "npy, letters joined": npy("'descr': '|' 'O'", SYSTEM),
    "npy, objects by name": npy("'descr': 'object'", SYSTEM),
    "npy, two descriptions": npy("'descr': '<f8', 'descr': '|O'", SYSTEM),
    "npy, several types in one": npy("'descr': 'f8,O'", SYSTEM),
    "pickle behind an array": npy("'descr': '<f8'", bytes(8)) + SYSTEM,
    "pickle behind a pickle": STATE + SYSTEM,
    "rar": b"Rar!\x1a\x07\x01\0" + bytes(50),
}
CLEAN = {
    "zip written as a stream": streamed(STATE),
    "array behind an array": npy("'descr': '<f8'", bytes(8)) + npy("'descr': '<i4'", bytes(4)),
    "records": npy("'descr': [('a', '<f8'), ('b', '<i4', (2,)), ('c', '<U3')]", bytes(28)),
    "large array, deflated": zipped({"w.npy": npy("'descr': '|V3000000'", bytes(3_000_000))}, zipfile.ZIP_DEFLATED),
    "tar": tarred({"a/m.pkl": STATE, "b.txt": b"x" * 700}),
    "gzip in two parts": gzip.compress(STATE[:9]) + gzip.compress(STATE[9:]),
}


@pytest.fixture
def scan(tmp_path):
    def written(content: bytes, name: str = "m.pt"):
        path = tmp_path / name
        path.write_bytes(content)
        return scan_file(path)

    return written


@pytest.mark.parametrize("sample", MALICIOUS)
@pytest.mark.parametrize("name", ["m.pt", "m.pkl", "m"])
def test_no_wrapping_hides_a_pickle(sample, name, scan):
    assert scan(MALICIOUS[sample], name).verdict is ScanVerdict.MALICIOUS, sample


@pytest.mark.parametrize("sample", CLEAN)
def test_honest_containers_are_clean_and_covered_in_full(sample, scan):
    content = CLEAN[sample]

    scanned = scan(content)

    assert (scanned.verdict, scanned.findings, scanned.gaps) == (ScanVerdict.CLEAN, (), ())
    assert scanned.coverage == ((0, len(content)),)


MEMBERS = st.dictionaries(st.sampled_from(["a.pkl", "b/data.pkl", "b/data/0", "c.npy", "d.txt", "e.bin"]),
                          st.sampled_from([STATE, SYSTEM, b"", b"text", bytes(40), npy("'descr': '<f8'", bytes(8))]),
                          max_size=4)  # fmt: skip


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(members=MEMBERS, method=st.sampled_from([0, 8, 12, 14]), cut=st.integers(0, 40), insert=st.binary(max_size=40),
       at=st.integers(0, 400), wrap=st.sampled_from([bytes, gzip.compress, zlib.compress]))  # fmt: skip
def test_a_clean_verdict_means_that_every_byte_was_accounted_for(scan, members, method, cut, insert, at, wrap):
    content = zipped(members, method)
    content = wrap(content[:at] + insert + content[at : len(content) - cut])

    scanned = scan(content)

    if scanned.verdict is ScanVerdict.CLEAN and content:
        assert scanned.coverage == ((0, len(content)),)
    for (_, end), (start, _) in zip(scanned.coverage, scanned.coverage[1:], strict=False):
        assert end < start


def test_more_members_than_are_looked_at_are_told_and_not_taken_for_hidden(tmp_path):
    path = tmp_path / "m.zip"
    path.write_bytes(zipped({f"{number}.txt": b"x" for number in range(30)}))

    scanned = scan_file(path, limits=Limits(members=20))

    assert (scanned.verdict, scanned.findings) == (ScanVerdict.INCOMPLETE, ())
