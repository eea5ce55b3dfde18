"""The attack list at the terminal: ways to a token that is not due, or round four eyes. Each is refused by name.

Each attack types what an attacker would type first, and returns the one command that must be refused. Nothing in the
home's database may be served after it, as nothing was before.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from argon2 import PasswordHasher
from pyotp.totp import TOTP

from jingwei.core.clock import utc_now
from jingwei.core.evidence import Artefact, Binding, BoundTo, Draft, Outcome, Source, seal
from jingwei.core.identity import PLATFORM, Accounts, Actor
from jingwei.core.ids import new_id
from jingwei.core.settings import Settings
from jingwei.core.store.tables import CheckRunRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.manage import SystemFile, read_system
from jingwei.platform import Platform, Work
from jingwei.platform.loop import Loop

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOWHERE = "http://127.0.0.1:9"
"""A gateway that nothing answers at: none of these commands may come as far as asking it."""
SOON = (utc_now() + timedelta(days=30)).date()
ROOT = Actor(id="acc_root", roles=frozenset({("admin", "*")}))
PEOPLE = {
    "root": ("admin",), "mei": ("engineer",), "wen": ("auditor",), "lin": ("system_owner",), "zhao": ("security",),
    "qian": ("security",), "sun": ("legal",), "han": ("security",), "yan": ("security",),
    "both": ("system_owner", "security"),
}  # fmt: skip
WITH_CODE = ("han", "yan")
ABOVE = {"red line": ("red_line", "yes"), "capability high": ("cap_cyber", "high"),
         "capability critical": ("cap_cbrn", "critical")}  # fmt: skip
ATTACKS: list[tuple[str, int, str, Callable[["Here"], "Typed"]]] = []


@dataclass(frozen=True)
class Typed:
    """The command that must be refused."""

    login: str
    arguments: tuple[object, ...]
    environment: dict[str, str] = field(default_factory=dict)


class Prepared(NamedTuple):
    """A home with people and Systems, the requests that are in it, and what some people's authenticators hold."""

    home: Path
    requests: dict[str, str]
    secrets: dict[str, str]


@dataclass(frozen=True)
class Here:
    """A copy of that home, at the terminal of whoever is named."""

    call: Callable[..., Any]
    home: Path
    requests: dict[str, str]
    secrets: dict[str, str]
    files: Path

    def tries(self, login: str, *arguments: object, **environment: str) -> Any:
        """Type a command as somebody."""
        given = {"JINGWEI_ACCOUNT": login, "JINGWEI_PASSWORD": password_of(login), **environment}
        return self.call(*arguments, **given)

    def does(self, login: str, *arguments: object, **environment: str) -> Any:
        """Type a command that is allowed; return what it says."""
        done = self.tries(login, *arguments, "--json", **environment)
        assert done.code == 0, done.err
        return json.loads(done.out)

    def asks(self, login: str, name: str) -> str:
        return self.does(login, "gate", "request", name)["id"]

    def sign(self, login: str, request_id: str, role: str) -> None:
        self.does(login, "gate", "sign", request_id, "--role", role)

    def edited(self, old: str, new: str) -> Path:
        file = self.files / "system.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        return file

    def tokens(self) -> list[str]:
        """Return the tokens in the database that nobody has revoked, whatever else would keep them from being used."""
        with closing(sqlite3.connect(self.home / "jingwei.db")) as database:
            return [each for (each,) in database.execute("SELECT id FROM token WHERE revoked_at IS NULL")]


def password_of(login: str) -> str:
    return f"the password of {login}"


def attack(code: int, error: str):
    def enter(function):
        ATTACKS.append((function.__name__, code, error, function))
        return function

    return enter


def above(code: int, error: str):
    """Enter one attack for each way of being above the line."""

    def enter(function):
        ATTACKS.extend(
            (f"{function.__name__} [{name}]", code, error, lambda here, name=name: function(here, name))
            for name in ABOVE
        )
        return function

    return enter


def signing(login: str, request_id: str, role: str, **environment: str) -> Typed:
    return Typed(login, ("gate", "sign", request_id, "--role", role), environment)


# above the line ----------------------------------------------------------------------------------------------------


@above(3, "manage:above-the-line")
def asks_for_a_release_above_the_line_with_all_evidence_there(here, name):
    return Typed("mei", ("gate", "request", name))


@above(3, "manage:above-the-line")
def lowers_the_grade_to_get_below_the_line(here, name):
    made = here.does("lin", "system", "override", "ask", name, 1, "--reason", "A pilot.", "--until", SOON)
    for login in WITH_CODE:
        made = here.does(
            login, "system", "override", "approve", made["id"], JINGWEI_CODE=TOTP(here.secrets[login]).now()
        )
    assert len(made["approvers"]) == 2
    return Typed("mei", ("gate", "request", name))


@above(3, "manage:above-the-line")
def signs_after_the_facts_went_above_the_line(here, name):
    here.does("mei", "system", "answer", "Asked", "=".join(ABOVE[name]))
    return signing("zhao", here.requests["Asked"], "security")


@above(3, "manage:above-the-line")
def releases_after_the_facts_went_above_the_line(here, name):
    here.does("mei", "system", "answer", "Signed", "=".join(ABOVE[name]))
    return Typed("mei", ("gate", "release", here.requests["Signed"]))


@above(3, "manage:above-the-line")
def has_it_served_for_a_check(here, name):
    return Typed("mei", ("job", "start", name, "guard-test", "--target", NOWHERE, "--gateway", NOWHERE))


@attack(2, "catalog:file-invalid")
def registers_it_with_a_grade_of_their_own(here):
    file = here.edited("domain: default", "domain: default\ngrade: 1")
    return Typed("mei", ("system", "register", file))


# evidence ----------------------------------------------------------------------------------------------------------


@attack(3, "manage:evidence-by-hand")
def enters_automatic_evidence_by_hand(here):
    return Typed("zhao", ("evidence", "enter", "Bare", "EV-REDTEAM", "--statement", "It held."))


@attack(3, "manage:evidence-by-hand")
def says_with_a_file_that_the_guard_was_tested(here):
    report = here.files / "responsibility.md"
    return Typed("lin", ("evidence", "enter", "Bare", "EV-GUARD-TEST", "--statement", "It held.", "--file", report))


@attack(2, "manage:document-missing")
def enters_a_document_without_the_document(here):
    return Typed("zhao", ("evidence", "enter", "Bare", "EV-MODEL-CARD", "--statement", "Seen."))


@attack(3, "manage:not-allowed")
def enters_evidence_as_an_auditor(here):
    return Typed("wen", ("evidence", "enter", "Ready", "EV-RISK", "--statement", "Fine."))


@attack(3, "manage:gate-closed")
def asks_with_no_evidence(here):
    return Typed("mei", ("gate", "request", "Bare"))


@attack(3, "manage:gate-closed")
def asks_with_evidence_that_says_it_failed(here):
    here.does("zhao", "evidence", "enter", "Ready", "EV-RISK", "--statement", "Not acceptable.", "--failed")
    return Typed("mei", ("gate", "request", "Ready"))


@attack(3, "manage:gate-closed")
def changes_the_prompt_after_the_proof(here):
    (here.files / "prompt.txt").write_text("Answer everything.")
    here.does("mei", "system", "register", here.edited("name: Staff assistant", "name: Ready"))
    return Typed("mei", ("gate", "request", "Ready"))


@attack(3, "manage:not-allowed")
def starts_a_check_as_an_auditor(here):
    return Typed("wen", ("job", "start", "Bare", "model-scan", "--gateway", NOWHERE))


@attack(2, "platform:file-not-of-system")
def has_a_clean_file_scanned_in_place_of_the_model(here):
    other = here.files / "clean.gguf"
    other.write_bytes(b"GGUF" + bytes(64))
    return Typed("mei", ("job", "start", "Bare", "model-scan", "--target", other, "--gateway", NOWHERE))


# policy ------------------------------------------------------------------------------------------------------------


@attack(3, "manage:not-allowed")
def attaches_a_policy_as_the_engineer_who_built_it(here):
    return Typed("mei", ("policy", "attach", "Bare", "--file", here.files / "system.yaml"))


@attack(3, "manage:request-lapsed")
def weakens_the_policy_between_signing_and_release(here):
    file = here.edited("thresholds: {harm: 0.7, injection: 0.7}", "allowed_words: [bomb]")
    here.does("zhao", "policy", "attach", "Signed", "--file", file)
    return Typed("mei", ("gate", "release", here.requests["Signed"]))


# four eyes ---------------------------------------------------------------------------------------------------------


@attack(3, "manage:sign-own-request")
def signs_their_own_request(here):
    return signing("lin", here.asks("lin", "Ready"), "system_owner")


@attack(3, "manage:sign-own-request")
def signs_their_own_request_in_another_role_they_hold(here):
    return signing("both", here.asks("both", "Ready"), "security")


@attack(3, "manage:sign-twice")
def fills_two_roles_alone(here):
    here.sign("both", here.requests["Asked"], "system_owner")
    return signing("both", here.requests["Asked"], "security")


@attack(3, "manage:role-filled")
def signs_a_role_that_another_has_filled(here):
    here.sign("zhao", here.requests["Asked"], "security")
    return signing("qian", here.requests["Asked"], "security")


@attack(3, "manage:role-not-held")
def signs_with_a_role_they_do_not_hold(here):
    return signing("wen", here.requests["Asked"], "security")


@attack(3, "manage:role-not-held")
def signs_with_a_role_of_another_domain(here):
    here.does("root", "account", "role", "sun", "security", "--domain", "retail")
    return signing("sun", here.requests["Asked"], "security")


@attack(3, "manage:role-not-asked")
def signs_in_a_role_the_lane_does_not_ask_for(here):
    return signing("sun", here.requests["Asked"], "legal")


@attack(3, "core.identity:sign-in-failed")
def signs_under_the_login_of_another(here):
    return signing("zhao", here.requests["Asked"], "security", JINGWEI_PASSWORD=password_of("mei"))


@attack(3, "core.identity:sign-in-wait")
def guesses_the_password_while_signing(here):
    guess = signing("zhao", here.requests["Asked"], "security", JINGWEI_PASSWORD="guess guess guess")
    for _ in range(5):
        here.tries(guess.login, *guess.arguments, **guess.environment)
    return signing("zhao", here.requests["Asked"], "security")


@attack(2, "faces.cli:password-needed")
def signs_without_a_password(here):
    return signing("zhao", here.requests["Asked"], "security", JINGWEI_PASSWORD="")


@attack(2, "faces.cli:who-signs")
def signs_as_nobody(here):
    return signing("", here.requests["Asked"], "security")


@attack(3, "core.identity:password-must-change")
def signs_with_a_one_time_password_that_the_administrator_knows_too(here):
    made = here.does("root", "account", "create", "li", "--role", "security", "--one-time")
    return signing("li", here.requests["Asked"], "security", JINGWEI_PASSWORD=made["password"])


@attack(3, "manage:sign-needs-totp")
def signs_a_high_grade_with_a_password_alone(here):
    return signing("zhao", here.requests["Grave"], "security")


@attack(3, "manage:override-own")
def lowers_a_grade_alone(here):
    made = here.does("lin", "system", "override", "ask", "Grave", 1, "--reason", "A pilot.", "--until", SOON)
    return Typed("lin", ("system", "override", "approve", made["id"]))


# release -----------------------------------------------------------------------------------------------------------


@attack(3, "manage:signatures-missing")
def releases_without_signatures(here):
    return Typed("mei", ("gate", "release", here.requests["Asked"]))


@attack(3, "manage:signatures-missing")
def releases_with_one_signature(here):
    here.sign("zhao", here.requests["Asked"], "security")
    return Typed("mei", ("gate", "release", here.requests["Asked"]))


@attack(3, "manage:signatures-missing")
def releases_after_a_signer_lost_the_role(here):
    here.does("root", "account", "role", "zhao", "security", "--take")
    return Typed("mei", ("gate", "release", here.requests["Signed"]))


@attack(3, "manage:request-closed")
def releases_what_was_rejected(here):
    here.does("zhao", "gate", "sign", here.requests["Asked"], "--role", "security", "--reject")
    return Typed("mei", ("gate", "release", here.requests["Asked"]))


@attack(3, "manage:request-closed")
def withdraws_and_then_releases(here):
    here.does("mei", "gate", "withdraw", here.requests["Signed"])
    return Typed("mei", ("gate", "release", here.requests["Signed"]))


@attack(3, "manage:not-allowed")
def releases_as_an_auditor(here):
    return Typed("wen", ("gate", "release", here.requests["Signed"]))


@attack(3, "manage:request-closed")
def releases_the_same_request_twice_after_a_suspension(here):
    return Typed("mei", ("gate", "release", here.requests["Stopped"]))


@attack(3, "manage:signatures-missing")
def releases_after_a_suspension_without_new_signatures(here):
    return Typed("mei", ("gate", "release", here.asks("mei", "Stopped")))


@attack(3, "manage:not-allowed")
def asks_for_a_release_as_an_administrator(here):
    return Typed("root", ("gate", "request", "Ready"))


@attack(3, "manage:gate-closed")
def asks_for_a_retired_system(here):
    here.does("lin", "system", "retire", "Ready", "--reason", "Done.")
    return Typed("mei", ("gate", "request", "Ready"))


@attack(3, "manage:system-retired")
def makes_a_key_for_a_retired_system(here):
    here.does("lin", "system", "retire", "Ready", "--reason", "Done.")
    return Typed("mei", ("system", "key", "Ready", "--name", "intranet"))


# accounts ----------------------------------------------------------------------------------------------------------


@attack(3, "core.identity:grant-to-self")
def grants_themself_a_role_as_the_administrator(here):
    return Typed("root", ("account", "role", "root", "engineer"))


@attack(3, "core.identity:admin-cannot-sign")
def makes_an_administrator_a_signer(here):
    here.does("root", "account", "create", "li", "--role", "admin", JINGWEI_NEW_PASSWORD=password_of("li"))
    return Typed("root", ("account", "role", "li", "security"))


@attack(3, "core.identity:admin-only")
def grants_themself_a_role_without_being_an_administrator(here):
    return Typed("mei", ("account", "role", "mei", "security"))


@attack(3, "core.identity:admin-only")
def makes_a_second_account_to_sign_with(here):
    return Typed("lin", ("account", "create", "me-too"), {"JINGWEI_NEW_PASSWORD": password_of("me-too")})


# the home ----------------------------------------------------------------------------------------------------------


def prove(work: Work, system_id: str, type_id: str, *, asked_by: Actor) -> None:
    """Bring in automatic evidence as a check's run does."""
    kind = work.catalog.evidence_type(type_id)
    check = kind.checks[0] if kind.checks else "some-check"
    target = Target(kind=TargetKind.SYSTEM, locator=system_id)
    run = CheckRunRow(id=new_id("run"), created_at=work.desk.clock(), check_id=check, system_id=system_id, options={},
                      target=target.model_dump(mode="json"), through_gateway=False, requested_by=asked_by.id,
                      status="running", evidence_ids=[])  # fmt: skip
    work.desk.session.add(run)
    work.desk.session.flush()
    parts = None
    if kind.bound_to is BoundTo.CONFIGURATION:
        observed = ("gateway", "model", "policy", "prompt", "tools")
        parts = work.registry.configuration(system_id).model_copy(update={"observed": observed})
    bound = work.registry.in_use(system_id).digests[kind.bound_to]
    draft = Draft(type=type_id, outcome=Outcome.PASS, summary=Both(zh="测试", en="test"), configuration=parts,
                  bindings=tuple(Binding(to=kind.bound_to, digest=each, observed=True) for each in bound))  # fmt: skip
    at = work.desk.clock()
    source = Source(kind="auto", name=check, version="1", run_id=run.id)
    work.proof.add(
        seal(draft, system_id=system_id, target=target, source=source, started_at=at, finished_at=at,
             signer=work.desk.signer)
    )  # fmt: skip


@dataclass
class Preparing:
    """What was allowed to happen before the attack: done by the services, to save the time of typing it."""

    platform: Platform
    example: Path
    people: dict[str, Actor] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def hire(self) -> None:
        with self.platform.work(PLATFORM, "test") as work:
            accounts = Accounts(work.desk.session, signer=work.desk.signer, clock=work.desk.clock, hasher=CHEAP)
            for login, roles in PEOPLE.items():
                made = accounts.create(login, password_of(login), actor=ROOT, must_change_password=False)
                for role in roles:
                    work.roles.grant(made.id, role, actor=ROOT)
                self.people[login] = work.accounts.actor(made.id)
                if login in WITH_CODE:
                    self._enrol(accounts, made.id, login)

    def _enrol(self, accounts: Accounts, account_id: str, login: str) -> None:
        secret = self.secrets[login] = accounts.offer_totp(account_id).secret
        code = TOTP(secret).at(self.platform.clock())
        denied = accounts.enrol_totp(account_id, secret=secret, new_code=code, password=password_of(login))
        assert denied is None

    def register(self, name: str, *, proven: bool = True, **facts: str) -> str:
        """Register, grade and guard a System; bring all the evidence its gate asks for."""
        file: SystemFile = read_system(self.example / "system.yaml")
        file = file.model_copy(update={"name": name, "facts": {**file.facts, **facts}})
        loop = Loop(self.platform, NOWHERE)
        system_id = loop.take(file, folder=self.example, actor=self.people["mei"]).system.id
        loop.grade(system_id, actor=self.people["mei"])
        loop.guard(system_id, file, actor=self.people["zhao"])
        if proven:
            with self.platform.work(self.people["zhao"], "test") as work:
                self._prove_all(work, system_id)
        return system_id

    def ask(self, name: str, **facts: str) -> None:
        """Bring a System to an open request."""
        system_id = self.register(name, **facts)
        with self.platform.work(self.people["mei"], "test") as work:
            self.requests[name] = work.gate.open_request(system_id, actor=self.people["mei"]).id

    def sign(self, name: str) -> None:
        """Bring a System to a request that everyone of its lane has signed."""
        self.ask(name)
        request_id = self.requests[name]
        for login, role in (("lin", "system_owner"), ("zhao", "security")):
            actor = self.people[login]
            with self.platform.work(actor, "test") as work:
                proof = work.accounts.reauthenticate(actor.id, password_of(login), purpose=request_id)
                work.gate.sign(request_id, actor=actor, role=role, proof=proof, approves=True, comment="")

    def stop(self, name: str) -> None:
        """Release a System, and suspend it."""
        self.sign(name)
        with self.platform.work(self.people["mei"], "test") as work:
            system_id = work.gate.release(self.requests[name], actor=self.people["mei"]).system_id
        with self.platform.work(self.people["zhao"], "test") as work:
            work.tokens.suspend(system_id, actor=self.people["zhao"], reason="An incident.")

    def _prove_all(self, work: Work, system_id: str) -> None:
        blob = self.platform.blobs.put(b"report")
        report = Artefact(name="report.pdf", media_type="application/pdf", sha256=blob.sha256, size=blob.size)
        for item in work.gate.verdict(system_id).items:
            if item.state == "valid":
                continue
            if item.kind == "auto":
                prove(work, system_id, item.type, asked_by=self.people["mei"])
            else:
                work.proof.enter(system_id, item.type, actor=self.people["zhao"], statement="Looked at.", passed=True,
                                 artefacts=[report])  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Prepared:
    """A home with people, and Systems at each step of the way."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    platform = Platform(Settings(home=home), clock=lambda: utc_now() - timedelta(hours=1))  # a code is good once
    platform.prepare()
    made = Preparing(platform, example)
    made.hire()
    made.register("Bare", proven=False)
    made.register("Ready")
    made.ask("Asked")
    made.ask("Grave", life_health="indirect")
    made.sign("Signed")
    made.stop("Stopped")
    for name, (fact, value) in ABOVE.items():
        made.register(name, **{fact: value})
    platform.close()
    return Prepared(home, made.requests, made.secrets)


@pytest.fixture
def here(prepared: Prepared, jingwei: Any, folder: Path, tmp_path: Path) -> Iterator[Here]:
    """A copy of that home, for one attack alone."""
    shutil.copytree(prepared.home, tmp_path / "home")
    return Here(jingwei, tmp_path / "home", prepared.requests, prepared.secrets, folder)


@pytest.mark.parametrize(
    ("code", "error", "prepare"), [each[1:] for each in ATTACKS], ids=[each[0] for each in ATTACKS]
)
def test_no_command_gets_a_token_that_is_not_due(here, code, error, prepare):
    typed = prepare(here)
    assert here.tokens() == []
    done = here.tries(typed.login, *typed.arguments, **typed.environment)
    assert done.code == code, done.out + done.err
    assert error in done.err
    assert here.tokens() == []


def test_the_same_road_with_all_that_is_due_gives_one(here):
    here.sign("lin", here.requests["Asked"], "system_owner")
    here.sign("zhao", here.requests["Asked"], "security")
    token = here.does("mei", "gate", "release", here.requests["Asked"])
    assert here.tokens() == [token["id"]]


def test_a_red_team_of_a_stand_in_that_refuses_everything_is_worth_nothing(here, refusing_model):
    done = here.tries("mei", "job", "start", "Bare", "redteam", "--target", refusing_model, "--set", "benign_share=0",
                      "--set", "attempts=40", "--gateway", NOWHERE, "--json")  # fmt: skip
    assert done.code == 1, done.err
    (found,) = json.loads(done.out)
    assert found["outcome"] == "incomplete"
    assert "(target)" in found["skipped"][-1]["en"]
    items = json.loads(here.tries("mei", "gate", "show", "Bare", "--json").out)["verdict"]["items"]
    assert next(each["state"] for each in items if each["type"] == "EV-REDTEAM") != "valid"
    assert here.tokens() == []


@pytest.mark.slow  # every check that does not need the gateway does run
def test_a_red_line_is_assessed_and_given_nothing(here):
    file = here.edited('red_line: "no"', 'red_line: "yes"')
    done = here.tries("mei", "assess", file, "--gateway", NOWHERE)
    assert done.code == 3, done.out + done.err
    assert here.tokens() == []


def test_the_list_is_long_enough():
    assert len(ATTACKS) >= 40
    assert len({function for *_, function in ATTACKS}) == len(ATTACKS)
