"""Accounts, roles, keys and authenticators through the API; and what comes in from gateways."""

from datetime import UTC, datetime

from pyotp.totp import TOTP

from jingwei.core.event import Event, EventKind
from jingwei.core.policy import Decision
from jingwei.core.store.tables import EventRow


def test_an_administrator_makes_an_account_grants_and_takes_back_a_role(here):
    made = here.post("admin", "/accounts", {"login": "lin", "password": "a first password", "display_name": "Lin"})
    assert made["must_change_password"]
    assert made["id"] in {each["id"] for each in here.get("auditor", "/accounts")["items"]}
    grant = here.post("admin", f"/accounts/{made['id']}/roles", {"role": "legal", "domain": "default"})
    assert [each["role"] for each in here.get("auditor", f"/accounts/{made['id']}/roles")] == ["legal"]
    here.delete("admin", f"/roles/{grant['id']}")
    assert here.get("auditor", f"/accounts/{made['id']}/roles")[0]["revoked_at"]
    assert here.get("auditor", "/accounts/acc_nobody/roles", 404)["code"] == "core.identity:account-unknown"


def test_the_password_is_changed_with_the_old_one(here):
    here.add("changer")
    wrong = {"old_password": "guessed wrongly", "new_password": "another horse battery"}
    assert here.put("changer", "/me/password", wrong, 401)["code"] == "core.identity:sign-in-failed"
    here.put("changer", "/me/password", {**wrong, "old_password": "correct horse battery"}, 204)
    assert here.put("changer", "/me/password", {**wrong, "old_password": "correct horse battery"}, 401)


def test_wrong_passwords_are_counted_though_the_request_fails(here):
    here.add("guesser")
    wrong = {"old_password": "guessed wrongly", "new_password": "another horse battery"}
    codes = [here.put("guesser", "/me/password", wrong, 401)["code"] for _ in range(6)]
    assert codes[-1] == "core.identity:sign-in-wait"


def test_an_authenticator_is_enrolled_with_a_code_made_from_it(here):
    here.add("enroller")
    offer = here.get("enroller", "/me/totp/offer")
    body = {"secret": offer["secret"], "new_code": TOTP(offer["secret"]).now(), "password": "correct horse battery"}
    here.put("enroller", "/me/totp", body, 204)
    assert here.get("enroller", "/me")["account"]["has_totp"]
    assert here.put("enroller", "/me/totp", body, 401)["code"] == "core.identity:sign-in-failed"


def test_a_key_is_made_with_the_password_and_ended(here):
    body = {"name": "nightly", "scopes": ["run.*"], "password": "correct horse battery"}
    assert (
        here.post("legal", "/me/keys", {**body, "password": "guessed wrongly"}, 401)["code"]
        == "core.identity:sign-in-failed"
    )
    made = here.post("legal", "/me/keys", body)
    assert here.get(made["key"], "/me")["scopes"] == ["run.*"]
    assert made["record"]["id"] in {each["id"] for each in here.get("legal", "/me/keys")}
    assert here.delete("data", f"/me/keys/{made['record']['id']}", 404)["code"] == "core.identity:key-unknown"
    here.delete("legal", f"/me/keys/{made['record']['id']}")
    assert here.get(made["key"], "/me", 401)["code"] == "faces.api:key-unknown"


def add_events(here, *decisions: Decision, system_id: str):
    with here.platform.event_store.adding() as session:
        for number, decision in enumerate(decisions):
            event = Event(id=f"evt_{system_id}{number:04}", at=datetime.now(UTC), kind=EventKind.VERDICT, system_id=system_id,
                          request_id="r", decision=decision)  # fmt: skip
            session.add(EventRow(id=event.id, at=event.at, system_id=system_id, kind="verdict", decision=decision.value,
                                 trial=False, latency_milliseconds=1.0, segment=f"seg{system_id}", body=event.model_dump(mode="json")))  # fmt: skip


def test_events_are_listed_counted_and_followed_from_a_cursor(here):
    add_events(here, Decision.ALLOW, Decision.BLOCK, Decision.BLOCK, system_id="sysA")
    newest = here.get("auditor", "/events", params={"system": "sysA", "limit": 2})
    assert [each["id"][-4:] for each in newest] == ["0002", "0001"]
    after = here.get("auditor", "/events", params={"system": "sysA", "after": newest[1]["id"]})
    assert [each["id"][-4:] for each in after] == ["0002"]
    counts = here.get("auditor", "/events/counts", params={"system": "sysA"})
    assert {each["decision"]: each["events"] for each in counts} == {"allow": 1, "block": 2}
    later = {"system": "sysA", "since": "2999-01-01T00:00:00Z"}
    assert here.get("auditor", "/events/counts", params=later) == []


def test_a_stream_goes_on_where_its_reader_left_off(here):
    add_events(here, Decision.ALLOW, Decision.BLOCK, system_id="sysB")
    params = {"system": "sysB"}
    fresh = here.ask("auditor", "GET", "/events/stream", params=params)
    assert fresh.headers["content-type"].startswith("text/event-stream")
    assert "id:" not in fresh.text
    again = here.ask("auditor", "GET", "/events/stream", params=params, headers={"Last-Event-ID": "evt_sysB0000"})
    assert [line for line in again.text.splitlines() if line.startswith("id:")] == ["id: evt_sysB0001"]
    assert '"decision":"block"' in again.text
