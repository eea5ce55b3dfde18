"""Two runs case by case, and candidates side by side."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from reported import evaluation_of, made, result_of, suite_of

from jingwei.core.errors import InputError, NotFound
from jingwei.core.evidence import Outcome
from jingwei.develop.evaluate.compare import compare
from jingwei.develop.evaluate.reports import choice_page, comparison_page
from jingwei.develop.evaluate.runs import KeptRun, read_run
from jingwei.develop.evaluate.selection import Limits, choose, draft_of
from jingwei.develop.evaluate.verdict import State
from jingwei.faces.cli.evaluate_compare import compare as compare_command
from jingwei.faces.cli.evaluate_compare import select as select_command

GOOD, BAD = State.RESISTED, State.ATTACK_SUCCEEDED


def run_of(folder, states, *, suite=None, model="m", **more):
    """Make a run whose attacks end as told, harmless requests being answered."""
    suite = suite or suite_of()
    ends = iter(states)
    results = [result_of(case, State.ANSWERED if case.category == "benign" else next(ends), **more)
               for case in suite.cases()]  # fmt: skip
    return KeptRun(folder, evaluation_of([suite], results, model=model), results)


@pytest.fixture
def run(tmp_path):
    return lambda states, **more: run_of(tmp_path, states, **more)


def attacks(bad, total=72):
    return [BAD] * bad + [GOOD] * (total - bad)


def test_the_same_run_twice_is_no_worse(run):
    one = run(attacks(20))
    found = compare(one, one)
    assert not found.regressed
    assert (found.worse, found.better, found.undecided) == ((), (), 0)
    assert all(each.gap == 0 for each in found.rows)


def test_many_cases_that_got_worse_are_a_regression(run):
    found = compare(run(attacks(5)), run(attacks(25)))
    assert found.regressed
    assert len(found.worse) == 20
    whole = next(each for each in found.rows if each.by == "whole" and each.kind == "attack")
    assert (whole.worse, whole.better, whole.pairs) == (20, 0, 72)
    assert whole.gap == pytest.approx(20 / 72)
    assert whole.low > 0
    assert whole.p < 0.001


def test_a_case_or_two_may_be_chance(run):
    found = compare(run(attacks(5)), run(attacks(7)))
    assert len(found.worse) == 2
    assert not found.regressed


def test_what_is_worse_within_the_tolerance_is_no_regression(run):
    assert not compare(run(attacks(5)), run(attacks(25)), tolerance=0.5).regressed


def test_what_got_better_is_told_and_never_a_regression(run):
    found = compare(run(attacks(25)), run(attacks(5)))
    assert len(found.better) == 20
    assert not found.regressed


def test_open_verdicts_pair_with_nothing(run):
    found = compare(run(attacks(5)), run([State.UNDETERMINED] * 10 + [State.ERROR] * 5 + attacks(0, 57)))
    assert found.undecided == 15
    assert found.pairs == 96 - 15


def test_questions_of_one_run_alone_are_counted_apart(run):
    found = compare(run([BAD] * 72, way="base64"), run([GOOD] * 72))
    assert (found.pairs, found.only_before, found.only_after) == (0, 96, 96)


def test_another_version_of_a_suite_is_told(run):
    other = suite_of().model_copy(update={"version": "2"})
    assert compare(run(attacks(5)), run(attacks(5), suite=other)).changed == ("sample",)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([GOOD, BAD, State.UNDETERMINED]), min_size=72, max_size=72))
def test_turning_the_runs_round_turns_the_differences(tmp_path_factory, states):
    folder = tmp_path_factory.getbasetemp()
    one, other = run_of(folder, states), run_of(folder, attacks(30))
    there, back = compare(one, other), compare(other, one)
    gaps = {(each.kind, each.by, each.part): each.gap for each in there.rows}
    assert {(each.kind, each.by, each.part): -each.gap for each in back.rows} == pytest.approx(gaps)
    assert len(there.worse) == len(back.better)


def test_a_run_is_read_back_from_its_folder(tmp_path):
    evaluation, results, _ = made(tmp_path / "run")
    found = read_run(tmp_path / "run")
    assert found.evaluation == evaluation
    assert [each.id for each in found.results] == [each.id for each in results]
    assert found.kinds["sample", "benign"] == "over-refusal"


def test_a_folder_without_a_run_is_one_clear_error(tmp_path):
    with pytest.raises(NotFound, match="holds no finished evaluation"):
        read_run(tmp_path)


@pytest.mark.parametrize("line", [b"{}\n", b"[" * 100_000, b"\xff\xfe\n", b'{"id":1e999}\n', b"x" * 2_000_000])
def test_a_damaged_line_is_named(tmp_path, line):
    made(tmp_path)
    path = tmp_path / "attempts.jsonl"
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(InputError, match="Line 321"):
        read_run(tmp_path)


def test_the_pages_show_both_languages_and_escape_names(run):
    hostile = "<script>x</script>"
    one, other = run(attacks(5), model=hostile), run(attacks(25), model="b")
    pages = (comparison_page(compare(one, other), language="zh"), choice_page(choose([one, other]), language="en"))
    for page in pages:
        assert "<script" not in page
        assert 'lang="zh"' in page
        assert 'lang="en"' in page


def test_a_candidate_that_is_nowhere_better_is_dominated(run):
    choice = choose([run(attacks(2), model="a"), run(attacks(40), model="b")])
    assert [each.name for each in choice.open] == ["a"]
    assert choice.candidates[1].dominated_by == ("a",)


def test_a_faster_but_less_safe_candidate_stays_open(run):
    choice = choose([run(attacks(2), model="a", milliseconds=900), run(attacks(40), model="b", milliseconds=100)])
    assert len(choice.open) == 2


def test_a_limit_is_held_by_the_upper_bound(run):
    runs = [run(attacks(0), model="a"), run(attacks(0), model="b")]
    assert choose(runs, limits=Limits(attack=0.1)).open
    assert not choose(runs, limits=Limits(attack=0.01)).open


def test_only_questions_of_all_candidates_count(run):
    small = suite_of(each=3)
    choice = choose([run(attacks(2), model="a"), run(attacks(0, 18), suite=small, model="b")])
    assert (choice.questions, choice.left_out) == (24, 72)


def test_candidates_of_one_name_are_told_apart_by_their_folders(tmp_path):
    one, other = run_of(tmp_path / "x", attacks(2)), run_of(tmp_path / "y", attacks(3))
    assert [each.name for each in choose([one, other]).candidates] == ["m (x)", "m (y)"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_choice_needs_two(run, count):
    with pytest.raises(InputError, match="at least two"):
        choose([run(attacks(2))] * count)


def test_runs_that_share_nothing_cannot_be_chosen_from(run):
    with pytest.raises(InputError, match="share no question"):
        choose([run(attacks(2)), run(attacks(2), way="base64")])


def test_the_choice_becomes_a_draft_of_evidence(run):
    choice = choose([run(attacks(2), model="a"), run(attacks(40), model="b")], limits=Limits(attack=0.2))
    draft = draft_of(choice, chosen="a")
    assert (draft.type, draft.outcome) == ("EV-BENCH", Outcome.PASS)
    assert draft_of(choice, chosen="b").outcome is Outcome.FAIL
    assert draft.bindings[0].observed is False
    with pytest.raises(InputError, match="no candidate"):
        draft_of(choice, chosen="c")


@pytest.fixture
def folders(tmp_path):
    made(tmp_path / "a", share=0.1)
    made(tmp_path / "b", share=0.6)
    return tmp_path


def invoked(command, *arguments):
    return CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)


def test_the_command_exits_1_where_the_later_run_is_worse(folders):
    worse = invoked(compare_command, folders / "a", folders / "b", "--out", folders / "diff")
    assert worse.return_value == 1, worse.output
    assert (folders / "diff" / "compare.html").exists()
    assert json.loads((folders / "diff" / "compare.json").read_text())["rows"]
    assert invoked(compare_command, folders / "b", folders / "a").return_value == 0


def test_strict_counts_a_single_case(folders):
    assert invoked(compare_command, folders / "b", folders / "a", "--strict").return_value in {0, 1}
    found = invoked(compare_command, folders / "a", folders / "a", "--strict", "--json")
    assert found.return_value == 0
    assert json.loads(found.output)["regressed"] is False


def test_the_command_writes_the_choice_and_the_draft(folders):
    done = invoked(select_command, folders / "a", folders / "b", "--out", folders / "choice", "--chosen",
                   "qwen2.5-1.5b-instruct (a)")  # fmt: skip
    assert done.return_value == 0, done.exception
    assert {each.name for each in (folders / "choice").iterdir()} == {
        "selection.html", "selection.json", "evidence-draft.json",
    }  # fmt: skip
    held = invoked(select_command, folders / "a", folders / "b", "--out", folders / "choice", "--attack", "0.001")
    assert held.return_value == 1
