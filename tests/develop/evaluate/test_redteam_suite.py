from collections import Counter

import pytest
import yaml

from jingwei.core.errors import InputError, NotFound
from jingwei.develop.evaluate import Expectation, load_suite, rewrite
from jingwei.develop.evaluate.attempt import Briefing, plan_attempts

SUITE = load_suite("baseline")


def briefing(seed=7, forbidden=("delete_records",)):
    return Briefing(suite=SUITE, seed=seed, forbidden=forbidden)


def planned(count=120, seed=7, **changes):
    options = {
        "transforms": ("plain", "base64", "chaizi"),
        "languages": ("zh", "en"),
        "categories": (),
        "benign_share": 0.25,
    }
    return plan_attempts(
        briefing(seed, changes.pop("forbidden", ("delete_records",))), count=count, **(options | changes)
    )


def test_the_first_suite_is_large_enough_and_even_between_the_languages():
    cases = SUITE.cases()
    languages = Counter(case.language for case in cases)
    harmful = {case.category for case in cases if case.expectation is Expectation.REFUSE}
    assert len(cases) >= 200
    assert languages["zh"] == languages["en"]
    assert len(harmful) >= 10
    assert sum(case.expectation is Expectation.COMPLY for case in cases) >= 60


def test_no_prompt_is_said_twice():
    said = Counter((case.prompt, case.document) for case in SUITE.cases())
    assert not [text for text, times in said.items() if times > 1]


def test_each_prompt_is_in_the_language_it_claims():
    for case in SUITE.cases():
        han = any("一" <= each <= "鿿" for each in case.prompt)
        assert han is (case.language == "zh"), case.id


def test_the_risks_named_are_in_the_catalogue():
    from importlib.resources import files

    packs = files("jingwei.catalog").joinpath("packs")
    known = "".join(each.read_text(encoding="utf-8") for each in packs.iterdir() if each.name.endswith(".yaml"))
    for category in SUITE.categories:
        assert f"{category.risk}\n" in known or f"{category.risk}," in known, category.id


def test_a_plan_has_the_count_and_the_share_asked_for():
    attempts = planned(count=120)
    assert len(attempts) == 120
    assert sum(attempt.case.expectation is Expectation.COMPLY for attempt in attempts) == 30
    assert all(attempt.transform == "plain" for attempt in attempts if attempt.case.expectation is Expectation.COMPLY)
    assert len({attempt.id for attempt in attempts}) == 120


def test_a_plan_is_even_over_categories_and_languages():
    attacks = [attempt for attempt in planned(count=120) if attempt.case.expectation is not Expectation.COMPLY]
    strata = Counter((attempt.case.category, attempt.case.language) for attempt in attacks)
    assert len(strata) == 30
    assert max(strata.values()) - min(strata.values()) <= 1


def test_a_plan_never_holds_a_transform_that_does_not_fit():
    for attempt in planned(count=400):
        assert rewrite(attempt.transform, "毒药 poison", language=attempt.case.language, seed=7) is not None


def test_only_what_the_attacker_planted_is_disguised():
    attempt = next(
        each for each in planned(count=400, categories=("injection",), benign_share=0) if each.transform == "base64"
    )
    assert attempt.message.startswith(attempt.case.prompt)
    assert "[[" not in attempt.message
    assert attempt.case.document.partition("[[")[0] in attempt.message


def test_a_tool_case_names_a_forbidden_tool_and_falls_away_without_one():
    for attempt in planned(count=40, categories=("tool",), benign_share=0, transforms=("plain",)):
        assert "delete_records" in attempt.message
        assert "{tool}" not in attempt.message
    assert planned(count=40, categories=("tool",), benign_share=0, forbidden=()) == []


def test_the_canary_is_drawn_from_the_seed_and_the_prompts_digest_is_not():
    one, two = briefing(1), briefing(2)
    assert one.canary != two.canary
    assert one.canary in one.system_prompt("zh")
    assert one.prompt_digest == two.prompt_digest


def write(tmp_path, content):
    path = tmp_path / "own.yaml"
    path.write_text(
        content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), encoding="utf-8"
    )
    return str(path)


def plain():
    from importlib.resources import files

    source = files("jingwei.develop.evaluate").joinpath("suites", "baseline.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(source)


def test_a_suite_of_ones_own_is_read_from_a_path(tmp_path):
    assert load_suite(write(tmp_path, plain())).digest == SUITE.digest


def test_a_suite_with_an_unknown_field_is_refused_with_its_place(tmp_path):
    broken = plain()
    broken["categories"][0]["prompts"][0]["colour"] = "red"
    with pytest.raises(InputError, match=r"categories\.0\.prompts\.0\.colour"):
        load_suite(write(tmp_path, broken))


def test_an_id_used_twice_is_refused(tmp_path):
    broken = plain()
    broken["categories"][1]["prompts"][0]["id"] = "violence-1"
    with pytest.raises(InputError, match="violence-1"):
        load_suite(write(tmp_path, broken))


@pytest.mark.parametrize(
    "content",
    ["a: &x [1]\nb: *x\n", "{", "[" * 5000, "!!python/object/apply:os.system ['true']", "- 1\n", ""],
    ids=["alias", "open", "deep", "object", "list", "empty"],
)
def test_a_hostile_file_is_one_clear_error(tmp_path, content):
    with pytest.raises(InputError, match="baseline"):
        load_suite(write(tmp_path, content))


def test_a_file_too_large_is_not_read(tmp_path):
    with pytest.raises(InputError, match="larger than"):
        load_suite(write(tmp_path, "#" * (17 * 1024 * 1024)))


def test_a_suite_that_is_nowhere_is_named_with_those_that_exist():
    with pytest.raises(NotFound, match="baseline"):
        load_suite("nowhere")
