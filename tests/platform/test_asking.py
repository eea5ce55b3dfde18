"""What a person typed, as a check's target and options."""

import pytest

from jingwei.core.errors import InputError
from jingwei.core.plugins import load_check
from jingwei.core.target import TargetKind
from jingwei.platform.asking import options_from, options_of, target_from


@pytest.mark.parametrize(("check", "given", "kind"), [
    ("model-scan", "models/a.gguf", TargetKind.FILE),
    ("data-scan", "./rows.jsonl", TargetKind.FILE),
    ("redteam", "http://127.0.0.1:8080/v1", TargetKind.ENDPOINT),
    ("guard-test", "https://127.0.0.1:8011", TargetKind.GATEWAY),
    ("ai-bom", ".venv/bin/python", TargetKind.ENVIRONMENT),
])  # fmt: skip
def test_a_url_or_a_path_becomes_what_the_check_examines(check, given, kind):
    found = target_from(load_check(check), given)
    assert (found.kind, found.locator) == (kind, given)


@pytest.mark.parametrize(("check", "given"), [("model-scan", "http://127.0.0.1/v1"), ("redteam", "model.gguf")])
def test_a_target_of_the_wrong_kind_is_refused_in_both_languages(check, given):
    with pytest.raises(InputError) as caught:
        target_from(load_check(check), given)
    error = caught.value
    assert (error.code, error.field) == ("platform:target-unfit", "target")
    for language in ("zh", "en"):
        assert check in error.message.of(language)
        assert given in error.message.of(language)


def test_options_are_typed_as_their_check_has_them():
    options = options_from(load_check("redteam"), [
        "attempts=12", " concurrency =3", "transforms=plain,role-play", "system_prompt=You = helpful", 'languages=["en"]',
        "benign_share=0.5",
    ])  # fmt: skip
    assert (options.attempts, options.concurrency, options.benign_share) == (12, 3, 0.5)
    assert options.transforms == ("plain", "role-play")
    assert options.languages == ("en",)
    assert options.system_prompt == "You = helpful"


def test_without_settings_a_check_has_its_defaults():
    check = load_check("redteam")
    assert options_from(check, []) == check.options()


def test_a_setting_without_an_equals_sign_names_the_mend():
    with pytest.raises(InputError) as caught:
        options_from(load_check("redteam"), ["attempts"])
    assert (caught.value.code, caught.value.field) == ("platform:option-not-a-pair", "--set")
    assert "attempts=60" in caught.value.message.zh
    assert "attempts=60" in caught.value.message.en


@pytest.mark.parametrize(("values", "field"), [
    ({"attemps": 12}, "attemps"),
    ({"attempts": 0}, "attempts"),
    ({"attempts": "many"}, "attempts"),
    ({"thresholds": {"attack_success_high": 3}}, "thresholds.attack_success_high"),
])  # fmt: skip
def test_a_wrong_option_is_named_in_both_languages(values, field):
    with pytest.raises(InputError) as caught:
        options_of(load_check("redteam"), values)
    error = caught.value
    assert error.code == "platform:option-wrong"
    assert error.field == field
    assert field.rpartition(".")[2] in error.message.zh + error.message.en
    assert any("一" <= letter <= "鿿" for letter in error.message.zh)


@pytest.mark.parametrize("text", ["words=飞鸟计划", "words=飞鸟计划,"])
def test_one_value_for_a_list_may_be_typed_without_brackets(text):
    assert "飞鸟计划" in options_from(load_check("data-scan"), [text]).words
