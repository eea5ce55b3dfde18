"""What a gateway is told, and whom it believes."""

from datetime import UTC, datetime, timedelta

import pytest

from jingwei.core.errors import Tampered, Unavailable
from jingwei.core.policy import Category, CategoryRule, Policy
from jingwei.core.signing import Signer
from jingwei.core.snapshot import (
    Content,
    Served,
    Snapshot,
    SnapshotReader,
    read_public_key,
    read_snapshot,
    write_public_key,
    write_snapshot,
)
from jingwei.core.text import Both

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def signer():
    return Signer.generate()


def content(words=("飞鸟计划",)):
    policy = Policy(
        system_id="sys_1",
        grade=2,
        rules=(CategoryRule(category=Category.KEYWORD),),
        words=words,
        safe_answer=Both(zh="不能回答", en="Cannot answer"),
    )
    served = Served(system_id="sys_1", name="助手", status="live", upstream_url="http://127.0.0.1:1/v1", policy=policy)
    return Content(systems=(served,), revoked=("tok_1",))


def test_a_snapshot_reads_back_as_written(tmp_path, signer):
    path = tmp_path / "gateway" / "snapshot.json"
    written = Snapshot.sealed(content(), at=NOW, sequence=7, signer=signer)
    write_snapshot(path, written)
    read = read_snapshot(path, read_public_key(write_public_key(path.parent, signer.verifier)))
    assert read == written
    assert path.stat().st_mode & 0o777 == 0o600
    assert read.systems[0].policy.digest == written.systems[0].policy.digest


def test_content_that_did_not_change_is_not_parsed_again(tmp_path, signer):
    path, told = tmp_path / "s.json", content()
    reader = SnapshotReader(path, signer.verifier)
    write_snapshot(path, Snapshot.sealed(told, at=NOW, sequence=1, signer=signer))
    first = reader.read()
    write_snapshot(path, Snapshot.sealed(told, at=NOW + timedelta(seconds=1), sequence=2, signer=signer))
    second = reader.read()
    assert second.at > first.at
    assert second.content is first.content


def test_every_changed_byte_is_noticed(tmp_path, signer):
    path = tmp_path / "s.json"
    write_snapshot(path, Snapshot.sealed(content(), at=NOW, sequence=1, signer=signer))
    raw = path.read_bytes()
    for place in range(0, len(raw) - 1, 7):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        path.write_bytes(changed)
        with pytest.raises(Tampered):
            read_snapshot(path, signer.verifier)


def test_a_snapshot_of_another_platform_is_refused(tmp_path, signer):
    write_snapshot(tmp_path / "s.json", Snapshot.sealed(content(), at=NOW, sequence=1, signer=Signer.generate()))
    with pytest.raises(Tampered, match="not by"):
        read_snapshot(tmp_path / "s.json", signer.verifier)


def test_a_fresh_head_on_other_content_is_refused(tmp_path, signer):
    path = tmp_path / "s.json"
    write_snapshot(path, Snapshot.sealed(content(), at=NOW, sequence=1, signer=signer))
    weak = path.read_bytes().split(b"\n")[1]
    write_snapshot(path, Snapshot.sealed(content(("另一词",)), at=NOW, sequence=2, signer=signer))
    path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n" + weak + b"\n")
    with pytest.raises(Tampered):
        read_snapshot(path, signer.verifier)


def test_a_changed_copy_has_a_digest_of_its_own():
    told = content()
    policy = told.systems[0].policy
    assert policy.digest != policy.model_copy(update={"words": ()}).digest
    assert told.digest != told.model_copy(update={"revoked": ()}).digest


def test_a_missing_file_or_key_is_said_plainly(tmp_path, signer):
    with pytest.raises(Unavailable, match=r"nothing\.json"):
        read_snapshot(tmp_path / "nothing.json", signer.verifier)
    (tmp_path / "short.pub").write_bytes(b"x")
    with pytest.raises(Unavailable, match="32 bytes"):
        read_public_key(tmp_path / "short.pub")
