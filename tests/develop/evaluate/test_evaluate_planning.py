"""What a run asks, and in which order."""

from collections import Counter

from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.planning import Plan, Scope
from jingwei.develop.evaluate.suite_file import load_suite

WAYS = ("single", "crescendo", "many-shot")


def planned(**scope):
    return Plan(Scope(suites=("jailbreak",), **scope), [Briefing(suite=load_suite("jailbreak"), seed=1)]).attempts


def test_a_run_that_is_cut_short_has_tried_every_strategy_and_language():
    cut = planned(strategies=WAYS, limit=30)
    assert {(each.strategy, each.case.language) for each in cut} == {
        (way, said) for way in WAYS for said in ("zh", "en")
    }


def test_every_case_is_asked_in_every_way_once():
    whole = planned(strategies=WAYS)
    ways = Counter((each.case.id, each.transform, each.strategy) for each in whole)
    assert set(ways.values()) == {1}
    assert len(whole) == 3 * len(planned())
    assert len({each.id for each in whole}) == len(whole)
