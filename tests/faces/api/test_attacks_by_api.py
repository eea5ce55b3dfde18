"""The attack list over HTTP: ways to a token that is not due, or round four eyes. Each is refused, for the right reason.

Each attack prepares what an attacker would have, and returns the one call that must be refused. Whatever gateways may
serve, and whatever they were told, is the same after that call as before it.
"""

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import pytest
from pyotp.totp import TOTP

from jingwei.core.signing import Signer
from jingwei.core.snapshot import read_public_key, read_snapshot
from jingwei.core.token import issue, read

ABOVE = {"red line": {"red_line": "yes"}, "capability high": {"cap_cyber": "high"},
         "capability critical": {"cap_cbrn": "critical"}}  # fmt: skip
ATTACKS: list[tuple[str, int, str, Callable[[Any], "Call"]]] = []
_numbers = count()


class Call(NamedTuple):
    """The call that must be refused."""

    login: str
    method: str
    path: str
    body: Any = None


def attack(status: int, code: str):
    def enter(function):
        ATTACKS.append((function.__name__, status, code, function))
        return function

    return enter


def above(status: int, code: str):
    """Enter one attack for each way of being above the line."""

    def enter(function):
        for name, facts in ABOVE.items():
            ATTACKS.append(
                (f"{function.__name__} [{name}]", status, code, lambda here, facts=facts: function(here, facts))
            )
        return function

    return enter


def name() -> str:
    """Return a System's name that was not used yet."""
    return f"target {next(_numbers)}"


def signing(here, login: str, request_id: str, role: str = "", **more: Any) -> Call:
    return Call(login, "POST", f"/requests/{request_id}/sign", here.confirmed(login, role=role or login) | more)


def answer(here, request_id: str, facts: dict[str, str]) -> None:
    system_id = here.get("auditor", f"/requests/{request_id}")["system_id"]
    here.patch("engineer", f"/systems/{system_id}/facts", {"facts": facts})


def signed(here, **facts: str) -> str:
    """Return a request that everyone of the lane has signed."""
    request_id = here.requested(name(), **facts)
    for role in ("system_owner", "security"):
        here.sign(role, request_id)
    return request_id


def person(here, *roles: str, **more: Any) -> str:
    login = f"person {next(_numbers)}"
    here.add(login, *roles, **more)
    return login


# above the line ----------------------------------------------------------------------------------------------------


@above(403, "manage:above-the-line")
def asks_for_a_release_above_the_line(here, facts):
    return Call("engineer", "POST", f"/systems/{here.guarded(name(), **facts)}/requests")


@above(403, "manage:above-the-line")
def asks_for_a_release_above_the_line_with_all_evidence_there(here, facts):
    return Call("engineer", "POST", f"/systems/{here.ready(name(), **facts)}/requests")


@above(403, "manage:above-the-line")
def signs_after_the_facts_went_above_the_line(here, facts):
    request_id = here.requested(name())
    answer(here, request_id, facts)
    return signing(here, "security", request_id)


@above(403, "manage:above-the-line")
def releases_after_the_facts_went_above_the_line(here, facts):
    request_id = signed(here)
    answer(here, request_id, facts)
    return Call("engineer", "POST", f"/requests/{request_id}/release")


@above(403, "manage:above-the-line")
def lowers_the_grade_to_get_below_the_line(here, facts):
    system_id = here.guarded(name(), **facts)
    body = {"grade": 1, "reason": "A pilot.", "expires_at": "2027-01-31T00:00:00Z"}
    asked = here.post("system_owner", f"/systems/{system_id}/overrides", body)
    for login in ("senior_executive", "ethics_committee", "legal", "security", "board"):
        here.ask(login, "POST", f"/overrides/{asked['id']}/approve", json=here.confirmed(login))
    return Call("engineer", "POST", f"/systems/{system_id}/requests")


@above(422, "faces.api:field-unfit")
def registers_above_the_line_with_a_grade_of_their_own(here, facts):
    return Call("engineer", "POST", "/systems", here.file(name(), **facts) | {"grade": 1})


# evidence ----------------------------------------------------------------------------------------------------------


@attack(403, "manage:evidence-by-hand")
def enters_automatic_evidence_by_hand(here):
    body = {"type": "EV-REDTEAM", "system_id": here.guarded(name()), "statement": "It held."}
    return Call("security", "POST", "/evidence", body)


@attack(422, "faces.api:field-unfit")
def posts_a_whole_sealed_evidence(here):
    system_id = here.ready(name())
    every = here.get("auditor", f"/systems/{system_id}/evidence", params={"limit": 200})["items"]
    red_team = next(each for each in every if each["evidence"]["type"] == "EV-REDTEAM")["evidence"]
    return Call("security", "POST", "/evidence", red_team)


@attack(403, "manage:evidence-by-hand")
def says_that_the_guard_was_tested(here):
    body = {"type": "EV-GUARD-TEST", "system_id": here.guarded(name()), "statement": "It held."}
    return Call("system_owner", "POST", "/evidence", body)


@attack(422, "manage:document-missing")
def enters_a_document_without_the_document(here):
    return Call(
        "security",
        "POST",
        "/evidence",
        {"type": "EV-MODEL-CARD", "system_id": here.guarded(name()), "statement": "Seen."},
    )


@attack(403, "manage:not-allowed")
def enters_evidence_as_an_auditor(here):
    return Call(
        "auditor", "POST", "/evidence", {"type": "EV-RISK", "system_id": here.guarded(name()), "statement": "Fine."}
    )


@attack(403, "manage:gate-closed")
def asks_with_no_evidence(here):
    return Call("engineer", "POST", f"/systems/{here.guarded(name())}/requests")


@attack(403, "manage:gate-closed")
def uses_the_evidence_of_another_system(here):
    here.ready(name())
    return Call("engineer", "POST", f"/systems/{here.guarded(name())}/requests")


@attack(403, "manage:gate-closed")
def asks_without_a_policy(here):
    return Call("engineer", "POST", f"/systems/{here.registered(name())}/requests")


@attack(403, "manage:gate-closed")
def swaps_the_model_after_the_proof(here):
    system_id = here.ready(name())
    body = {"kind": "model", "name": "smollm2", "digest": "9" * 64, "supplier": "Hugging Face"}
    here.post("system_owner", f"/systems/{system_id}/components", body)
    return Call("engineer", "POST", f"/systems/{system_id}/requests")


# policy ------------------------------------------------------------------------------------------------------------


@attack(403, "manage:not-allowed")
def attaches_a_policy_as_the_engineer_who_built_it(here):
    return Call("engineer", "PUT", f"/systems/{here.registered(name())}/policy", {})


@attack(422, "faces.api:field-unfit")
def posts_a_policy_without_rules(here):
    system_id = here.guarded(name())
    policy = here.get("auditor", f"/systems/{system_id}/policy")
    return Call("security", "PUT", f"/systems/{system_id}/policy", {**policy, "rules": []})


@attack(409, "manage:request-lapsed")
def weakens_the_policy_between_signing_and_release(here):
    request_id = signed(here)
    system_id = here.get("auditor", f"/requests/{request_id}")["system_id"]
    here.put("security", f"/systems/{system_id}/policy", {"guard": {"allowed_words": ["bomb"]}})
    return Call("engineer", "POST", f"/requests/{request_id}/release")


@attack(409, "manage:request-lapsed")
def signs_what_the_policy_no_longer_is(here):
    request_id = here.requested(name())
    system_id = here.get("auditor", f"/requests/{request_id}")["system_id"]
    here.put("security", f"/systems/{system_id}/policy", {"tools": []})
    return signing(here, "security", request_id)


# four eyes ---------------------------------------------------------------------------------------------------------


@attack(403, "manage:sign-own-request")
def signs_their_own_request(here):
    request_id = here.post("system_owner", f"/systems/{here.ready(name())}/requests")["id"]
    return signing(here, "system_owner", request_id)


@attack(403, "manage:sign-own-request")
def signs_their_own_request_in_another_role_they_hold(here):
    both = person(here, "system_owner", "security")
    request_id = here.post(both, f"/systems/{here.ready(name())}/requests")["id"]
    return signing(here, both, request_id, "security")


@attack(409, "manage:sign-twice")
def fills_two_roles_alone(here):
    both = person(here, "system_owner", "security")
    request_id = here.requested(name())
    here.sign(both, request_id, role="system_owner")
    return signing(here, both, request_id, "security")


@attack(409, "manage:sign-twice")
def signs_again_with_a_second_key(here):
    request_id = here.requested(name())
    here.sign("security", request_id)
    body = {"name": "second", "scopes": ["*"], "password": "correct horse battery"}
    here.keys["security again"] = here.post("security", "/me/keys", body)["key"]
    return Call("security again", "POST", f"/requests/{request_id}/sign", here.confirmed("security", role="security"))


@attack(409, "manage:role-filled")
def signs_a_role_that_another_has_filled(here):
    second = person(here, "security")
    request_id = here.requested(name())
    here.sign("security", request_id)
    return signing(here, second, request_id, "security")


@attack(403, "manage:role-not-held")
def signs_with_a_role_they_do_not_hold(here):
    return signing(here, "auditor", here.requested(name()), "security")


@attack(403, "manage:role-not-held")
def signs_with_a_role_of_another_domain(here):
    return signing(here, person(here, "security", domain="retail"), here.requested(name()), "security")


@attack(403, "manage:role-not-held")
def signs_with_a_role_taken_back_a_moment_ago(here):
    login = person(here)
    grant = here.post("admin", f"/accounts/{here.people[login]}/roles", {"role": "security"})
    request_id = here.requested(name())
    here.delete("admin", f"/roles/{grant['id']}")
    return signing(here, login, request_id, "security")


@attack(403, "manage:role-not-asked")
def signs_in_a_role_the_lane_does_not_ask_for(here):
    return signing(here, "legal", here.requested(name()))


@attack(401, "core.identity:sign-in-failed")
def signs_with_a_stolen_key_and_a_guessed_password(here):
    return signing(here, "security", here.requested(name()), password="password1234")


@attack(422, "faces.api:field-unfit")
def signs_without_a_password(here):
    return Call("security", "POST", f"/requests/{here.requested(name())}/sign", {"role": "security"})


@attack(401, "core.identity:sign-in-wait")
def guesses_the_password_while_signing(here):
    login = person(here, "security")
    call = signing(here, login, here.requested(name()), "security")
    for _ in range(10):  # where guesses are slow, more of them count and the wait grows
        here.ask(login, "POST", call.path, json=call.body | {"password": "guess guess guess"})
    return call


@attack(403, "manage:sign-needs-totp")
def signs_a_high_grade_with_a_password_alone(here):
    return signing(here, "security", here.requested(name(), life_health="indirect"))


@attack(401, "core.identity:sign-in-failed")
def uses_a_code_a_second_time(here):
    login = person(here, "security")
    offer = here.get(login, "/me/totp/offer")
    code = TOTP(offer["secret"]).now()
    here.put(login, "/me/totp", {"secret": offer["secret"], "new_code": code, "password": "correct horse battery"}, 204)
    return signing(here, login, here.requested(name(), life_health="indirect"), "security", code=code)


@attack(422, "faces.api:field-unfit")
def says_in_the_body_that_somebody_else_signs(here):
    return signing(here, "engineer", here.requested(name()), "security", account_id=here.people["security"])


@attack(401, "faces.api:key-unknown")
def signs_with_the_key_of_a_closed_account(here):
    login = person(here, "security")
    request_id = here.requested(name())
    here.post("admin", f"/accounts/{here.people[login]}/deactivate", status=204)
    return signing(here, login, request_id, "security")


# release -----------------------------------------------------------------------------------------------------------


@attack(403, "manage:signatures-missing")
def releases_with_one_signature(here):
    request_id = here.requested(name())
    here.sign("security", request_id)
    return Call("engineer", "POST", f"/requests/{request_id}/release")


@attack(403, "manage:signatures-missing")
def releases_after_a_signer_lost_the_role(here):
    login = person(here)
    grant = here.post("admin", f"/accounts/{here.people[login]}/roles", {"role": "security"})
    request_id = here.requested(name())
    here.sign("system_owner", request_id)
    here.sign(login, request_id, role="security")
    here.delete("admin", f"/roles/{grant['id']}")
    return Call("engineer", "POST", f"/requests/{request_id}/release")


@attack(409, "manage:request-closed")
def releases_what_was_rejected(here):
    request_id = here.requested(name())
    here.sign("security", request_id, approves=False)
    return Call("engineer", "POST", f"/requests/{request_id}/release")


@attack(409, "manage:request-closed")
def releases_the_same_request_twice_after_a_suspension(here):
    token = here.released(name())
    here.post("security", f"/systems/{token['system_id']}/suspend", {"reason": "An incident."}, 200)
    return Call("engineer", "POST", f"/requests/{token['request_id']}/release")


@attack(403, "manage:not-allowed")
def releases_as_an_auditor(here):
    return Call("auditor", "POST", f"/requests/{signed(here)}/release")


@attack(403, "manage:outside-scope")
def releases_with_a_key_made_for_checks(here):
    login = person(here, "system_owner", scopes=frozenset({"run.*"}))
    return Call(login, "POST", f"/requests/{signed(here)}/release")


@attack(403, "manage:not-allowed")
def asks_for_a_release_as_an_administrator(here):
    return Call("admin", "POST", f"/systems/{here.ready(name())}/requests")


@attack(409, "manage:request-closed")
def withdraws_and_then_releases(here):
    request_id = signed(here)
    here.post("engineer", f"/requests/{request_id}/withdraw", status=200)
    return Call("engineer", "POST", f"/requests/{request_id}/release")


@attack(403, "manage:gate-closed")
def asks_for_a_retired_system(here):
    system_id = here.ready(name())
    here.post("system_owner", f"/systems/{system_id}/retire", {"reason": "Done."}, 200)
    return Call("engineer", "POST", f"/systems/{system_id}/requests")


# accounts, keys and tokens -----------------------------------------------------------------------------------------


@attack(403, "core.identity:admin-cannot-sign")
def makes_an_administrator_a_signer(here):
    login = person(here, "admin")
    return Call("admin", "POST", f"/accounts/{here.people[login]}/roles", {"role": "security"})


@attack(403, "core.identity:grant-to-self")
def grants_a_role_to_themself(here):
    return Call("admin", "POST", f"/accounts/{here.people['admin']}/roles", {"role": "engineer"})


@attack(403, "core.identity:admin-only")
def grants_themself_a_role_without_being_an_administrator(here):
    return Call("engineer", "POST", f"/accounts/{here.people['engineer']}/roles", {"role": "security"})


@attack(403, "core.identity:admin-only")
def makes_a_second_account_to_sign_with(here):
    return Call("system_owner", "POST", "/accounts", {"login": "me too", "password": "correct horse battery"})


@attack(401, "core.identity:sign-in-failed")
def widens_a_narrow_stolen_key_by_making_another(here):
    login = person(here, "system_owner", scopes=frozenset({"run.start"}))
    return Call(login, "POST", "/me/keys", {"name": "wide", "scopes": ["*"], "password": "a guessed password"})


@attack(401, "faces.api:key-unknown")
def shows_a_release_token_as_a_key(here):
    here.keys["a token"] = here.released(name())["written"]
    return Call("a token", "POST", f"/systems/{here.ready(name())}/requests")


@attack(404, "faces.api:path-unknown")
def posts_a_token_of_their_own_making(here):
    token = read(here.released(name())["written"], here.platform.signer.verifier)
    return Call("system_owner", "POST", "/tokens", {"written": issue(token, Signer.generate())})


@attack(404, "manage:token-unknown")
def guesses_at_a_tokens_id(here):
    return Call("security", "POST", "/tokens/tok_none/revoke", {"reason": "x"})


def told(here) -> dict[str, Any]:
    """Return what gateways may serve, by what the services say and by what the snapshot tells."""
    here.platform.relay.publish()
    with here.platform.reading() as work:
        servable = {each.id: work.tokens.servable(each.id) for each in work.registry.systems()}
    path = here.platform.settings.snapshot_path
    snapshot = read_snapshot(path, read_public_key(path.parent / "platform.pub"))
    tokens = {each.system_id: (each.release_token, each.assessment_tokens) for each in snapshot.content.systems}
    return {"servable": servable, "told": tokens}


@pytest.mark.parametrize(
    ("status", "code", "prepare"), [each[1:] for each in ATTACKS], ids=[each[0] for each in ATTACKS]
)
def test_no_call_gets_a_token_that_is_not_due(fresh, status, code, prepare):
    call = prepare(fresh)
    before = told(fresh)
    response = fresh.ask(call.login, call.method, call.path, json=call.body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code), response.text
    assert told(fresh) == before


def test_the_list_is_long_enough():
    assert len(ATTACKS) >= 40
    assert len({function for *_, function in ATTACKS}) == len(ATTACKS)
