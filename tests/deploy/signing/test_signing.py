"""Models signed and verified file by file, and what is stated of where they come from."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei.core.errors import InputError, Tampered
from jingwei.deploy.signing import (
    Provenance,
    demand_signed,
    examine,
    new_key,
    sign,
    sign_provenance,
    verify,
    verify_provenance,
)


@pytest.fixture
def keys(tmp_path):
    return new_key(tmp_path)


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "sub" / "config.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_signed_model_is_whole(model, keys):
    sign(model, keys.private)
    found = examine(model, keys.public)
    assert found.differences == ()
    assert found.files == 2
    assert demand_signed(model, keys.public) == found.digest


def test_each_way_to_differ_is_said_of_its_file(model, keys):
    sign(model, keys.private)
    (model / "weights.bin").write_bytes(b"other")
    (model / "sub" / "config.json").unlink()
    (model / "extra.py").write_text("x", encoding="utf-8")
    assert [(each.path, each.how) for each in verify(model, keys.public)] == [
        ("extra.py", "added"), ("sub/config.json", "missing"), ("weights.bin", "changed")
    ]  # fmt: skip
    with pytest.raises(Tampered, match=r"weights\.bin"):
        demand_signed(model, keys.public)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 2047), bit=st.integers(0, 7))
def test_one_flipped_bit_is_a_changed_file(model, keys, at, bit):
    path = model / "weights.bin"
    content = bytes(range(256)) * 8
    path.write_bytes(content)
    if not (model / "model.sig").exists():
        sign(model, keys.private)
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    path.write_bytes(bytes(changed))
    assert [(each.path, each.how) for each in verify(model, keys.public)] == [("weights.bin", "changed")]


def test_a_single_file_is_signed_beside_itself(tmp_path, keys):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights")
    assert sign(path, keys.private).name == "model.gguf.sig"
    assert verify(path, keys.public) == ()
    path.write_bytes(b"weightz")
    assert [each.path for each in verify(path, keys.public)] == ["model.gguf"]


def test_what_is_ignored_is_told(model, keys):
    (model / "run.log").write_text("a", encoding="utf-8")
    sign(model, keys.private, ignore=["run.log"])
    (model / "run.log").write_text("b", encoding="utf-8")
    found = examine(model, keys.public)
    assert found.differences == ()
    assert "run.log" in found.ignored


def test_another_key_and_a_changed_signature_do_not_hold(model, keys, tmp_path):
    where = sign(model, keys.private)
    other = new_key(tmp_path, name="other")
    with pytest.raises(Tampered):
        verify(model, other.public)
    bundle = json.loads(where.read_text(encoding="utf-8"))
    payload = bundle["dsseEnvelope"]["payload"]
    bundle["dsseEnvelope"]["payload"] = ("A" if payload[0] != "A" else "B") + payload[1:]
    where.write_text(json.dumps(bundle), encoding="utf-8")
    with pytest.raises(Tampered):
        verify(model, keys.public)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"dsseEnvelope":{"payload":"x"}}'])
def test_a_signature_that_is_none_does_not_hold(model, keys, content):
    (model / "model.sig").write_bytes(content)
    with pytest.raises(Tampered):
        verify(model, keys.public)


def test_a_missing_signature_and_key_are_named(model, keys, tmp_path):
    with pytest.raises(InputError):
        verify(model, keys.public)
    with pytest.raises(InputError):
        sign(model, tmp_path / "none.key")
    with pytest.raises(InputError):
        new_key(tmp_path)


def test_a_private_key_is_for_its_owner_only(keys):
    assert keys.private.stat().st_mode & 0o077 == 0


def test_provenance_is_bound_to_its_model(model, keys):
    sign(model, keys.private)
    found = examine(model, keys.public)
    stated = Provenance(
        builder="pipeline/7", sources=[{"uri": "git+https://example.invalid/a", "digest": {"gitCommit": "a" * 40}}]
    )
    path = sign_provenance(stated, found, keys.private, folder=model)
    assert verify(model, keys.public) == ()
    assert verify_provenance(path, keys.public, digest=found.digest) == stated
    with pytest.raises(Tampered):
        verify_provenance(path, keys.public, digest="0" * 64)
    path.write_text(path.read_text(encoding="utf-8").replace('payload": "e', 'payload": "f'), encoding="utf-8")
    with pytest.raises((Tampered, InputError)):
        verify_provenance(path, keys.public, digest=found.digest)


def test_nothing_is_stated_of_a_model_that_differs(model, keys):
    sign(model, keys.private)
    (model / "weights.bin").write_bytes(b"x")
    with pytest.raises(Tampered):
        sign_provenance(Provenance(builder="b"), examine(model, keys.public), keys.private, folder=model)
