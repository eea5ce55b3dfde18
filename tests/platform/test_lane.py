"""What the gate still wants from checks: which, on what, with which options."""

import sys

import pytest

from jingwei.core.errors import InputError
from jingwei.core.plugins import load_check
from jingwei.core.target import TargetKind
from jingwei.develop.evaluate import load_suite
from jingwei.platform import lane
from jingwei.platform.demanded import demanded

FILE, ENDPOINT, GATEWAY = TargetKind.FILE, TargetKind.ENDPOINT, TargetKind.GATEWAY


def aims(place, system_id):
    return {(each.check_id, each.target.kind): each for each in place.loop.wanted(system_id)}


@pytest.fixture
def graded(place):
    system_id = place.taken()
    place.loop.grade(system_id, actor=place.who("mei"))
    return system_id


def test_before_there_is_a_guard_only_parts_and_the_bare_model_are_looked_at(place, graded):
    wanted = aims(place, graded)
    assert set(wanted) == {
        ("model-scan", FILE), ("data-scan", FILE), ("ai-bom", TargetKind.ENVIRONMENT), ("redteam", ENDPOINT),
    }  # fmt: skip
    assert wanted["model-scan", FILE].target.locator == str(place.folder / "model.gguf")
    assert wanted["data-scan", FILE].target.locator == str(place.folder / "handbook.jsonl")
    bare = wanted["redteam", ENDPOINT]
    assert (bare.target.locator, bare.target.name) == (place.upstream_url, "smollm2-135m-instruct")
    assert "canary" not in bare.options
    bom = wanted["ai-bom", TargetKind.ENVIRONMENT]
    assert bom.target.locator == sys.executable
    assert bom.options["models"] == [str(place.folder / "model.gguf")]


def test_behind_the_guard_the_rest_goes_through_the_gateway(place):
    system_id = place.guarded()
    wanted = aims(place, system_id)
    through = {check for check, kind in wanted if kind is GATEWAY}
    assert {"redteam", "guard-config", "guard-test"} <= through
    assert ("redteam", ENDPOINT) not in wanted
    assert all(each.target.locator == place.gateway_url for each in wanted.values() if each.target.kind is GATEWAY)
    attack = wanted["redteam", GATEWAY].options
    assert attack["canary"] == "JW-CANARY-7F3A91"
    assert attack["model_file"] == str(place.folder / "model.gguf")
    assert attack["system_prompt"] == (place.folder / "prompt.txt").read_text(encoding="utf-8")
    assert attack["thresholds"] == {"attack_success_high": lane.TOLERATED[2]}
    with place.platform.reading() as work:
        assert wanted["guard-config", GATEWAY].options == {"policy": work.policies.in_force(system_id).digest}


def test_what_it_wants_it_may_ask_for(place):
    system_id, mei = place.guarded(), place.who("mei")
    for wanted in place.loop.wanted(system_id):
        with place.platform.work(mei, "run.ask") as work:
            run = work.runs.ask(wanted.check_id, system_id=system_id, target=wanted.target, actor=mei,
                                options=wanted.options)  # fmt: skip
        assert run.status == "queued"
        assert run.through_gateway == (wanted.target.kind is GATEWAY)


def test_a_higher_grade_tolerates_less(place):
    system_id = place.taken(facts={**place.file.facts, "autonomy": "L3"})
    place.loop.grade(system_id, actor=place.who("mei"))
    with place.platform.reading() as work:
        grade = work.grading.preview(system_id).grade
    assert grade > 2
    tolerated = place.wanted(system_id, "redteam").options["thresholds"]["attack_success_high"]
    assert tolerated == lane.TOLERATED[grade] < lane.TOLERATED[2]
    assert sorted(lane.TOLERATED.values(), reverse=True) == list(lane.TOLERATED.values())


def test_a_system_without_a_dataset_or_a_model_file_has_nothing_to_scan(place):
    components = tuple(each for each in place.file.components if each.kind == "vendor")
    system_id = place.taken(components=components)
    place.loop.grade(system_id, actor=place.who("mei"))
    wanted = aims(place, system_id)
    assert ("model-scan", FILE) not in wanted
    assert ("data-scan", FILE) not in wanted
    assert "model_file" not in wanted["redteam", ENDPOINT].options


def test_a_system_without_a_server_is_not_attacked(place):
    upstream = place.file.upstream.model_copy(update={"url": ""})
    system_id = place.taken(upstream=upstream)
    place.loop.grade(system_id, actor=place.who("mei"))
    assert "redteam" not in {check for check, _ in aims(place, system_id)}


def test_a_check_that_is_not_installed_is_left_out(place, graded, monkeypatch):
    monkeypatch.setattr(lane, "check_names", lambda: ["data-scan"])
    assert {check for check, _ in aims(place, graded)} == {"data-scan"}


def test_tuning_sets_options_of_one_check_over_ours(place, graded):
    place.tuning = {"redteam": {"attempts": 4, "seed": 9}}
    assert place.wanted(graded, "redteam").options["attempts"] == 4
    assert "attempts" not in place.wanted(graded, "model-scan").options


def test_every_dataset_is_scanned_by_itself(place):
    (place.folder / "faq.jsonl").write_text('{"text": "Where is the canteen?"}\n')
    (entry,) = (each for each in place.file.components if each.kind == "dataset")
    more = entry.model_copy(update={"name": "Questions", "files": ("faq.jsonl",)})
    system_id = place.taken(components=(*place.file.components, more))
    place.loop.grade(system_id, actor=place.who("mei"))
    scanned = [each.target.name for each in place.loop.wanted(system_id) if each.check_id == "data-scan"]
    assert sorted(scanned) == ["faq.jsonl", "handbook.jsonl"]


def test_a_prompt_that_is_gone_is_said_and_not_a_crash(place, graded):
    (place.folder / "prompt.txt").unlink()
    with pytest.raises(InputError) as caught:
        place.loop.wanted(graded)
    assert caught.value.field == "prompt"
    assert "prompt.txt" in caught.value.message.zh
    assert "prompt.txt" in caught.value.message.en


def test_a_valid_proof_is_not_wanted_again(place, graded):
    for wanted in [each for each in place.loop.wanted(graded) if each.check_id in {"data-scan", "model-scan"}]:
        place.loop.run_check(graded, wanted, actor=place.who("mei"), progress=lambda *_: None)
    assert {check for check, _ in aims(place, graded)} == {"ai-bom", "redteam"}


@pytest.fixture
def grave(place):
    """The example where its answers touch people's health: grade 4."""
    file = place.file.model_copy(update={"facts": {**place.file.facts, "life_health": "direct"}})
    system_id = place.taken(facts=file.facts)
    place.loop.grade(system_id, actor=place.who("mei"))
    place.loop.guard(system_id, file, actor=place.who("zhao"))
    return system_id


def test_a_grave_system_is_evaluated_by_the_suites_of_each_demanded_type(place, grave):
    runs = {each.types: each for each in place.loop.wanted(grave) if each.check_id == "evaluate"}
    assert set(runs) == {(each,) for each in demanded()}
    for (kind,), wanted in runs.items():
        assert wanted.target.kind is GATEWAY
        assert wanted.options["suites"] == list(demanded()[kind].suites)
        assert wanted.options["limit"] == demanded()[kind].limit
        assert wanted.options["model_file"] == str(place.folder / "model.gguf")


def test_the_suites_that_are_asked_for_a_type_give_evidence_of_it():
    assert {
        kind: {load_suite(each).evidence_type for each in wanted.suites} for kind, wanted in demanded().items()
    } == {kind: {kind} for kind in demanded()}


@pytest.mark.parametrize(("changed", "departs"), [
    ({}, []), ({"max_tokens": 64, "concurrency": 8}, []), ({"limit": 3}, ["limit"]),
    ({"suites": ["usefulness"]}, ["suites"]), ({"languages": ["en"]}, ["languages"]),
    ({"bounds": {"attack_success_rate": 1.0}}, ["bounds"]), ({"categories": ["a1-a"]}, ["categories"]),
])  # fmt: skip
def test_an_evaluation_that_was_narrowed_proves_nothing(place, grave, changed, departs):
    wanted = next(each for each in place.loop.wanted(grave) if each.types == ("EV-BENCH",))
    with place.platform.reading() as work:
        found = lane.departures(work.desk, grave, load_check("evaluate"), target=wanted.target,
                                options={**wanted.options, **changed}, gateway_url=place.gateway_url)  # fmt: skip
    assert found == departs
