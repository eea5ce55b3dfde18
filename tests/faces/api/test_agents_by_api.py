"""Held calls decided, and agents watched, over HTTP."""

from datetime import timedelta

import pytest

from jingwei.core.identity import PLATFORM
from jingwei.core.ids import new_id
from jingwei.manage import HeldCall


@pytest.fixture
def held(here):
    """A held call of a System's agent, whose key an engineer made."""
    system_id = here.guarded(f"agent {new_id('test')}")
    here.post("engineer", f"/systems/{system_id}/keys", {"name": "buyer"})

    def ask():
        with here.platform.work(PLATFORM, "test.held") as work:
            now = work.desk.clock()
            policy = work.policies.in_force(system_id)
            return work.approvals.ask(HeldCall(
                id=new_id("apr"), host="h", system_id=system_id, principal="buyer", tool="pay", effect="irreversible",
                why="tool.needs-person", arguments_digest="a" * 64, arguments="{}", policy_digest=policy.digest, at=now,
                expires_at=now + timedelta(minutes=10),
            ))  # fmt: skip

    return ask


PROOF = {"password": "correct horse battery", "code": ""}


def test_a_held_call_is_listed_shown_and_approved_once(here, held):
    call = held()
    waiting = here.get("security", "/approvals?state=waiting")
    assert call.id in {each["id"] for each in waiting["items"]}
    assert here.get("security", f"/approvals/{call.id}")["tool"] == "pay"
    here.post("engineer", f"/approvals/{call.id}/approve", PROOF, status=403)
    here.post("security", f"/approvals/{call.id}/approve", {**PROOF, "password": "wrong"}, status=401)
    approved = here.post("security", f"/approvals/{call.id}/approve", PROOF, status=200)
    assert approved["state"] == "approved"
    here.post("security", f"/approvals/{call.id}/approve", PROOF, status=409)


def test_a_refusal_says_why(here, held):
    call = held()
    refused = here.post("security", f"/approvals/{call.id}/refuse", {"reason": "unknown payee"}, status=200)
    assert (refused["state"], refused["reason"]) == ("refused", "unknown payee")
    here.get("security", "/approvals/apr_none", status=404)


def test_a_person_watches_gives_signs_and_leaves(here, held):
    system_id = held().system_id
    here.post("security", f"/watch/{system_id}", {"session": ""}, status=409)
    begun = here.post("security", f"/watch/{system_id}/begin", PROOF, status=200)
    assert begun["present"]
    assert here.post("security", f"/watch/{system_id}", {"session": ""}, status=200)["present"]
    listed = here.get("security", f"/watch?system={system_id}")
    assert [each["account_id"] for each in listed] == [here.people["security"]]
    here.delete("security", f"/watch/{system_id}")
    assert here.get("security", f"/watch?system={system_id}") == []
