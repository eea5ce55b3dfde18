"""Suite files as people write and change them."""

import json

import pytest
import yaml
from evaluating import write_suite

from jingwei.core.errors import InputError
from jingwei.develop.evaluate.suite_file import load_suite


def test_a_suite_that_was_changed_is_read_again_and_one_that_was_not_is_not(tmp_path):
    path = write_suite(tmp_path, cases=4)
    first = load_suite(str(path))
    assert load_suite(str(path)) is first
    write_suite(tmp_path, cases=8)
    assert len(load_suite(str(path)).cases()) == 8


def test_a_bank_that_was_changed_is_read_again(tmp_path):
    path = banked(tmp_path)
    bank = tmp_path / "bank.jsonl"
    bank.write_text(json.dumps({"category": "forgery", "id": "a", "en": "One?"}) + "\n")
    assert len(load_suite(str(path)).cases()) == 1
    bank.write_text(bank.read_text() + json.dumps({"category": "forgery", "id": "b", "en": "Two?"}) + "\n")
    assert len(load_suite(str(path)).cases()) == 2


@pytest.mark.parametrize("wrong", [5, None, ["x"], [{"id": "forgery", "prompts": 5}]])
def test_categories_of_another_shape_are_told_with_their_place(tmp_path, wrong):
    path = banked(tmp_path, categories=wrong)
    (tmp_path / "bank.jsonl").write_text(json.dumps({"category": "forgery", "id": "a", "en": "One?"}) + "\n")
    with pytest.raises(InputError, match="categories"):
        load_suite(str(path))


def banked(folder, **fields):
    """Write a suite whose prompts lie in a bank."""
    path = write_suite(folder, cases=0, prompts_file="bank.jsonl")
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")
    return path
