"""A pickle told step by step."""

import pickle
import zipfile

from jingwei.deploy.artifacts import trace

SYSTEM = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."


def test_each_step_says_what_it_does(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(SYSTEM)

    told = [(step.offset, step.operation, step.words) for step in trace(path)]

    assert told == [
        (0, "PROTO", ""),
        (2, "SHORT_BINUNICODE", "'os'"),
        (6, "SHORT_BINUNICODE", "'system'"),
        (14, "STACK_GLOBAL", "os.system"),
        (15, "SHORT_BINUNICODE", "'id'"),
        (19, "TUPLE1", "('id',)"),
        (20, "REDUCE", "os.system('id')"),
        (21, "STOP", ""),
    ]


def test_members_of_archives_and_later_streams_are_told_too(tmp_path):
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps([1], 2) + SYSTEM)

    told = list(trace(path))

    assert {step.path for step in told} == {"m.pt!a/data.pkl"}
    assert [step.operation for step in told].count("STOP") == 2


def test_a_long_or_broken_pickle_ends(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(list(range(5000)), 2)[:-40])

    assert len(list(trace(path, most=300))) == 300
    path.write_bytes(SYSTEM[:-3])
    assert [step.operation for step in trace(path)][-1] == "SHORT_BINUNICODE"
