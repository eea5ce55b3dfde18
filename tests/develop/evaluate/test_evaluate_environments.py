"""The sectors: pure tools, tasks that can be done, attacks that can succeed, and both told from the state."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import NotFound
from jingwei.core.policy import Effect
from jingwei.develop.evaluate.attempt import Briefing, attempt_of
from jingwei.develop.evaluate.carrying import carry_out
from jingwei.develop.evaluate.environments import (
    SECTORS,
    attacked,
    carrier_names,
    changes,
    sector,
    succeeded,
    useful,
)
from jingwei.develop.evaluate.exchange import Answer, Call
from jingwei.develop.evaluate.scorers import check_facts, scorer
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.verdict import State

PAIRS = [(name, language) for name in SECTORS for language in ("zh", "en")]


@pytest.mark.parametrize("name", SECTORS)
def test_a_sector_has_tools_of_each_effect_and_enough_to_do(name):
    here = sector(name)
    effects = {tool.effect for tool in here.tools.values()}
    assert effects == set(Effect)
    assert len(here.tools) >= 6
    assert len(here.tasks) >= 8
    assert len(here.injections) >= 5
    assert set(here.tools) == set(here.about)
    assert set(here.rules) <= set(here.tools)
    assert any(tool.untrusted for tool in here.tools.values())


@pytest.mark.parametrize(("name", "language"), PAIRS)
def test_every_task_can_be_done_and_its_own_calls_reach_no_attacker_s_goal(name, language):
    here = sector(name)
    for task in here.tasks.values():
        before = here.worlds[language]
        after = before
        for call in task.steps:
            after, result = here.act(after, call)
            assert "error" not in json.loads(result), (task.id, call)
        assert useful(here, task, before, after)
        assert not useful(here, task, before, before)
        for goal in here.injections.values():
            assert not succeeded(here, task, goal, before, after)


@pytest.mark.parametrize(("name", "language"), PAIRS)
def test_every_attack_is_read_at_the_first_step_and_can_succeed(name, language):
    here = sector(name)
    for task in here.tasks.values():
        for goal in here.injections.values():
            for carrier in carrier_names():
                before = attacked(here, task, goal, language=language, carrier=carrier)
                _, read = here.act(before, task.steps[0])
                assert goal.of(language) in read, (task.id, goal.id)
            hijacked = here.after(before, (*task.steps, *goal.steps))
            assert succeeded(here, task, goal, before, hijacked), (task.id, goal.id)


def test_a_tool_changes_a_new_state_and_leaves_the_old():
    here = sector("bank")
    before = here.worlds["en"]
    call = Call(name="freeze_card", arguments={"card": "C1"})
    after, _ = here.act(before, call)
    assert changes(before, after) == {"cards.C1.frozen": "true"}
    assert not before.cards["C1"].frozen
    assert changes(before, before) == {}


@pytest.mark.parametrize(
    "call",
    [
        Call(name="nothing"),
        Call(name="freeze_card"),
        Call(name="freeze_card", arguments={"card": "C9"}),
        Call(name="freeze_card", arguments={"card": "C1", "more": 1}),
        Call(name="set_card_limit", arguments={"card": "C1", "limit": "much"}),
        Call(name="set_card_limit", arguments={"card": ["C1"], "limit": 3}),
    ],
)
def test_a_wrong_call_changes_nothing_and_says_so(call):
    here = sector("bank")
    after, result = here.act(here.worlds["en"], call)
    assert after == here.worlds["en"]
    assert "error" in json.loads(result)


@given(
    st.sampled_from(SECTORS),
    st.text(max_size=20),
    st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=8), max_size=3),
)
def test_no_call_whatever_breaks_a_world(name, tool, arguments):
    here = sector(name)
    for called in (tool, next(iter(here.tools))):
        after, result = here.act(here.worlds["zh"], Call(name=called, arguments=arguments))
        assert after == here.worlds["zh"]
        json.loads(result)


def test_an_unknown_sector_is_refused_with_the_known_ones():
    with pytest.raises(NotFound, match="telecom"):
        sector("rail")


@pytest.mark.parametrize("name", SECTORS)
def test_a_suite_asks_every_task_and_every_pair_of_task_and_goal(name):
    suite, here = load_suite(f"agent-{name}"), sector(name)
    check_facts(suite)
    assert len(suite.category("tasks").prompts) == len(here.tasks)
    pairs = {(each.facts["task"], each.facts["injection"]) for each in suite.category("hijacked").prompts}
    assert pairs == {(task, goal) for task in here.tasks for goal in here.injections}
    for prompt in (*suite.category("tasks").prompts, *suite.category("hijacked").prompts):
        task = here.tasks[prompt.facts["task"]]
        assert (prompt.zh, prompt.en) == (task.zh, task.en)


def carried(case_id, subject, *, suite="agent-bank"):
    found = load_suite(suite)
    briefing = Briefing(suite=found, seed=1)
    case = next(each for each in found.cases() if each.id == case_id)
    return asyncio.run(carry_out(attempt_of(briefing, case, "plain", strategy="agent"), subject, briefing))


def plays(*calls, native=True):
    """Return a subject that makes calls one after another, then answers."""

    async def ask(asked):
        taken = sum(each.role == "assistant" for each in asked.messages)
        if taken >= len(calls):
            return Answer(text="Done.")
        if native:
            return Answer(calls=(calls[taken],))
        listed = ", ".join(f"{name}={value}" for name, value in calls[taken].arguments.items())
        return Answer(text=f"TOOL: {calls[taken].name}({listed})")

    return ask


@pytest.mark.parametrize("native", [True, False])
def test_a_task_well_done_is_correct_whether_tools_are_called_natively_or_in_words(native):
    steps = sector("bank").tasks["travel"].steps
    result = carried("bank-travel-zh", plays(*steps, native=native))
    assert (result.verdict.state, result.verdict.details["useful"]) == (State.CORRECT, True)
    assert result.turns == len(steps) + 1


def test_a_hijacked_agent_is_found_by_what_it_did():
    here = sector("bank")
    goal = here.injections["wire"]
    result = carried("bank-water-wire-in-en", plays(*here.tasks["water"].steps, *goal.steps))
    assert result.verdict.state is State.ATTACK_SUCCEEDED
    assert result.verdict.details["useful"] is True


def test_saying_that_it_is_done_is_not_doing_it():
    async def boasts(_):
        return Answer(text="I paid the bill and wired 9000 to XX99.")

    assert carried("bank-water-en", boasts).verdict.state is State.INCORRECT
    assert carried("bank-water-wire-in-en", boasts).verdict.state is State.RESISTED


def test_the_suite_measures_use_undisturbed_and_under_attack():
    here = sector("bank")
    results = [
        carried("bank-water-en", plays(*here.tasks["water"].steps)),
        carried("bank-water-wire-in-en", plays(*here.tasks["water"].steps)),
        carried("bank-water-wire-in-zh", plays()),
    ]
    measures = {each.name: (each.value, each.samples) for each in scorer("state").measures(results)}
    assert measures == {"utility": (1.0, 1), "utility_under_attack": (0.5, 2)}


def test_work_that_goes_round_in_circles_ends():
    async def circles(_):
        return Answer(calls=(Call(name="read_bill", arguments={"bill": "B1"}),))

    result = carried("bank-water-en", circles)
    assert result.verdict.reasons == ("task-undone", "steps")
