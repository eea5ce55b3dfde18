"""One governed world: people with their roles, a real store and catalogue, and a System that can be brought to the gate."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from pyotp.totp import TOTP
from sqlalchemy.orm import Session

from jingwei.catalog import load_catalog
from jingwei.core.configuration import Configuration
from jingwei.core.evidence import Artefact, Binding, BoundTo, Draft, Outcome, Source, seal
from jingwei.core.identity import Accounts, Actor, Reauthentication, Roles
from jingwei.core.ids import new_id
from jingwei.core.policy import Category, CategoryRule, Policy
from jingwei.core.signing import Signer, encode
from jingwei.core.store import Store
from jingwei.core.store.tables import AccountRow, CheckRunRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.manage import Desk, Gate, Grading, Intake, Overrides, Parts, Policies, Proof, Registry, SystemFile, Tokens

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
ADMIN = Actor(id="acc_root", roles=frozenset({("admin", "*")}))
SIGNERS = ("system_owner", "security", "business", "data", "legal", "ethics_committee", "senior_executive", "board")
SAYS = Both(zh="测试", en="test")
ASSISTANT = {
    "autonomy": "L2", "model_origin": "third_party_documented", "personal_info": "general",
    "public_facing": "internal_only_staff", "tools": "reversible_write",
}  # fmt: skip
MODEL, DATASET, PROMPT, TOOLS = "a" * 64, "b" * 64, "c" * 64, "d" * 64


class Time:
    """A clock that moves a millisecond each time it is read, so that no two rows are of the same moment."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def pass_by(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class World:
    """Everything a test needs, by short names."""

    session: Session
    signer: Signer
    clock: Time = field(default_factory=Time)
    people: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    gateway: str = "1.0"
    prebuilt: str = ""
    """Id of a System that stands ready in the copied database."""

    def __post_init__(self) -> None:
        self.catalog = load_catalog()
        self.desk = Desk(self.session, self.catalog, self.signer, clock=self.clock, gateway_version=self.gateway)
        self.accounts = Accounts(self.session, signer=self.signer, clock=self.clock, hasher=CHEAP)
        self.registry, self.parts, self.intake = Registry(self.desk), Parts(self.desk), Intake(self.desk)
        self.grading, self.overrides, self.proof = Grading(self.desk), Overrides(self.desk), Proof(self.desk)
        self.policies, self.gate, self.tokens = Policies(self.desk), Gate(self.desk), Tokens(self.desk)
        self.hash = CHEAP.hash(PASSWORD)

    def settle(self) -> None:
        """Bring in one person for each role."""
        self.add("engineer", "engineer")
        for role in SIGNERS:
            self.add(role, role)

    def add(self, login: str, *roles: str, domain: str = "*") -> Actor:
        """Add a person with roles."""
        row = AccountRow(id=new_id("acc"), created_at=self.clock(), login=login, password_hash=self.hash,
                         totp_last_step=0, active=True, must_change_password=False)  # fmt: skip
        self.session.add(row)
        self.session.flush()
        self.people[login] = row.id
        for role in roles:
            Roles(self.session, clock=self.clock).grant(row.id, role, domain=domain, actor=ADMIN)
        return self.who(login)

    def who(self, login: str) -> Actor:
        """Return a person as an actor, with the roles held now."""
        return self.accounts.actor(self.people[login])

    def enrol(self, login: str) -> None:
        """Give a person an authenticator."""
        offer = self.accounts.offer_totp(self.people[login])
        code = TOTP(offer.secret).at(self.clock.now)
        self.accounts.enrol_totp(self.people[login], secret=offer.secret, new_code=code, password=PASSWORD)
        self.secrets[login] = offer.secret
        self.clock.pass_by(seconds=30)

    def confirm(self, login: str, purpose: str) -> Reauthentication:
        """Give a person's password (and code) for one act."""
        code = ""
        if login in self.secrets:
            self.clock.pass_by(seconds=30)
            code = TOTP(self.secrets[login]).at(self.clock.now)
        proof = self.accounts.reauthenticate(self.people[login], PASSWORD, purpose=purpose, code=code)
        assert isinstance(proof, Reauthentication), proof
        return proof

    def facts(self, **changed: str) -> dict[str, str]:
        """Return the facts of the staff assistant (grade 2), some changed."""
        return {**self.desk.rules.defaults(), **ASSISTANT, **changed}

    def file(self, name: str = "assistant", **facts: str) -> SystemFile:
        """Return a whole intake without files on disk."""
        return SystemFile.model_validate({
            "name": name, "purpose": "Helps staff.", "facts": self.facts(**facts),
            "upstream": {"url": "http://127.0.0.1:8080/v1", "model": "small"},
            "components": [
                {"kind": "model", "name": "small", "digest": MODEL, "supplier": "HF", "licence": "apache-2.0",
                 "responsibility": {"party": "HF", "duty": "weights"}},
                {"kind": "dataset", "name": "corpus", "digest": DATASET,
                 "responsibility": {"party": "us", "duty": "content"}},
            ],
            "tools": [{"name": "note", "effect": "reversible_write"}],
        })  # fmt: skip

    def registered(self, name: str = "assistant", **facts: str) -> str:
        """Register and grade a System; return its id."""
        taken = self.intake.take(self.file(name, **facts), actor=self.who("engineer"))
        self.grading.grade(taken.system.id, actor=self.who("engineer"))
        return taken.system.id

    def policy(self, system_id: str, *, grade: int | None = None, **changed: Any) -> Policy:
        """Return a policy of the System's grade."""
        rules = tuple(CategoryRule(category=each) for each in Category)
        level = grade or self.grading.preview(system_id).grade
        return Policy(**{"system_id": system_id, "grade": level, "rules": rules, "safe_answer": SAYS} | changed)

    def guarded(self, system_id: str, **changed: Any) -> None:
        """Attach a policy."""
        self.policies.attach(self.policy(system_id, **changed), actor=self.who("security"))

    def run(self, system_id: str | None, check: str, *, status: str = "running", through_gateway: bool = False,
            by: str = "engineer") -> str:  # fmt: skip
        """Enter a check run and return its id."""
        row = CheckRunRow(id=new_id("run"), created_at=self.clock(), check_id=check, system_id=system_id, target={},
                          options={}, through_gateway=through_gateway, requested_by=self.people[by], status=status,
                          evidence_ids=[])  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return row.id

    def bindings(self, system_id: str, type_id: str, *, observed: bool = True) -> tuple[Binding, ...]:
        """Return bindings to what is in use now."""
        to = self.catalog.evidence_type(type_id).bound_to
        return tuple(Binding(to=to, digest=each, observed=observed)
                     for each in self.registry.in_use(system_id).digests[to])  # fmt: skip

    def sealed(self, system_id: str, type_id: str, *, signer: Signer | None = None, **changed: Any):
        """Seal evidence as a check would; `changed` replaces parts of draft, source or times."""
        kind = self.catalog.evidence_type(type_id)
        check = kind.checks[0] if kind.checks else "some-check"
        observed = changed.pop("observed", True)
        parts: Configuration | None = None
        if kind.bound_to is BoundTo.CONFIGURATION:
            parts = self.registry.configuration(system_id)
            if observed:
                parts = parts.model_copy(update={"observed": ("gateway", "model", "policy", "prompt", "tools")})
        draft = {"type": type_id, "outcome": Outcome.PASS, "summary": SAYS, "configuration": parts,
                 "bindings": self.bindings(system_id, type_id, observed=observed)}  # fmt: skip
        draft |= {name: changed.pop(name) for name in list(changed) if name in Draft.model_fields}
        run_id = changed["run_id"] if "run_id" in changed else self.run(system_id, check)
        source = changed.get("source") or Source(kind="auto", name=check, version="1", run_id=run_id)
        at = changed.get("at") or self.clock()
        return seal(Draft(**draft), system_id=changed.get("of", system_id), source=source, started_at=at,
                    target=Target(kind=TargetKind.SYSTEM, locator=system_id), finished_at=at,
                    signer=signer or self.signer)  # fmt: skip

    def prove(self, system_id: str, type_id: str, **changed: Any) -> str:
        """Bring in valid evidence of a type by its proper door; return its id."""
        kind = self.catalog.evidence_type(type_id)
        if kind.kind == "auto":
            return self.proof.add(self.sealed(system_id, type_id, **changed))
        artefacts = [Artefact(name="a.pdf", media_type="application/pdf", sha256="e" * 64, size=1)]
        made = self.proof.enter(system_id, type_id, actor=self.who("security"), statement="Looked at.",
                                artefacts=artefacts)  # fmt: skip
        return made.id

    def proven(self, system_id: str, *, but: str = "") -> None:
        """Bring in everything the gate demands, but one."""
        for item in self.gate.verdict(system_id).open_items:
            if item.type != but:
                self.prove(system_id, item.type)

    def ready(self, name: str = "assistant", **facts: str) -> str:
        """Register, grade, guard and prove a System; the gate is open. The plain one is there already."""
        if self.prebuilt and name == "assistant" and not facts:
            return self.prebuilt
        system_id = self.registered(name, **facts)
        self.guarded(system_id)
        self.proven(system_id)
        return system_id

    def sign(self, request_id: str, login: str, role: str = "", **changed: Any):
        """Sign a request."""
        wanted = {"actor": self.who(login), "role": role or login, "proof": self.confirm(login, request_id)} | changed
        return self.gate.sign(request_id, **wanted)

    def signed(self, system_id: str) -> str:
        """Open a request and have everyone of the lane sign; return the request's id."""
        request = self.gate.open_request(system_id, actor=self.who("engineer"))
        for role in request.roles_wanted:
            self.sign(request.id, role)
        return request.id

    def released(self, name: str = "assistant", **facts: str):
        """Bring a System all the way; return its release token's record."""
        return self.gate.release(self.signed(self.ready(name, **facts)), actor=self.who("engineer"))

    def assess(self, system_id: str, **changed: Any):
        """Ask for an assessment token for a fresh run."""
        wanted = {"run_id": changed.get("run_id") or self.run(system_id, "redteam", through_gateway=True),
                  "caller_key": encode(Signer.generate().verifier.public), "actor": self.who("engineer")}  # fmt: skip
        return self.tokens.issue_assessment(system_id, **wanted | changed)


@dataclass(frozen=True)
class Template:
    """A database with people and one ready System, to copy."""

    path: Path
    people: dict[str, str]
    system_id: str
    now: datetime


@pytest.fixture(scope="session")
def world_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, signer: Signer) -> Template:
    path = tmp_path_factory.mktemp("world") / "jingwei.db"
    shutil.copyfile(sqlite_template, path)
    store = Store(f"sqlite:///{path}", signer=signer)
    with store.unit("acc_test", "test") as session:
        world = World(session, signer)
        world.settle()
        system_id = world.ready("ready")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return Template(path, world.people, system_id, world.clock.now)


@pytest.fixture
def world(tmp_path: Path, signer: Signer, world_template: Template) -> Iterator[World]:
    path = tmp_path / "jingwei.db"
    shutil.copyfile(world_template.path, path)
    store = Store(f"sqlite:///{path}", signer=signer)
    clock = Time()
    clock.now = world_template.now
    with store.unit("acc_test", "test") as session:
        yield World(session, signer, clock=clock, people=dict(world_template.people), prebuilt=world_template.system_id)
    store.close()


@pytest.fixture
def fresh_world(store: Store) -> Iterator[World]:
    """A world built from nothing, on each engine in turn."""
    with store.unit("acc_test", "test") as session:
        world = World(session, store.signer)
        world.settle()
        yield world
