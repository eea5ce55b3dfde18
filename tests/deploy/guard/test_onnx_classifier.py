"""A classifier trained elsewhere: its opinion counts, and only the very file that the policy names is loaded.

`classifier/` is a graph of two operators: it adds up three weights a word (`attack` speaks for the second label).
"""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from jingwei.core.errors import InputError, Unavailable
from jingwei.core.policy import Category, LocalClassifier
from jingwei.deploy.guard import Guard
from jingwei.deploy.guard.onnx_classifier import OnnxClassifier
from jingwei.detect import fold

FOLDER = Path(__file__).parent / "classifier"
DIGEST = sha256((FOLDER / "model.onnx").read_bytes()).hexdigest()
LABELS = ("", "injection", "harm")


def classifier(**changed):
    return LocalClassifier(**({"folder": str(FOLDER), "labels": LABELS, "sha256": DIGEST} | changed))


def test_what_it_finds_is_a_hit_over_the_whole_text():
    opinions = OnnxClassifier(classifier()).models()
    (hit,) = opinions[Category.INJECTION](fold("attack now"))
    assert (hit.rule_id, hit.start, hit.end) == ("injection.classifier", 0, 10)
    assert hit.score > 0.9
    assert opinions[Category.INJECTION](fold("hello weather")) == ()
    assert opinions[Category.HARM](fold("attack now")) == ()


def test_a_guard_counts_its_opinion(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        f"classifiers:\n- {{folder: '{FOLDER}', labels: ['', injection, harm], sha256: {DIGEST}}}\n", encoding="utf-8"
    )
    verdict = Guard.load(policy).check("attack now")
    assert verdict.scores[Category.INJECTION] > 0.9
    assert "injection.classifier" in verdict.rule_ids


def test_another_file_than_the_policy_names_is_not_loaded():
    with pytest.raises(Unavailable, match="SHA-256"):
        OnnxClassifier(classifier(sha256="0" * 64)).scores(fold("attack"))


def test_labels_must_fit_the_outputs_and_the_categories():
    with pytest.raises(InputError, match="labels"):
        OnnxClassifier(classifier(labels=("safe", "unsafe", "")))
    with pytest.raises(Unavailable, match="3 outputs"):
        OnnxClassifier(classifier(labels=("", "harm"))).scores(fold("attack"))


def test_a_broken_folder_is_told(tmp_path):
    with pytest.raises(Unavailable, match="cannot be read"):
        OnnxClassifier(classifier(folder=str(tmp_path))).scores(fold("attack"))
    shutil.copy(FOLDER / "model.onnx", tmp_path)
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(Unavailable, match="cannot be read"):
        OnnxClassifier(classifier(folder=str(tmp_path))).scores(fold("attack"))
