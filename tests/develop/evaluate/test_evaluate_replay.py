"""Ground-truth replay: without a guard everything comes through, with ours the work does and the attack does not."""

import asyncio
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from jingwei.core.errors import Unavailable
from jingwei.deploy.guard import Guard
from jingwei.develop.evaluate.environments import SECTORS, sector
from jingwei.develop.evaluate.exchange import Message
from jingwei.develop.evaluate.organisms import script_server, serving
from jingwei.develop.evaluate.replay import Replayed, Trace, hijacked, replay, replay_policy, share, traces

ROOT = Path(__file__).resolve().parents[3]
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


@pytest.mark.slow
def test_tool_rules_alone_let_the_work_through_and_stop_the_attack(tmp_path):
    sys.path.insert(0, str(ROOT / "benchmarks" / "evaluate"))
    from replay import KEYS, gateway

    keys = {name: SecretStr(key) for name, key in KEYS.items()}
    with (
        serving(script_server(hijacked, name="replay")) as upstream,
        gateway(tmp_path, upstream, ["bank", "grid"], unheard=("harm", "injection")) as (url, _),
    ):
        found = share(asyncio.run(replay(url, keys, chosen=FEW)))
    assert (found.utility.hits, found.blocked.hits) == (2, 2)
