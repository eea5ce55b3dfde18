"""A Hugging Face-style folder: the model, its weights hashed one by one, and what it says it was made from."""

import hashlib
import json
import struct

import pytest

from jingwei.deploy.bom import assessed, collect

CARD = """---
license: llama3
license_name: whatever
base_model: meta-llama/Meta-Llama-3-8B
datasets: [org/data, other]
language: [zh, en]
pipeline_tag: text-generation
library_name: transformers
tags: [chat, finance]
---
# Text
"""


def tensors(**notes):
    header = json.dumps(
        {"__metadata__": notes, "w": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}}
    ).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * 12


@pytest.fixture
def folder(tmp_path):
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "README.md").write_text(CARD)
    (model / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16",
        "quantization_config": {"quant_method": "gptq", "bits": 4}, "auto_map": {"AutoModel": "x.Y"}}))  # fmt: skip
    (model / "a.safetensors").write_bytes(tensors(format="pt"))
    (model / "b.safetensors").write_bytes(tensors())
    (model / "tokenizer.json").write_text("{}")
    return model


def found(path):
    return {(one.kind, one.name): one for one in collect(str(path))}


def test_the_card_and_the_configuration_speak_for_the_model(folder):
    model = found(folder)["model", "tiny"]

    assert model.licence == "LicenseRef-llama3"
    assert model.facts | {"architecture": "LlamaForCausalLM", "family": "llama", "languages": "zh, en", "precision": "float16",
                          "quantisation": "gptq-4bit", "task": "text-generation", "remote-code": "yes"} == model.facts  # fmt: skip


def test_every_file_of_weights_is_hashed(folder):
    listed = found(folder)
    for name in ("a.safetensors", "b.safetensors", "tokenizer.json"):
        assert listed["weights", name].sha256 == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert listed["weights", "a.safetensors"].facts["parameters"] == "6"
    assert assessed(list(listed.values()), "security").missing.get("weights.sha256") is None


def test_what_it_was_made_from_is_listed_as_named_only(folder):
    listed = found(folder)

    assert listed["model", "tiny"].rests_on[:3] == ("meta-llama/Meta-Llama-3-8B", "org/data", "other")
    assert listed["model", "meta-llama/Meta-Llama-3-8B"].purl == "pkg:huggingface/meta-llama/Meta-Llama-3-8B"
    assert listed["dataset", "org/data"].facts == {"named-by": "tiny"}


def test_an_adapter_names_its_base(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "org/base"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(tensors())
    listed = found(tmp_path)

    assert listed["model", tmp_path.name].facts["adapter"] == "LORA"
    assert ("model", "org/base") in listed


def test_another_byte_gives_the_model_another_digest(folder):
    before = found(folder)["model", "tiny"].sha256
    (folder / "b.safetensors").write_bytes(tensors(changed="1"))

    assert found(folder)["model", "tiny"].sha256 != before


def test_loose_weights_are_models_of_their_own_and_other_files_are_not(tmp_path):
    (tmp_path / "one.safetensors").write_bytes(tensors())
    (tmp_path / "firmware.bin").write_bytes(b"x")

    assert set(found(tmp_path)) == {("model", "one.safetensors")}


@pytest.mark.parametrize(("name", "content"), [("config.json", "{"), ("config.json", "[1]"), ("README.md", "---\na: &a [x]\nb: *a\n---\n"),
                                               ("a.safetensors", "\x00" * 9), ("a.safetensors", "")])  # fmt: skip
def test_broken_papers_do_not_hide_the_model(folder, name, content):
    (folder / name).write_text(content)

    assert ("model", "tiny") in found(folder)


def test_prompts_and_training_data_are_found_by_their_names(tmp_path):
    (tmp_path / "system_prompt.md").write_text("Be kind.")
    (tmp_path / "train.jsonl").write_text("{}\n")
    (tmp_path / "prompting.py").write_text("")

    assert set(found(tmp_path)) == {("prompt", "system_prompt.md"), ("dataset", "train.jsonl")}


def test_a_hole_of_a_terabyte_is_one_gap(tmp_path):
    with (tmp_path / "huge.safetensors").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "one.gguf").write_bytes(b"GGUF")
    listed = found(tmp_path)

    assert listed["model", "huge.safetensors"].gap == "gap-large"
    assert not listed["model", "one.gguf"].gap
