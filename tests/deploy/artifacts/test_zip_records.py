"""Two end records of one zip that agree are what some writers make; skops nodes that build callables."""

import io
import json
import struct
import zipfile

import pytest

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts import scan_file
from jingwei.deploy.scanned import ScanVerdict


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def with_wide_record(content: bytes) -> bytes:
    at = content.rindex(b"PK\5\6")
    count, length, offset = struct.unpack("<HII", content[at + 10 : at + 20])
    wide = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, length, offset)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, at, 1)
    return content[:at] + wide + locator + content[at:]


@pytest.mark.parametrize("name", ["a.txt", "a" * 30 + ".txt", "b" * 26 + ".txt"])
def test_a_wide_end_record_beside_a_complete_one_is_no_trick(name, tmp_path):
    path = tmp_path / "m.zip"
    path.write_bytes(with_wide_record(archive({name: b"one", "b.txt": b"two"})))
    found = scan_file(path)
    assert found.verdict is ScanVerdict.CLEAN, [seen.rule_id for seen in found.findings]


def skops(tmp_path, name: str, *attributes: str):
    content = [{"__class__": "str", "__loader__": "JsonNode", "content": json.dumps(each)} for each in attributes]
    node = {
        "__module__": "operator",
        "__class__": name,
        "__loader__": "OperatorFuncNode",
        "attrs": {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": content},
    }
    path = tmp_path / "m.skops"
    path.write_bytes(archive({"schema.json": json.dumps(node).encode()}))
    return scan_file(path)


@pytest.mark.parametrize(("name", "attribute"), [("methodcaller", "system"), ("attrgetter", "__globals__")])
def test_an_operator_built_from_a_file_is_code(name, attribute, tmp_path):
    assert Severity.CRITICAL in {seen.severity for seen in skops(tmp_path, name, attribute).findings}


@pytest.mark.parametrize("name", ["itemgetter", "attrgetter"])
def test_an_operator_that_only_looks_a_part_up_is_not(name, tmp_path):
    assert skops(tmp_path, name, "weight").verdict is ScanVerdict.CLEAN
