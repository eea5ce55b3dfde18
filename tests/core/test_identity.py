"""Accounts, codes, sessions, keys and roles: what they let in, and what they keep out."""

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from pyotp.totp import TOTP
from sqlalchemy import func, select

from jingwei.core.errors import Conflict, InputError, NotFound, Refused, Tampered, Unauthenticated
from jingwei.core.identity import (
    Accounts,
    Actor,
    ApiKeys,
    BrowserSession,
    BrowserSessions,
    Denied,
    Reauthentication,
    Role,
    Roles,
    roles_of,
)
from jingwei.core.identity.throttle import waiting_seconds
from jingwei.core.identity.totp import accepted_step
from jingwei.core.signing import Signer
from jingwei.core.store.tables import AccountRow, ApiKeyRow, SessionRow, SignInFailureRow

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ADMIN = Actor(id="acc_root", roles=frozenset({("admin", "*")}))
PASSWORD = "correct horse battery"


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def session(sqlite_store):
    with sqlite_store.unit("acc_test", "test") as session:
        yield session


@pytest.fixture
def accounts(session, signer, clock):
    return Accounts(session, signer=signer, clock=clock, hasher=CHEAP)


@pytest.fixture
def lin(accounts):
    return accounts.create("lin", PASSWORD, actor=ADMIN, display_name="林", must_change_password=False)


def enrol(accounts, account, clock) -> TOTP:
    offer = accounts.offer_totp(account.id)
    code = TOTP(offer.secret).at(clock.now)
    assert accounts.enrol_totp(account.id, secret=offer.secret, new_code=code, password=PASSWORD) is None
    return TOTP(offer.secret)


def test_the_first_account_gets_a_password_for_one_use(accounts):
    first = accounts.bootstrap()
    opened = accounts.sign_in("admin", first.password)
    assert isinstance(opened, BrowserSession)
    assert opened.must_change_password
    with pytest.raises(Conflict, match="accounts already"):
        accounts.bootstrap("second")


def test_until_the_one_time_password_is_changed_a_session_holds_no_role(accounts, session, clock):
    first = accounts.bootstrap()
    browser = BrowserSessions(session, clock=clock)
    before = browser.visitor(accounts.sign_in("admin", first.password).token)
    assert before.must_change_password
    assert before.actor.roles == frozenset()
    proof = accounts.reauthenticate(first.account.id, first.password, purpose="req_1")
    assert proof == Denied(reason="password-must-change")
    assert accounts.change_password(first.account.id, first.password, PASSWORD) is None
    after = browser.visitor(accounts.sign_in("admin", PASSWORD).token)
    assert after.actor.roles == {("admin", "*")}


def test_a_changed_password_ends_every_open_session(accounts, session, clock, lin):
    opened = accounts.sign_in("lin", PASSWORD)
    accounts.change_password(lin.id, PASSWORD, "another long password")
    assert BrowserSessions(session, clock=clock).visitor(opened.token) is None
    with pytest.raises(InputError, match="Choose another"):
        accounts.change_password(lin.id, "another long password", "another long password")


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_a_password_has_a_length_that_is_neither_weak_nor_a_burden(accounts, password):
    with pytest.raises(InputError, match="12 to 256"):
        accounts.create("lin", password, actor=ADMIN)


def test_an_unknown_name_is_answered_like_a_wrong_password(accounts, lin):
    assert accounts.sign_in("nobody", PASSWORD) == accounts.sign_in("lin", "wrong") == Denied(reason="sign-in-failed")
    assert isinstance(Denied(reason="sign-in-failed").error(), Unauthenticated)


def test_an_unknown_name_costs_as_many_hashes_as_a_known_one(session, signer, clock):
    class Counting(PasswordHasher):
        calls = 0

        def verify(self, hash, password):  # noqa: A002
            Counting.calls += 1
            return super().verify(hash, password)

    counted = Accounts(session, signer=signer, clock=clock, hasher=Counting(time_cost=1, memory_cost=8, parallelism=1))
    counted.create("lin", PASSWORD, actor=ADMIN)
    for login, password in (("lin", "wrong"), ("nobody", "wrong"), ("lin", PASSWORD)):
        Counting.calls = 0
        counted.sign_in(login, password)
        assert Counting.calls == 1


def test_the_stored_hash_is_argon2id_and_a_name_is_used_once_whatever_its_case(accounts, session, lin):
    assert session.get(AccountRow, lin.id).password_hash.startswith("$argon2id$")
    with pytest.raises(Conflict, match="taken"):
        accounts.create("LIN", PASSWORD, actor=ADMIN)


def test_a_code_is_demanded_once_enrolled_and_good_for_one_use(accounts, clock, lin):
    totp = enrol(accounts, lin, clock)
    clock.pass_by(seconds=30)
    code = totp.at(clock.now)
    assert isinstance(accounts.sign_in("lin", PASSWORD), Denied)
    assert isinstance(accounts.sign_in("lin", PASSWORD, code), BrowserSession)
    assert isinstance(accounts.sign_in("lin", PASSWORD, code), Denied)


def test_the_code_that_enrolled_an_authenticator_is_spent(accounts, clock, lin):
    totp = enrol(accounts, lin, clock)
    assert isinstance(accounts.sign_in("lin", PASSWORD, totp.at(clock.now)), Denied)


def test_a_stolen_session_cannot_replace_the_authenticator_without_the_old_code(accounts, clock, lin):
    enrol(accounts, lin, clock)
    clock.pass_by(seconds=60)
    offer = accounts.offer_totp(lin.id)
    code = TOTP(offer.secret).at(clock.now)
    assert isinstance(accounts.enrol_totp(lin.id, secret=offer.secret, new_code=code, password=PASSWORD), Denied)


@pytest.mark.parametrize(("drift", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off_and_no_more(clock, drift, accepted):
    secret = "JBSWY3DPEHPK3PXP"
    code = TOTP(secret).at(clock.now + timedelta(seconds=drift))
    assert (accepted_step(secret, code, now=clock.now, after=0) is not None) is accepted


def test_failures_make_the_next_attempt_wait_and_a_right_password_in_that_time_does_not_help(accounts, clock, lin):
    for _ in range(5):
        assert accounts.sign_in("lin", "wrong").reason == "sign-in-failed"
    denied = accounts.sign_in("lin", PASSWORD)
    assert denied == Denied(reason="sign-in-wait", wait_seconds=1)
    clock.pass_by(seconds=1)
    assert isinstance(accounts.sign_in("lin", PASSWORD), BrowserSession)
    assert accounts.sign_in("lin", "wrong").reason == "sign-in-failed"


def test_a_failed_confirmation_counts_like_a_failed_sign_in(accounts, lin):
    for _ in range(5):
        accounts.reauthenticate(lin.id, "wrong", purpose="req_1")
    assert accounts.sign_in("lin", PASSWORD).reason == "sign-in-wait"


def test_the_waiting_time_doubles_up_to_five_minutes():
    waits = [waiting_seconds(failures, since=timedelta()) for failures in range(4, 16)]
    assert waits == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert waiting_seconds(10**9, since=timedelta()) == 300


def test_failures_are_kept_across_units_and_forgotten_after_a_day(sqlite_store, signer, clock):
    for _ in range(5):
        with sqlite_store.unit("acc_x", "sign-in") as session:
            Accounts(session, signer=signer, clock=clock, hasher=CHEAP).sign_in("ghost", "wrong")
    with sqlite_store.unit("acc_x", "sign-in") as session:
        accounts = Accounts(session, signer=signer, clock=clock, hasher=CHEAP)
        assert accounts.sign_in("ghost", "wrong").reason == "sign-in-wait"
        clock.pass_by(days=1, seconds=1)
        accounts.sign_in("other", "wrong")
        assert session.scalar(select(func.count()).select_from(SignInFailureRow)) == 1


def test_a_proof_holds_for_one_account_one_purpose_and_two_minutes(accounts, signer, clock, lin):
    proof = accounts.reauthenticate(lin.id, PASSWORD, purpose="req_1")
    assert isinstance(proof, Reauthentication)
    assert not proof.with_totp

    def demand(**changed):
        wanted = {"account_id": lin.id, "purpose": "req_1", "now": clock.now, "verifier": signer.verifier} | changed
        proof.demand(**wanted)

    demand()
    with pytest.raises(Refused, match="another account"):
        demand(account_id="acc_other")
    with pytest.raises(Refused, match="something else"):
        demand(purpose="req_2")
    with pytest.raises(Refused, match="minutes old"):
        demand(now=clock.now + timedelta(minutes=2, seconds=1))
    with pytest.raises(Refused, match="minutes old"):
        demand(now=clock.now - timedelta(seconds=1))
    with pytest.raises(Tampered):
        demand(verifier=Signer.generate().verifier)


def test_a_forged_proof_is_found(accounts, signer, clock, lin):
    proof = accounts.reauthenticate(lin.id, PASSWORD, purpose="req_1")
    forged = proof.model_copy(update={"with_totp": True})
    with pytest.raises(Tampered):
        forged.demand(account_id=lin.id, purpose="req_1", now=clock.now, verifier=signer.verifier)


def test_a_session_ends_after_a_working_day_and_its_token_is_not_stored(accounts, session, clock, lin):
    browser = BrowserSessions(session, clock=clock)
    opened = accounts.sign_in("lin", PASSWORD)
    assert browser.visitor(opened.token).actor.id == lin.id
    assert opened.token not in str(session.scalars(select(SessionRow.token_hash)).all())
    assert browser.visitor("made up") is None
    clock.pass_by(hours=8)
    assert browser.visitor(opened.token) is None


def test_a_closed_session_is_over(accounts, session, clock, lin):
    browser = BrowserSessions(session, clock=clock)
    opened = accounts.sign_in("lin", PASSWORD)
    browser.close(opened.token)
    assert browser.visitor(opened.token) is None


def test_a_deactivated_account_signs_in_no_more_and_holds_no_role(accounts, session, clock, lin):
    Roles(session, clock=clock).grant(lin.id, Role.SECURITY, actor=ADMIN)
    key = ApiKeys(session, clock=clock).make("ci", scopes=frozenset({"*"}), account_id=lin.id)
    opened = accounts.sign_in("lin", PASSWORD)
    accounts.deactivate(lin.id, actor=ADMIN)
    assert isinstance(accounts.sign_in("lin", PASSWORD), Denied)
    assert BrowserSessions(session, clock=clock).visitor(opened.token) is None
    assert roles_of(session, lin.id) == frozenset()
    assert ApiKeys(session, clock=clock).holder(key.key) is None
    with pytest.raises(Refused, match="their own account"):
        accounts.deactivate(ADMIN.id, actor=ADMIN)


def test_only_an_administrator_keeps_accounts_and_roles(accounts, session, clock, lin):
    anyone = accounts.actor(lin.id)
    with pytest.raises(Refused, match="administrator"):
        accounts.create("eve", PASSWORD, actor=anyone)
    with pytest.raises(Refused, match="administrator"):
        Roles(session, clock=clock).grant(lin.id, Role.SECURITY, actor=anyone)
    narrow = Actor(id="acc_root", roles=frozenset({("admin", "*")}), scopes=frozenset({"run.start"}))
    with pytest.raises(Refused, match="administrator"):
        accounts.create("eve", PASSWORD, actor=narrow)


def test_an_administrator_cannot_sign_nor_grant_to_themself(accounts, session, clock, lin):
    roles = Roles(session, clock=clock)
    with pytest.raises(Refused, match="themself"):
        roles.grant(ADMIN.id, Role.SECURITY, actor=ADMIN)
    roles.grant(lin.id, Role.SECURITY, actor=ADMIN)
    with pytest.raises(Refused, match="cannot also sign"):
        roles.grant(lin.id, Role.ADMIN, actor=ADMIN)
    with pytest.raises(InputError, match="no role emperor"):
        roles.grant(lin.id, "emperor", actor=ADMIN)
    with pytest.raises(NotFound):
        roles.grant("acc_nobody", Role.SECURITY, actor=ADMIN)


def test_a_grant_holds_below_its_domain_until_it_is_taken_back(accounts, session, clock, lin):
    roles = Roles(session, clock=clock)
    grant = roles.grant(lin.id, Role.LEGAL, domain="retail", actor=ADMIN)
    actor = accounts.actor(lin.id)
    assert actor.holds("legal", "retail")
    assert actor.holds("legal", "retail/credit")
    assert not actor.holds("legal", "retailers")
    assert not actor.holds("security", "retail")
    roles.revoke(grant.id, actor=ADMIN)
    assert not accounts.actor(lin.id).holds("legal", "retail")
    with pytest.raises(NotFound):
        roles.revoke(grant.id, actor=ADMIN)
    assert [each.revoked_at is not None for each in roles.grants(lin.id)] == [True]


def test_the_last_administrator_stays(accounts, session, clock):
    first = accounts.bootstrap()
    roles = Roles(session, clock=clock)
    (grant,) = roles.grants(first.account.id)
    with pytest.raises(Conflict, match="last administrator"):
        roles.revoke(grant.id, actor=ADMIN)


def test_a_key_is_known_by_its_hash_alone_and_ends_when_revoked_or_expired(accounts, session, clock, lin):
    keys = ApiKeys(session, clock=clock)
    made = keys.make("ci", scopes=frozenset({"run.start"}), account_id=lin.id, expires_at=clock.now + timedelta(days=1))
    assert made.key.startswith("jw_")
    assert made.key not in str(session.get(ApiKeyRow, made.record.id).__dict__)
    actor = keys.holder(made.key).actor
    assert actor.within_scope("run.start")
    assert not actor.within_scope("gate.release")
    clock.pass_by(days=1)
    assert keys.holder(made.key) is None
    endless = keys.make("ci", scopes=frozenset({"run.*"}), account_id=lin.id)
    assert keys.holder(endless.key).actor.within_scope("run.start")
    keys.revoke(endless.record.id)
    assert keys.holder(endless.key) is None
    assert keys.holder("jw_guess") is None
    assert len(keys.keys(account_id=lin.id)) == 2


def test_a_key_belongs_to_exactly_one_holder_and_has_a_scope(session, clock, accounts, lin):
    keys = ApiKeys(session, clock=clock)
    with pytest.raises(InputError, match="exactly one"):
        keys.make("x", scopes=frozenset({"*"}))
    with pytest.raises(InputError, match="exactly one"):
        keys.make("x", scopes=frozenset({"*"}), account_id=lin.id, system_id="sys_1")
    with pytest.raises(InputError, match="needs at least one scope"):
        keys.make("x", scopes=frozenset(), account_id=lin.id)
    with pytest.raises(InputError, match="past"):
        keys.make("x", scopes=frozenset({"*"}), account_id=lin.id, expires_at=clock.now)
    with pytest.raises(NotFound):
        keys.revoke("key_none")
