"""Whatever the bytes: no crash, no hang, bounded memory, and never a false claim to have seen all."""

import io
import pickle
import pickletools
import struct
import tracemalloc

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei.deploy.artifacts import lookups, operations, pushes  # noqa: F401 - they fill the machine's tables
from jingwei.deploy.artifacts.examination import Examination, Limits
from jingwei.deploy.artifacts.globals import verdict
from jingwei.deploy.artifacts.machine import HANDLERS, Machine
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.scan import look

QUIET = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NAMES = st.sampled_from(
    ["m.pkl", "m.pt", "m.npy", "m.onnx", "m.pb", "m.gguf", "m.safetensors", "m.h5", "config.json", "x.jinja"]
)
HEADS = st.sampled_from([b"", b"\x80\x04", b"\x80\x02", b"PK\3\4", b"PK\5\6", b"GGUF\3\0\0\0", b"\x93NUMPY\1\0", b"\x1f\x8b\x08", b"BZh9",
                         b"\x89HDF\r\n\x1a\n", b"{{ ", b"{%", b"\x10\0\0\0\0\0\0\0{", b"\x78\x9c", b"\xfd7zXZ\0"])  # fmt: skip


class Memory:
    """A source in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def read(self, start: int, length: int) -> bytes:
        return self._content[max(start, 0) : max(start, 0) + max(length, 0)]


def examined(name: str, content: bytes) -> Notes:
    examination = Examination(Notes(), Limits(unpacked_bytes=4_000_000, members=500), look)
    examination.inside(Memory(content), name, 0)
    return examination.notes


@QUIET
@given(NAMES, HEADS, st.binary(max_size=400))
def test_any_bytes_are_survived_and_their_notes_can_be_read(name, head, tail):
    notes = examined(name, head + tail)

    assert all(note.seen().title.zh for note in notes.findings)
    assert all(gap.text().en for gap in notes.gaps)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4) | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@QUIET
@given(VALUES, st.integers(0, 5))
def test_every_plain_value_is_followed_to_its_stop_without_a_finding(value, protocol):
    content = pickle.dumps(value, protocol)

    trace = Machine(Memory(content), 0).run()

    assert (trace.stopped, trace.end, trace.oddities) == (True, len(content), [])
    assert all(verdict(*name, use.how) is None for name, use in trace.uses.items())


@QUIET
@given(VALUES, st.integers(0, 5), st.data())
def test_a_cut_pickle_is_never_whole(value, protocol, data):
    content = pickle.dumps(value, protocol)
    cut = data.draw(st.integers(0, len(content) - 1))

    assert not Machine(Memory(content[:cut]), 0).run().stopped


EVIL = b"\x80\x04](K\1\x8c\2os\x94\x8c\6system\x94\x93\x8c\4true\x85RK\2e."


@QUIET
@given(st.integers(0, len(EVIL) - 1), st.binary(min_size=1, max_size=3))
def test_what_an_unpickler_would_call_is_never_missed_after_a_mutation(at, change):
    """Whenever the standard disassembler still reads the mutant to its end and sees the same name called, so do we."""
    mutant = EVIL[:at] + change + EVIL[at + 1 :]
    try:
        names = [(op.name, argument) for op, argument, _ in pickletools.genops(mutant)]
        pickletools.dis(mutant, out=io.StringIO())
    except Exception:  # noqa: BLE001 - not a pickle any more
        return
    texts = [argument for _, argument in names if isinstance(argument, str)]

    if ("STACK_GLOBAL", None) in names and texts[:2] == ["os", "system"]:
        assert [note for note in examined("m.pkl", mutant).findings if note.severity.rank >= 2]


def test_every_opcode_that_python_knows_is_followed():
    from jingwei.deploy.artifacts.machine import _PLAIN

    inline = {0x8C, 0x4B}  # SHORT_BINUNICODE and BININT1 are followed in the loop itself
    known = {ord(op.code.encode("latin-1")) for op in pickletools.opcodes}

    assert {code for code in known if HANDLERS[code] is None and _PLAIN[code] < 0} <= inline


def test_a_pickle_of_many_small_objects_takes_little_memory():
    content = pickle.dumps([{"number": n, "pair": (n, str(n))} for n in range(6_000)], 4)
    tracemalloc.start()

    assert Machine(Memory(content), 0).run().stopped
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_500_000


def test_a_payload_is_skipped_rather_than_read():
    class Sparse(Memory):
        size = 10**12

        def __init__(self) -> None:
            self.taken = 0

        def read(self, start: int, length: int) -> bytes:
            head = b"\x80\x04\x8e" + struct.pack("<Q", 10**12 - 12)
            self.taken += min(length, 65536)
            return (
                (head[start : start + length] if start < len(head) else b"\0" * min(length, 65536))
                if start < 10**12 - 1
                else b"."
            )

    source = Sparse()

    assert Machine(source, 0).run().stopped
    assert source.taken < 1_000_000
