"""Grading rules: the worked cases, the explanation, what would change a grade, and that more risk is never answered with less."""

from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.catalog import GradingRules, load_catalog
from jingwei.core.canonical import digest
from jingwei.core.errors import InputError
from jingwei.core.rules import compile_rule
from jingwei.manage import checked, counterfactuals, decide, demand_monotone, monotonicity_violations
from jingwei.manage.facts import facts_digest

CASES = list(load_catalog().grading_cases.values())
PACKS = list(load_catalog().grading.values())


@lru_cache
def rules() -> GradingRules:
    return load_catalog().grading_rules()


def facts(**named: str) -> dict[str, str]:
    return {**rules().defaults(), **named}


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_worked_case_has_its_grade_and_its_stops(case):
    pack = load_catalog().grading_rules(case.rules)
    decision = decide(pack, {**pack.defaults(), **case.facts})
    assert decision.grade == case.grade
    assert {stop.id for stop in decision.stops} == set(case.stops)
    assert all(case.title.of(language) for language in ("zh", "en"))


def test_there_are_as_many_worked_cases_as_promised():
    assert len(CASES) >= 58


def test_a_decision_names_the_rules_that_fired_and_the_pack_they_are_of():
    decision = decide(rules(), facts(autonomy="L4", customer_funds="direct", tools="irreversible"))
    assert decision.scenario == 3
    assert (decision.base_grade, decision.grade) == (4, 5)
    assert {"S-b", "U-irrev"} <= {rule.id for rule in decision.fired}
    assert decision.rules_digest == rules().digest
    assert all(rule.why.zh and rule.why.en for rule in decision.fired)


def test_evidence_is_that_of_all_lanes_below_and_of_the_facts():
    low, high = decide(rules(), facts()), decide(rules(), facts(life_health="direct", autonomy="L2"))
    assert set(low.evidence) < set(high.evidence)
    with_tools = decide(rules(), facts(tools="read_only"))
    assert {"EV-AGENT-PERM", "EV-AGENT-LOG"} <= set(with_tools.evidence)
    assert len(set(high.evidence)) == len(high.evidence)


def test_an_override_changes_lane_and_evidence_and_lifts_no_stop():
    held = facts(model_origin="third_party_undocumented", personal_info="general", autonomy="L2")
    computed, lowered = decide(rules(), held), decide(rules(), held, override=1)
    assert (lowered.grade, lowered.computed_grade, lowered.lane.grade) == (1, 2, 1)
    assert {stop.id for stop in lowered.stops} == {stop.id for stop in computed.stops} == {"X-chain"}
    raised = decide(rules(), facts(model_origin="third_party_undocumented"), override=2)
    assert {stop.id for stop in raised.stops} == {"X-chain"}


def test_a_counterfactual_says_what_one_change_would_give():
    found = counterfactuals(rules(), facts(autonomy="L4", customer_funds="direct"))
    by_change = {(each.fact, each.changed): each for each in found}
    lower = by_change["autonomy", "L2"]
    assert (lower.grade, lower.direction) == (3, "lower")
    assert "3" in lower.says.en
    assert "3" in lower.says.zh
    assert by_change["red_line", "yes"].stops_added == ("X-red",)
    assert by_change["red_line", "yes"].direction == "higher"
    assert found[0].direction == "lower"


def test_a_counterfactual_tells_when_a_stop_would_be_lifted():
    found = counterfactuals(rules(), facts(red_line="yes"))
    lifted = [each for each in found if each.stops_lifted]
    assert [(each.fact, each.changed, each.direction) for each in lifted] == [("red_line", "no", "lower")]


def test_every_counterfactual_is_what_deciding_again_gives():
    present = facts(autonomy="L3", tools="irreversible", personal_info="sensitive")
    for each in counterfactuals(rules(), present):
        again = decide(rules(), {**present, each.fact: each.changed})
        assert again.grade == each.grade


def test_the_digest_of_facts_is_that_of_their_canonical_json():
    assert facts_digest(facts(autonomy="L4")) == digest(facts(autonomy="L4"))


def test_missing_facts_are_listed():
    answers = facts()
    del answers["autonomy"], answers["scale"]
    with pytest.raises(InputError, match="autonomy, scale") as refused:
        checked(rules(), answers)
    assert refused.value.field == "facts.autonomy"
    assert "autonomy, scale" in refused.value.message.zh


def test_an_unknown_value_names_the_values_there_are():
    with pytest.raises(InputError, match="L1, L2, L3, L4"):
        checked(rules(), facts(autonomy="L9"))
    with pytest.raises(InputError, match="no fact mood"):
        checked(rules(), facts(mood="good"))


@pytest.mark.parametrize("pack", PACKS, ids=[pack.id for pack in PACKS])
def test_every_rule_pack_is_monotone(pack):
    assert monotonicity_violations(pack, samples=1_500) == []
    demand_monotone(pack, samples=100)


@pytest.mark.slow
@pytest.mark.parametrize("pack", PACKS, ids=[pack.id for pack in PACKS])
def test_every_rule_pack_is_monotone_over_twenty_thousand_steps(pack):
    assert monotonicity_violations(pack, samples=20_000) == []


def test_the_fault_of_the_first_draft_is_found():
    """A floor that vanished when a capability rose from medium to high."""
    pack = rules()
    names = frozenset(pack.facts) | {"caps", "S", "grade"}
    broken = GradingRules(file=pack.file, digest=pack.digest, facts=pack.facts, compiled={
        **pack.compiled, "F-cap-medium": compile_rule("'medium' in caps", names)})  # fmt: skip
    found = monotonicity_violations(broken, samples=0) or monotonicity_violations(broken, samples=3_000)
    assert {(each.milder, each.worse, each.what) for each in found} == {("medium", "high", "grade")}
    assert all(each.fact.startswith("cap_") for each in found)
    with pytest.raises(InputError, match="from “medium” to the riskier “high”"):
        demand_monotone(broken, samples=3_000)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_step_toward_risk_never_gives_a_lower_grade_or_less_to_prove(data):
    pack = rules()
    present = {name: data.draw(st.sampled_from(fact.value_ids)) for name, fact in pack.facts.items()}
    name = data.draw(st.sampled_from(sorted(present)))
    ids = pack.facts[name].value_ids
    worse = ids[min(ids.index(present[name]) + 1, len(ids) - 1)]
    before, after = decide(pack, present), decide(pack, {**present, name: worse})
    assert after.grade >= before.grade
    assert set(after.evidence) >= set(before.evidence)
    assert {stop.effect for stop in after.stops} >= {stop.effect for stop in before.stops}


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_same_facts_give_the_same_decision(data):
    pack = rules()
    present = {name: data.draw(st.sampled_from(fact.value_ids)) for name, fact in pack.facts.items()}
    assert decide(pack, present) == decide(pack, dict(reversed(present.items())))
