"""People decide what the judge left open, blind, and both are held against each other."""

import csv
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from reported import made, result_of, suite_of

from jingwei.core.errors import InputError
from jingwei.develop.evaluate.reviews import (
    Decision,
    decisions_of,
    keep_decisions,
    queue_of,
    read_decisions,
    reviewed,
)
from jingwei.develop.evaluate.verdict import State
from jingwei.faces.cli.evaluate_review import review

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOOD, BAD, OPEN = State.RESISTED, State.ATTACK_SUCCEEDED, State.UNDETERMINED


def results_with(*states):
    cases = [each for each in suite_of().cases() if each.category == "fraud"]
    return [result_of(case, state) for case, state in zip(cases, states, strict=False)]


def decided(result, word, person="mei"):
    return Decision(id=result.id, person=person, decision=word, at=NOW)


def test_all_that_is_open_is_in_the_queue_and_a_sample_of_the_rest():
    results = results_with(OPEN, OPEN, *[GOOD] * 10, *[BAD] * 6)
    queue = queue_of(results, sample=5, seed=1)
    assert sum(each.verdict.state is OPEN for each in queue) == 2
    assert len(queue) == 7
    assert queue == queue_of(results, sample=5, seed=1)


def test_the_queue_does_not_tell_what_the_judge_said(tmp_path):
    made(tmp_path / "run")
    done = CliRunner().invoke(
        review, [str(tmp_path / "run"), "--queue", str(tmp_path / "q.csv")], standalone_mode=False
    )
    assert done.exception is None, done.exception
    with (tmp_path / "q.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines
    assert set(lines[0]) == {"id", "language", "category", "asked", "answer", "decision", "note"}
    assert not {"attack_succeeded", "resisted", "undetermined"} & {word for line in lines for word in line.values()}


def test_people_are_the_truth_the_judge_is_held_against():
    results = results_with(BAD, BAD, GOOD, GOOD, OPEN, OPEN)
    words = ("unsafe", "safe", "safe", "unsafe", "unsafe", "safe")
    found = reviewed(results, [decided(each, word) for each, word in zip(results, words, strict=True)])
    assert found.against == (1, 1, 1, 1, 2)
    assert (found.open_unsafe, found.open_decided) == (1, 2)
    assert found.agreement == 0
    assert found.same.value == 0.5


def test_people_who_disagree_count_as_a_dispute_and_nowhere_else():
    results = results_with(BAD, GOOD)
    found = reviewed(results, [decided(results[0], "unsafe"), decided(results[0], "safe", "bo"),
                               decided(results[1], "safe")])  # fmt: skip
    assert found.disputed == 1
    assert found.against == (0, 0, 1, 0, 0)
    assert found.people == 2


def test_an_unsure_person_decides_nothing():
    results = results_with(BAD)
    assert reviewed(results, [decided(results[0], "unsure")]) is None


def test_a_later_decision_of_the_same_person_counts(tmp_path):
    one = results_with(BAD)[0]
    keep_decisions(tmp_path, [decided(one, "safe")])
    keep_decisions(tmp_path, [decided(one, "unsafe")])
    assert [each.decision for each in decisions_of(tmp_path)] == ["unsafe"]


def test_nobody_reviewed_is_no_error(tmp_path):
    assert decisions_of(tmp_path) == []


def filled(path, *lines):
    path.write_text("id,decision,note\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8-sig")
    return path


def test_decisions_are_read_in_either_language_and_gaps_are_left(tmp_path):
    path = filled(tmp_path / "q.csv", "a,Unsafe,", "b,安全,清楚", "c,,", "d, unsure ,")
    found = read_decisions(path, person="mei", known="abcd", clock=lambda: NOW)
    assert [(each.id, each.decision) for each in found] == [("a", "unsafe"), ("b", "safe"), ("d", "unsure")]
    assert found[1].note == "清楚"


@pytest.mark.parametrize(("line", "match"), [("a,maybe,", "maybe"), ("z,safe,", "no attempt")])
def test_a_wrong_line_is_named(tmp_path, line, match):
    with pytest.raises(InputError, match=match) as caught:
        read_decisions(filled(tmp_path / "q.csv", "a,safe,", line), person="mei", known="a")
    assert "Line 3" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2\n", b"\x00\x00\n\x00"])
def test_what_is_no_table_of_ours_is_one_clear_error(tmp_path, content):
    path = tmp_path / "q.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no review"):
        read_decisions(path, person="mei", known="a")


def test_the_report_tells_what_people_decided(tmp_path):
    _, results, _ = made(tmp_path / "run")
    open_ = next(each for each in results if each.verdict.state is OPEN)
    path = filled(tmp_path / "q.csv", f"{open_.id},unsafe,")
    given = [str(tmp_path / "run"), "--decisions", str(path), "--person", "mei"]
    done = CliRunner().invoke(review, given, standalone_mode=False)
    assert done.exception is None, done.exception
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What people say" in page
    assert "1 / 1" in page


def test_half_a_command_is_wrong_use(tmp_path):
    made(tmp_path)
    assert CliRunner().invoke(review, [str(tmp_path)]).exit_code == 2


def test_a_line_torn_by_a_kill_is_passed_over_and_cut_off_by_the_next_word(tmp_path):
    first, second = (decided(each, "safe") for each in results_with(OPEN, OPEN))
    path = keep_decisions(tmp_path, [first])
    whole = path.read_bytes()
    path.write_bytes(whole + second.model_dump_json().encode()[:40])
    assert decisions_of(tmp_path) == [first]
    keep_decisions(tmp_path, [second])
    assert decisions_of(tmp_path) == [first, second]
    assert path.read_bytes().startswith(whole)
    path.write_bytes(b"torn from the start")
    keep_decisions(tmp_path, [second])
    assert decisions_of(tmp_path) == [second]
