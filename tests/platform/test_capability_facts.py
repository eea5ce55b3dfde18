"""What was measured of dangerous capabilities reaches the gate: as evidence, and as facts that grade and stop."""

import pytest

from jingwei.core.evidence import Binding, BoundTo, Draft, Measure, Outcome, Source, seal
from jingwei.core.ids import new_id
from jingwei.core.store.tables import CheckRunRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.develop.evaluate.levels import level_measures, reached
from jingwei.manage import State
from jingwei.platform import Execution
from jingwei.platform.capability import enter_levels

FACTS = {"cyber": "cap_cyber", "biochemical": "cap_cbrn", "persuasion": "cap_persuasion", "autonomy": "cap_autonomy"}


@pytest.fixture
def grave(place):
    """The example where its answers touch people's health: grade 4, which demands EV-CAP."""
    return system_of(place)


def system_of(place):
    file = place.file.model_copy(update={"facts": {**place.file.facts, "life_health": "direct"}})
    system_id = place.taken(facts=file.facts)
    place.loop.grade(system_id, actor=place.who("mei"))
    place.loop.guard(system_id, file, actor=place.who("zhao"))
    return system_id


def shares(able):
    """Return shares that put the domains of `able` at critical and the others at low."""
    return [
        Measure(name=f"capability.{domain}.{name}", title=Both(zh="量", en="m"), value=value, low=value, high=value,
                samples=40)
        for domain in FACTS for name in ("knowledge", "task") for value in [1.0 if domain in able else 0.0]
    ]  # fmt: skip


def measured(place, system_id, *able, outcome, type_id="EV-CAP"):
    """Enter evidence as a finished run does."""
    measures = shares(able)
    with place.platform.work(place.who("mei"), "test.measured") as work:
        run = CheckRunRow(
            id=new_id("run"), created_at=work.desk.clock(), check_id="evaluate", system_id=system_id, options={},
            target={"kind": "system", "locator": system_id}, through_gateway=False, requested_by=place.people["mei"],
            status="running", evidence_ids=[],
        )  # fmt: skip
        work.desk.session.add(run)
        work.desk.session.flush()
        draft = Draft(type=type_id, outcome=outcome, summary=Both(zh="试", en="test"),
                      bindings=(Binding(to=BoundTo.MODEL_VERSION, digest="0" * 64, observed=True),),
                      measures=(*measures, *level_measures(reached(measures))))  # fmt: skip
        at = work.desk.clock()
        evidence = seal(draft, system_id=system_id, target=Target(kind=TargetKind.SYSTEM, locator=system_id),
                        source=Source(kind="auto", name="evaluate", version="1", run_id=run.id), started_at=at,
                        finished_at=at, signer=work.desk.signer)  # fmt: skip
        work.proof.add(evidence)
        enter_levels(work, system_id, evidence)
    with place.platform.reading() as work:
        return {each.name: each.value for each in work.intake.facts(system_id)}


def stops(place, system_id):
    with place.platform.reading() as work:
        return {each.id for each in work.grading.preview(system_id).stops}


def test_a_level_that_was_measured_overrules_a_milder_answer_and_stops_deployment(place, grave):
    assert stops(place, grave) == set()
    facts = measured(place, grave, "cyber", outcome=Outcome.FAIL)
    assert {name: facts[name] for name in FACTS.values()} == {
        "cap_cyber": "critical", "cap_cbrn": "low", "cap_persuasion": "low", "cap_autonomy": "low",
    }  # fmt: skip
    assert stops(place, grave) == {"X-cap-critical", "X-cap-high"}


def test_a_later_pass_takes_it_back_to_what_people_answered_and_no_failure_does(place, grave):
    measured(place, grave, "cyber", outcome=Outcome.FAIL)
    assert measured(place, grave, "persuasion", outcome=Outcome.FAIL)["cap_cyber"] == "critical"
    facts = measured(place, grave, outcome=Outcome.PASS)
    assert {facts[name] for name in FACTS.values()} == {"low"}
    assert stops(place, grave) == set()


def test_what_people_know_to_be_able_stays_so_whatever_few_questions_show(place, grave):
    with place.platform.work(place.who("mei"), "fact.answer") as work:
        work.intake.answer(grave, {"cap_autonomy": "high"}, actor=place.who("mei"))
    assert measured(place, grave, outcome=Outcome.PASS)["cap_autonomy"] == "high"


@pytest.mark.parametrize("other", [{"outcome": Outcome.INCOMPLETE}, {"outcome": Outcome.FAIL, "type_id": "EV-FAIR"}])
def test_what_proves_nothing_of_levels_changes_no_fact(place, grave, other):
    assert measured(place, grave, "cyber", **other)["cap_cyber"] == "low"


def test_the_key_of_the_model_goes_with_a_run_for_levels_and_to_no_other_address(place, monkeypatch):
    monkeypatch.setenv("JINGWEI_UPSTREAM_KEY_TEST", "sk-secret")
    place_file = place.file.model_copy(update={"facts": {**place.file.facts, "life_health": "direct"}})
    upstream = place_file.upstream.model_copy(update={"key_env": "JINGWEI_UPSTREAM_KEY_TEST"})
    system_id = place.taken(facts=place_file.facts, upstream=upstream)
    place.loop.grade(system_id, actor=place.who("mei"))
    place.loop.guard(system_id, place_file, actor=place.who("zhao"))
    wanted = next(each for each in place.loop.wanted(system_id) if each.types == ("EV-CAP",))
    assert wanted.options["bare"] == place.upstream_url
    keys = []
    for changed in ({}, {"bare": "http://127.0.0.1:1/v1"}):
        with place.platform.work(place.who("mei"), "run.ask") as work:
            asked = work.runs.ask("evaluate", system_id=system_id, target=wanted.target, actor=place.who("mei"),
                                  options={**wanted.options, **changed})  # fmt: skip
        run = Execution(place.platform)._get(asked.id, calls=False).run
        keys.append(run.bare_secret.get_secret_value() if run.bare_secret else None)
    assert keys == ["sk-secret", None]


@pytest.mark.slow
def test_a_lane_that_demands_levels_gets_them_before_and_after_the_guard(guarded_place, organism):
    place, organism.says = guarded_place, "A"
    system_id = system_of(place)
    wanted = next(each for each in place.loop.wanted(system_id) if each.types == ("EV-CAP",))
    (evidence,) = place.loop.run_check(system_id, wanted, actor=place.who("mei"), progress=lambda *_: None)
    names = {each.name for each in evidence.measures}
    assert {f"capability.{domain}.level.{when}" for domain in FACTS for when in ("before", "after")} <= names
    assert evidence.outcome is Outcome.PASS
    assert place.item(system_id, "EV-CAP").state is State.VALID
