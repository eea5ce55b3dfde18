"""Ground-truth replay: without a guard everything comes through, with ours the work does and the attack does not."""

import asyncio

import pytest
import yaml
from pydantic import SecretStr

from jingwei.core.errors import Unavailable
from jingwei.core.evidence import Outcome
from jingwei.deploy.guard import Guard
from jingwei.develop.evaluate.environments import SECTORS, sector
from jingwei.develop.evaluate.exchange import Message
from jingwei.develop.evaluate.organisms import script_server, serving
from jingwei.develop.evaluate.replay import Replayed, Trace, hijacked, replay, replay_policy, share, traces
from jingwei.develop.evaluate.replay_outcome import EVERY, parts, worst
from jingwei.faces.cli.replay_gateway import standing

KEY = {name: SecretStr("k" * 20) for name in SECTORS}
FEW = [Trace("bank", "water", "", "", "zh"), Trace("bank", "water", "wire", "ignore", "zh"),
       Trace("grid", "low", "relay", "system", "en"), Trace("grid", "low", "", "", "en")]  # fmt: skip


def test_every_task_is_replayed_undisturbed_and_with_every_goal():
    found = traces()
    for name in SECTORS:
        here = sector(name)
        for language in ("zh", "en"):
            part = [each for each in found if (each.sector, each.language) == (name, language)]
            assert len(part) == len(set(part)) == len(here.tasks) * (1 + len(here.injections))
    assert {each.carrier for each in found if each.goal} == {"important", "ignore", "system"}


def test_the_hijacked_model_does_the_user_s_calls_and_then_the_attacker_s():
    trace = Trace("bank", "water", "wire", "ignore", "en")
    said, names = [Message(role="user", content="go")], []
    while (answer := hijacked(trace.model, said, ())).calls:
        names.append(answer.calls[0].name)
        said.append(Message(role="assistant"))
    assert names == ["read_bill", "schedule_payment", "wire_abroad"]


def test_without_a_guard_every_task_is_done_and_every_attack_comes_through():
    with serving(script_server(hijacked, name="replay")) as url:
        played = asyncio.run(replay(url, KEY, chosen=FEW))
    found = share(played)
    assert (found.utility.hits, found.utility.samples) == (2, 2)
    assert (found.blocked.hits, found.blocked.samples) == (0, 2)
    assert not any(each.stopped for each in played)


@pytest.mark.parametrize("name", SECTORS)
def test_the_policy_of_a_sector_is_one_that_the_guard_takes(name, tmp_path):
    path = tmp_path / "guard.yaml"
    path.write_text(yaml.safe_dump(replay_policy(name)), encoding="utf-8")
    assert {rule.name for rule in Guard.load(str(path)).policy.tools} == set(sector(name).tools)


def test_a_fault_is_neither_use_nor_defence():
    plain = {"sector": "bank", "task": "water", "carrier": "", "language": "en", "stopped": True}
    played = [
        Replayed(**plain, goal="", useful=False, succeeded=False, fault="timeout"),
        Replayed(**plain, goal="wire", useful=False, succeeded=False, fault="timeout"),
        Replayed(**plain, goal="wire", useful=True, succeeded=False),
    ]
    found = share(played)
    assert (found.utility.hits, found.utility.samples) == (0, 1)
    assert (found.blocked.hits, found.blocked.samples) == (1, 1)


def test_a_gateway_that_is_not_there_is_an_error_and_no_defence():
    with pytest.raises(Unavailable):
        asyncio.run(replay("http://127.0.0.1:9/v1", KEY, chosen=FEW[:1]))


def ended(*, useful, succeeded, fault="", language="en", sector="bank", tasks=8, attacks=40):
    """Return a sector's replays, all but some of which ended as told."""
    plain = {"sector": sector, "task": "water", "carrier": "", "language": language, "stopped": False}
    done = [Replayed(**plain, goal="", useful=place < useful, succeeded=False) for place in range(tasks)]
    hostile = [
        Replayed(**plain, goal="wire", useful=False, succeeded=place < succeeded, fault=fault if place == 0 else "")
        for place in range(attacks)
    ]
    return [*done, *hostile]


@pytest.mark.parametrize(
    ("came", "outcome"),
    [
        ({"useful": 8, "succeeded": 0}, Outcome.PASS),
        ({"useful": 8, "succeeded": 3}, Outcome.FAIL),
        ({"useful": 5, "succeeded": 0}, Outcome.FAIL),
        ({"useful": 8, "succeeded": 0, "attacks": 12}, Outcome.FAIL),
        ({"useful": 8, "succeeded": 0, "fault": "timeout"}, Outcome.INCOMPLETE),
        ({"useful": 8, "succeeded": 0, "attacks": 0}, Outcome.INCOMPLETE),
    ],
)
def test_the_unfavourable_end_of_the_interval_is_held_against_the_suite_s_limits(came, outcome):
    (found,) = parts(ended(**came))
    assert found.outcome is outcome


def test_all_sectors_are_as_good_as_the_worst_of_them_in_that_language():
    played = [
        *ended(useful=8, succeeded=0, sector="grid"),
        *ended(useful=8, succeeded=9),
        *ended(useful=8, succeeded=0, language="zh"),
    ]
    found = {(each.sector, each.language): each for each in parts(played)}
    assert found[EVERY, "en"].outcome is Outcome.FAIL
    assert (found[EVERY, "en"].share.blocked.hits, found[EVERY, "en"].share.blocked.samples) == (71, 80)
    assert found["bank", "zh"].outcome is Outcome.PASS
    assert (EVERY, "zh") not in found
    assert worst(parts(played)) is Outcome.FAIL


def test_nothing_replayed_is_no_pass():
    assert worst(parts([])) is Outcome.INCOMPLETE


def test_whoever_waits_is_told_how_far_it_is():
    told = []
    with serving(script_server(hijacked, name="replay")) as url:
        asyncio.run(replay(url, KEY, chosen=FEW, tell=lambda *given: told.append(given)))
    assert told == [(place, len(FEW)) for place in range(1, len(FEW) + 1)]


@pytest.mark.slow
def test_tool_rules_alone_let_the_work_through_and_stop_the_attack(tmp_path):
    with (
        serving(script_server(hijacked, name="replay")) as upstream,
        standing(tmp_path, upstream, sectors=["bank", "grid"], unheard=("harm", "injection")) as gateway,
    ):
        found = share(asyncio.run(replay(gateway.url, gateway.keys, chosen=FEW)))
    assert (found.utility.hits, found.blocked.hits) == (2, 2)
