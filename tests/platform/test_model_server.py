"""The model's server: a child that starts, or says why not, and never outlives its parent's patience."""

import sys

import pytest

from jingwei.core.errors import InputError, Unavailable
from jingwei.platform import model_server
from jingwei.platform.model_server import ModelServer


def child(tmp_path, monkeypatch, script):
    """Put a stand-in in the place of the interpreter that would load the model."""
    path = tmp_path / "stand-in"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    model = tmp_path / "m.gguf"
    model.write_bytes(b"GGUF")
    return model


def test_a_model_that_is_not_there_is_said_with_its_mend(tmp_path):
    with pytest.raises(InputError) as caught:
        ModelServer(tmp_path / "none.gguf")
    assert caught.value.code == "platform:model-missing"


def test_a_child_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(model_server, "_START_SECONDS", 0.1)
    model = child(tmp_path, monkeypatch, "exec sleep 30\n")
    with pytest.raises(Unavailable) as caught:
        ModelServer(model)
    assert caught.value.code == "platform:model-not-loading"


def test_a_child_that_dies_tells_its_last_words(tmp_path, monkeypatch):
    model = child(tmp_path, monkeypatch, "echo loading; echo no such tensor >&2; exit 3\n")
    with pytest.raises(Unavailable) as caught:
        ModelServer(model)
    assert "no such tensor" in caught.value.message.zh
    assert "no such tensor" in caught.value.message.en


def test_a_child_that_serves_ends_with_its_context(tmp_path, monkeypatch):
    model = child(tmp_path, monkeypatch, "echo warming up; echo http://127.0.0.1:5; cat\n")
    with ModelServer(model) as server:
        assert server.url == "http://127.0.0.1:5/v1"
        assert server._process.poll() is None
    assert server._process.poll() is not None
