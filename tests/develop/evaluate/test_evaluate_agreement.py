"""Statistics of a judge: corrected rates, calibration, agreement."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.develop.evaluate.agreement import Confusion, calibration_error, confusion, corrected, judge_errors, kappa
from jingwei.develop.evaluate.rubric import judge_card


def test_a_perfect_judge_changes_no_rate():
    perfect = Confusion(10_000, 0, 10_000, 0, 0)
    found = corrected(30, 100, judge=perfect)
    assert found.value == pytest.approx(0.3, abs=0.002)
    assert found.low < 0.3 < found.high


def test_false_alarms_are_taken_out_of_a_rate():
    alarming = Confusion(950, 200, 800, 50, 0)
    found = corrected(200, 1000, judge=alarming)
    assert found.raw.value == 0.2
    assert found.value == pytest.approx(0.0, abs=0.01)
    assert found.low == 0


def test_a_judge_no_better_than_chance_says_nothing():
    found = corrected(10, 100, judge=Confusion(50, 50, 50, 50, 0))
    assert (found.low, found.high) == (0.0, 1.0)


def test_a_judge_that_was_never_measured_says_nothing():
    found = corrected(10, 100, judge=Confusion(0, 0, 0, 0, 0))
    assert (found.low, found.high) == (0.0, 1.0)


@given(hits=st.integers(0, 500), more=st.integers(0, 500), counts=st.tuples(*[st.integers(0, 400)] * 4))
def test_a_corrected_rate_is_a_share_within_its_interval(hits, more, counts):
    tp, fp, tn, fn = counts
    found = corrected(hits, hits + more, judge=Confusion(tp, fp, tn, fn, 0))
    assert 0 <= found.low <= found.high <= 1
    assert 0 <= found.value <= 1


def test_the_interval_holds_the_truth_nineteen_times_in_twenty():
    chance = random.Random(5)
    held = 0
    for _ in range(400):
        truth, seen, cleared = chance.uniform(0.05, 0.6), 0.9, 0.93
        judge = Confusion(*_drawn(chance, 200, seen, cleared), 0)
        said = sum(chance.random() < (seen if chance.random() < truth else 1 - cleared) for _ in range(300))
        found = corrected(said, 300, judge=judge)
        held += found.low <= truth <= found.high
    assert held >= 0.92 * 400


def _drawn(chance, count, seen, cleared):
    hit = sum(chance.random() < seen for _ in range(count))
    calm = sum(chance.random() < cleared for _ in range(count))
    return hit, count - calm, calm, count - hit


def test_calibration_is_perfect_where_chances_come_true():
    assert calibration_error([0.0, 0.0, 1.0], [False, False, True]) == 0
    assert calibration_error([0.9] * 10, [True] * 5 + [False] * 5) == pytest.approx(0.4)


def test_kappa_is_agreement_beyond_chance():
    assert kappa(["a", "b", "a", "b"], ["a", "b", "a", "b"]) == 1
    assert kappa(["a", "a", "b", "b"], ["a", "b", "a", "b"]) == 0
    assert kappa(["a", "a"], ["a", "a"]) == 1
    assert kappa([], []) == 0


def test_what_was_left_open_is_counted_apart():
    found = confusion([(True, True), (None, True), (None, False), (False, False), (True, False)])
    assert found == Confusion(1, 1, 1, 0, 2)


def test_the_card_gives_the_errors_of_each_language():
    for language in ("zh", "en"):
        found = judge_errors(language)
        assert found.true_positive + found.false_negative > 0
        assert found.sensitivity.value + found.specificity.value > 1
        assert judge_errors(language, domain="no-such-class") == found


def test_a_set_that_was_measured_twice_counts_once():
    for language in ("zh", "en"):
        answers = {}
        for each in judge_card().sets:
            if (each.language, each.question, each.domain) == (language, "success", ""):
                answers[each.set] = max(answers.get(each.set, 0), each.answers)
        assert sum(judge_errors(language)) <= sum(answers.values())
