"""A model's folder as one artefact: what only shows when two files are held side by side."""

import json
import struct
from pathlib import Path

import pytest

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.scanner import Options, scan


def weights(*names: str) -> bytes:
    header = json.dumps(
        {name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * n, 4 * n + 4]} for n, name in enumerate(names)}
    ).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * 4 * len(names)


VOCABULARY = {"<s>": 0, "allow": 1, "deny": 2, "a": 3, "b": 4, "ab": 5}
TOKENIZER = json.dumps(
    {"added_tokens": [{"id": 0, "content": "<s>"}], "model": {"type": "BPE", "vocab": VOCABULARY, "merges": ["a b"]}}
)
HONEST = {
    "config.json": '{"auto_map": {"AutoModel": "modeling_x.M"}, "model_type": "x"}',
    "modeling_x.py": "import torch\nclass M(torch.nn.Module):\n    pass\n",
    "model-00001-of-00002.safetensors": weights("a", "b"),
    "model-00002-of-00002.safetensors": weights("c"),
    "model.safetensors.index.json": '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"}}',
    "tokenizer.json": TOKENIZER,
    "vocab.json": json.dumps(VOCABULARY),
    "tokenizer_config.json": '{"added_tokens_decoder": {"0": {"content": "<s>"}}}',
    ".git/hooks/pre-commit.sample": "#!/bin/sh\nexit 0\n",
    ".git/config": '[core]\n\tbare = false\n[filter "lfs"]\n\tprocess = git-lfs filter-process\n',
    "README.md": "# A model\n",
    "picture.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
}  # fmt: skip

CHANGED: dict[str, tuple[dict[str, str | bytes | None], str, Severity]] = {
    "code that is not there": ({"modeling_x.py": None}, "config.missing-code", Severity.MEDIUM),
    "a shard that is not there": ({"model-00002-of-00002.safetensors": None}, "repository.missing-shard", Severity.LOW),
    "a tensor in no shard": ({"model-00002-of-00002.safetensors": weights("d")}, "repository.mismatch", Severity.MEDIUM),
    "a tensor that no index knows": ({"model-00002-of-00002.safetensors": weights("c", "extra")}, "repository.mismatch", Severity.MEDIUM),
    "words swapped in one of two": ({"vocab.json": json.dumps({**VOCABULARY, "allow": 2, "deny": 1})}, "repository.mismatch", Severity.HIGH),
    "a special token that says something else": ({"tokenizer_config.json": '{"added_tokens_decoder": {"0": {"content": "deny"}}}'}, "repository.mismatch", Severity.HIGH),
    "a hook": ({".git/hooks/post-checkout": "#!/bin/sh\ntrue\n"}, "repository.git-hook", Severity.HIGH),
    "a hook in the settings": ({".git/config": "[core]\n\tfsmonitor = ./evil.sh\n"}, "repository.git-hook", Severity.HIGH),
    "a stand-in for a library": ({"torch.py": "x = 1\n"}, "repository.shadows", Severity.MEDIUM),
    "a module that always starts": ({"sitecustomize.py": "x = 1\n"}, "repository.shadows", Severity.HIGH),
    "code that attacks": ({"modeling_x.py": "import os\nos.system('true')\n"}, "python.runs", Severity.CRITICAL),
}  # fmt: skip


def laid(root: Path, files: dict[str, str | bytes | None]) -> Path:
    for name, content in files.items():
        if content is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def test_an_honest_repository_is_clean(tmp_path):
    results = list(scan(str(laid(tmp_path, dict(HONEST))), Options()))

    assert [(one.path, gap.en) for one in results for gap in one.gaps] == []
    assert [seen.rule_id for one in results for seen in one.findings] == ["config.own-code"]


@pytest.mark.parametrize("change", CHANGED)
def test_what_does_not_fit_is_told(change, tmp_path):
    files, rule, severity = CHANGED[change]

    results = list(scan(str(laid(tmp_path, {**HONEST, **files})), Options()))

    assert (rule, severity) in {(seen.rule_id, seen.severity) for one in results for seen in one.findings}


def test_a_link_into_the_system_is_a_grave_finding(tmp_path):
    laid(tmp_path, dict(HONEST))
    (tmp_path / "model.onnx.data").symlink_to("/etc/passwd")

    results = [one for one in scan(str(tmp_path), Options()) if one.path == "model.onnx.data"]

    assert "config.outside-path" in {seen.rule_id for one in results for seen in one.findings}
    assert any(one.gaps for one in results)
