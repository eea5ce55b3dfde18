"""A model is signed, one byte is changed, and the terminal says which file; a served model must be what was signed."""

import pytest

from jingwei.core.errors import Tampered
from jingwei.platform.model_server import ModelServer


@pytest.fixture
def signed(jingwei, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(bytes(1000))
    (folder / "config.json").write_text("{}")
    assert jingwei("model", "key", tmp_path / "keys").code == 0
    assert jingwei("model", "sign", folder, "--key", tmp_path / "keys" / "model-signing.key").code == 0
    return folder, tmp_path / "keys" / "model-signing.pub"


def test_a_whole_model_verifies(jingwei, signed):
    done = jingwei("model", "verify", signed[0], "--key", signed[1])
    assert (done.code, "as they were signed" in done.out) == (0, True)


def test_one_changed_byte_is_named(jingwei, signed):
    (signed[0] / "weights.bin").write_bytes(bytes(999) + b"\1")
    (signed[0] / "new.py").write_text("")
    done = jingwei("model", "verify", signed[0], "--key", signed[1], lang="zh")
    assert done.code == 1
    assert "weights.bin" in done.out
    assert "new.py" in done.out


def test_a_model_that_is_not_what_was_signed_is_not_served(jingwei, tmp_path, monkeypatch):
    model = tmp_path / "m.gguf"
    model.write_bytes(b"GGUF" + bytes(100))
    jingwei("model", "key", tmp_path / "keys")
    jingwei("model", "sign", model, "--key", tmp_path / "keys" / "model-signing.key")
    model.write_bytes(b"GGUF" + bytes(99) + b"\1")
    monkeypatch.setenv("JINGWEI_MODEL_KEY", str(tmp_path / "keys" / "model-signing.pub"))

    with pytest.raises(Tampered):
        ModelServer(model)
