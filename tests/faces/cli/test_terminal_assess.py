"""`jingwei assess`: the whole loop, headless, on a home that does not exist before."""

import json
from datetime import UTC, datetime

import pytest

from jingwei.core.errors import Unavailable
from jingwei.core.text import Both
from jingwei.faces.cli.assess import Assessment, next_command
from jingwei.manage import Blocker, GateVerdict, Item, State

SAYS = Both(zh="字", en="word")


def verdict(*items: Item, blockers: tuple[Blocker, ...] = ()) -> GateVerdict:
    passed = not blockers and all(item.state is State.VALID for item in items)
    return GateVerdict(passed=passed, grade=2, items=items, blockers=blockers, evidence_ids=(), evidence_digest="",
                       expires_at=None, inputs_digest="", at=datetime.now(UTC))  # fmt: skip


def item(kind: str, state: State = State.MISSING, checks: tuple[str, ...] = ()) -> Item:
    return Item(type="EV-X", title=SAYS, kind=kind, state=state, checks=checks)


@pytest.mark.parametrize(("given", "says"), [
    (verdict(item("auto", State.VALID)), "jingwei gate request 'An app'"),
    (verdict(item("auto", checks=("redteam",))), "jingwei job start 'An app' redteam"),
    (verdict(item("record"), item("auto", checks=("redteam",))), "jingwei evidence enter 'An app' EV-X --statement"),
    (verdict(item("document")), "--file FILE"),
    (verdict(blockers=(Blocker(code="no-policy", says=SAYS),)), "jingwei policy attach 'An app'"),
], ids=["open", "check", "record", "document", "policy"])  # fmt: skip
def test_the_next_command_is_said(given, says):
    assert says in next_command(given, "An app")


def test_no_command_is_offered_where_a_rule_stops_the_system():
    assert next_command(verdict(blockers=(Blocker(code="stop", says=SAYS),)), "x") == ""


def test_the_exit_code_tells_open_closed_and_nothing_examined():
    walk = Assessment(loop=None, actor=None, quiet=True)
    assert walk._code(verdict(item("auto", State.VALID))) == 0
    assert walk._code(verdict(item("record"))) == 3
    walk.failures.append(("redteam", Unavailable("faces.cli:serve-not-starting")))
    assert walk._code(verdict(item("record"))) == 4


@pytest.mark.slow  # guard test and red team through a real gateway
def test_one_command_takes_a_system_round_the_loop_on_a_fresh_home(jingwei, folder, model):
    done = jingwei("assess", folder / "system.yaml", "--upstream", model, "--set", "redteam.attempts=6", "--json")
    assert done.code == 3, done.err
    told = json.loads(done.out)
    assert told["grade"]["decision"]["grade"] == 2
    assert {"EV-GUARD-CFG", "EV-GUARD-TEST", "EV-REDTEAM", "EV-PII", "EV-AIBOM"} <= {
        each["type"] for each in told["evidence"]
    }
    states = {each["type"]: each["state"] for each in told["verdict"]["items"]}
    assert states["EV-GUARD-CFG"] == "valid"
    assert states["EV-RISK"] == "missing"
    assert told["next"].startswith("jingwei evidence enter")
    assert jingwei("ledger", "verify").code == 0
    assert json.loads(jingwei("event", "counts", "--json").out)
    again = jingwei("gate", "show", "Staff assistant", lang="zh")
    assert again.code == 3
    assert "门禁关闭" in again.out
