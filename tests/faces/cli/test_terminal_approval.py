"""Held calls decided from the terminal, and what watching takes."""

import json
from datetime import timedelta

import pytest

from jingwei.core.identity import PLATFORM
from jingwei.core.ids import new_id
from jingwei.core.settings import Settings
from jingwei.manage import HeldCall
from jingwei.platform import Platform

NAME = "Staff assistant"
PASSWORD = "correct horse battery staple"


def told(done):
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture
def held(registered, tmp_path):
    """The id of a held call, whose agent's key an engineer made."""
    told(registered("system", "grade", NAME, "--json"))
    told(registered("policy", "attach", NAME, "--json", "--as", "zhao", JINGWEI_PASSWORD=PASSWORD))
    told(registered("system", "key", NAME, "--name", "buyer", "--json"))
    platform = Platform(Settings(home=tmp_path / "home"))
    with platform.work(PLATFORM, "test.held") as work:
        system = next(each for each in work.registry.systems() if each.name == NAME)
        now = work.desk.clock()
        call = HeldCall(
            id=new_id("apr"), host="h", system_id=system.id, principal="buyer", tool="pay", effect="irreversible",
            why="tool.needs-person", arguments_digest="a" * 64, arguments='{"to": "x"}', at=now,
            policy_digest=work.policies.in_force(system.id).digest, expires_at=now + timedelta(minutes=10),
        )  # fmt: skip
        work.approvals.ask(call)
    platform.close()
    return call.id


def test_a_held_call_is_listed_shown_and_approved(registered, held):
    listed = told(registered("approval", "list", "--json"))
    assert [each["id"] for each in listed] == [held]
    assert "pay" in registered("approval", "list").out
    assert '{"to": "x"}' in registered("approval", "show", held).out
    assert registered("approval", "approve", held, "--as", "lin", JINGWEI_PASSWORD="wrong").code == 3
    done = registered("approval", "approve", held, "--as", "lin", "--json", JINGWEI_PASSWORD=PASSWORD)
    assert told(done)["state"] == "approved"
    again = registered("approval", "refuse", held, "--reason", "late", "--as", "zhao", JINGWEI_PASSWORD=PASSWORD)
    assert "manage:approval-closed" in again.err
    assert registered("approval", "list", lang="zh").code == 0
    assert [each["state"] for each in told(registered("approval", "list", "--all", "--json"))] == ["approved"]


def test_a_refusal_takes_its_reason(registered, held):
    done = registered(
        "approval", "refuse", held, "--reason", "late", "--as", "zhao", "--json", JINGWEI_PASSWORD=PASSWORD
    )
    assert told(done)["state"] == "refused"


def test_watching_takes_a_person_at_a_terminal(registered, held):
    done = registered("approval", "watch", NAME, "--as", "lin", JINGWEI_PASSWORD="x")
    assert done.code == 2
    assert "faces.cli:watch-needs-terminal" in done.err
    assert told(registered("approval", "watchers", "--json")) == []
