"""Pickles of harmless names alone that bring down whoever loads them; numbers as C writes them; what lies behind a break."""

import pickle
import struct

import pytest

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts import scan_file
from jingwei.deploy.scanned import ScanVerdict


def text(value: str) -> bytes:
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def call(path: str, *arguments: bytes) -> bytes:
    module, _, name = path.partition(":")
    return text(module) + text(name) + b"\x93(" + b"".join(arguments) + b"tR"


def number(value: int) -> bytes:
    return b"\x8a\x08" + value.to_bytes(8, "little", signed=True)


SYSTEM = call("os:system", text("id"))
ENDLESS = call("itertools:count", b"K\0")
SHAPE = b"(" + number(1 << 40) + b"t"
DOUBLED = {
    "fetched twice": b"K\1\x94" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(40)),
    "fetched twice, of nothing": b"N\x94" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(40)),
    "fetched from afar": b"Nr\0\1\0\0" + b"".join(
        b"j" + struct.pack("<I", 256 + i) + b"j" + struct.pack("<I", 256 + i) + b"\x86r" + struct.pack("<I", 257 + i) for i in range(40)
    ),
    "doubled": b"N" + b"2\x86" * 40,
}  # fmt: skip
COSTLY = {
    "bytes by number": call("builtins:bytearray", number(1 << 36)),
    "array by shape": call("numpy.core.multiarray:_reconstruct", text("numpy") + text("ndarray") + b"\x93", SHAPE, b"C\1b"),
    "queue of an endless one": call("collections:deque", ENDLESS, b"K\0"),
    "set of an endless chain": call("builtins:set", call("itertools:chain", ENDLESS)),
    "list of a long range": call("builtins:list", call("builtins:range", number(1 << 50))),
    "list of an endless repeat": call("builtins:list", call("itertools:repeat", b"K\0")),
} | {f"tuples {name}": b"}" + body + b"Ns" for name, body in DOUBLED.items()}  # fmt: skip
CHEAP = {
    "some bytes": call("builtins:bytearray", number(1 << 20)),
    "a counter that is held": ENDLESS,
    "a list of a range": call("builtins:list", call("builtins:range", number(1000))),
    "a bounded repeat": call("builtins:list", call("itertools:repeat", b"K\0", b"K\5")),
    "pairs of one thing": pickle.dumps([(name, name) for name in map(str, range(200))])[2:-1],
}


@pytest.fixture
def scan(tmp_path):
    def written(body: bytes, head: bytes = b"\x80\x04"):
        path = tmp_path / "m.pkl"
        path.write_bytes(head + body + b".")
        return scan_file(path)

    return written


@pytest.mark.parametrize("sample", COSTLY)
def test_what_exhausts_memory_or_time_is_told_whatever_its_names(sample, scan):
    found = scan(COSTLY[sample])
    assert "pickle.exhausts" in {seen.rule_id for seen in found.findings}
    assert found.verdict is ScanVerdict.MALICIOUS


@pytest.mark.parametrize("sample", CHEAP)
def test_what_costs_little_is_not_told(sample, scan):
    assert "pickle.exhausts" not in {seen.rule_id for seen in scan(CHEAP[sample]).findings}


@pytest.mark.parametrize("written", [b"0x10", b"0b11", b"1_000", b" 7", b"010", b"-0x2"])
def test_numbers_are_read_as_leniently_as_any_unpickler_does(written, scan):
    found = scan(b"I" + written + b"\n0" + SYSTEM)
    assert found.verdict is ScanVerdict.MALICIOUS
    assert not found.gaps


@pytest.mark.parametrize("payload", [b"cos\nsystem\n(S'id'\ntR.", b"\x80\x04" + SYSTEM + b".", SYSTEM + b"."])
def test_a_payload_behind_a_break_is_told_beside_the_gap(payload, scan):
    found = scan(b"K\1\xff\xff" + payload)
    assert found.verdict is ScanVerdict.MALICIOUS
    assert found.gaps


def test_a_pickle_that_only_lies_among_data_asks_for_a_person(scan):
    inner = b"\x80\x04" + SYSTEM + b"."
    found = scan(b"](B" + struct.pack("<I", len(inner)) + inner + b"e")
    assert [(seen.rule_id, seen.severity) for seen in found.findings] == [("pickle.nested", Severity.MEDIUM)]


IMPORTS = "import torch\nimport operator\nfrom math import inf\nNoneType = type(None)"
TRACED = 'def forward(self, x):\n    y = getattr(self, "0")(x);  x = None\n    z = torch.relu(y + 1)\n    return operator.add(z, self.layer(z))\n'


def graph(*pairs: tuple[bytes, bytes], imports: str = IMPORTS, state: bytes = b"") -> bytes:
    def long(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()

    filled = state or b"}(" + b"".join(key + value for key, value in pairs) + b"u"
    return text("torch.fx.graph_module") + text("reduce_graph_module") + b"\x93" + filled + long(imports) + b"\x86R"


def long_text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def test_a_traced_graph_is_worth_knowing_and_no_more(scan):
    found = scan(graph((text("training"), b"\x88"), (text("_code"), long_text(TRACED))))
    assert [(seen.rule_id, seen.severity) for seen in found.findings] == [("pickle.graph-code", Severity.LOW)]


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os').system('id')\n" + TRACED,
        "def forward(self, x):\n    return open('/etc/passwd').read()\n",
        "def forward(self, x):\n    return torch.hub.load('a/b', 'c')\n",
        "def forward(self, x):\n    return getattr(x, '__class__')()\n",
        "def forward(self, x=print(1)):\n    return x\n",
        "@torch.jit.script\ndef forward(self, x):\n    return x\n",
        "import os\n" + TRACED,
        "no python at all (",
    ],
)
def test_a_graph_whose_code_was_not_traced_is_critical(code, scan):
    assert Severity.CRITICAL in {seen.severity for seen in scan(graph((text("_code"), long_text(code)))).findings}


def test_a_graph_whose_code_cannot_be_told_is_critical(scan):
    evil = long_text("import os\nos.system('id')")
    hidden = [
        graph((text("_code"), long_text(TRACED)), (call("builtins:str", text("_code")), evil)),
        graph((text("_code"), long_text(TRACED)), imports="import os\nos.system('id')"),
        b"}" + text("_code") + evil + b"s0" + graph((text("other"), evil)),
        graph(state=call("builtins:dict", b"}" + text("_code") + evil + b"s")),
    ]
    for body in hidden:
        assert Severity.CRITICAL in {seen.severity for seen in scan(body).findings}, body
