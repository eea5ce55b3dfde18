"""One installation a module, with its API: people with keys, and a System that can be brought to the gate."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from pyotp.totp import TOTP
from starlette.testclient import TestClient

from jingwei.core.evidence import BoundTo, Draft, Outcome, Source, seal
from jingwei.core.identity import PLATFORM, Accounts, Actor
from jingwei.core.ids import new_id
from jingwei.core.settings import Settings
from jingwei.core.store.tables import CheckRunRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.faces.api import api
from jingwei.faces.api.words import _examples
from jingwei.platform import Platform, Work

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
ADMIN = Actor(id="acc_root", roles=frozenset({("admin", "*")}))
SIGNERS = ("system_owner", "security", "business", "data", "legal", "ethics_committee", "senior_executive", "board")
EXAMPLES = _examples()


@dataclass
class Installation:
    """A platform behind its API, by short names."""

    platform: Platform
    client: TestClient
    people: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    spare: list[str] = field(default_factory=list)
    """Systems with the example's facts whose gate is open already."""

    def add(self, login: str, *roles: str, scopes: frozenset[str] = frozenset({"*"}), domain: str = "*") -> None:
        """Add a person with roles and a key."""
        with self.platform.work(PLATFORM, "test") as work:
            accounts = Accounts(work.desk.session, signer=work.desk.signer, clock=work.desk.clock, hasher=CHEAP)
            made = accounts.create(login, PASSWORD, actor=ADMIN, must_change_password=False)
            for role in roles:
                work.roles.grant(made.id, role, domain=domain, actor=ADMIN)
            self.people[login] = made.id
            self.keys[login] = work.keys.make("test", scopes=scopes, account_id=made.id).key

    def ask(self, login: str | None, method: str, path: str, **more: Any):
        """Send a request with a person's key."""
        headers = {"Authorization": f"Bearer {self.keys.get(login, login)}"} if login else {}
        return self.client.request(method, path, headers=headers | more.pop("headers", {}), **more)

    def get(self, login: str, path: str, status: int = 200, **more: Any) -> Any:
        return self._checked(self.ask(login, "GET", path, **more), status)

    def post(self, login: str, path: str, body: Any = None, status: int = 201, **more: Any) -> Any:
        return self._checked(self.ask(login, "POST", path, json=body, **more), status)

    def put(self, login: str, path: str, body: Any, status: int = 200) -> Any:
        return self._checked(self.ask(login, "PUT", path, json=body), status)

    def patch(self, login: str, path: str, body: Any, status: int = 200) -> Any:
        return self._checked(self.ask(login, "PATCH", path, json=body), status)

    def delete(self, login: str, path: str, status: int = 204) -> Any:
        return self._checked(self.ask(login, "DELETE", path), status)

    @staticmethod
    def _checked(response, status: int) -> Any:
        assert response.status_code == status, response.text
        if not response.content:
            return None
        body = response.json()
        return body["error"] if status >= 400 else body

    def confirmed(self, login: str, **more: Any) -> dict[str, Any]:
        """Return the part of a body that proves a person again."""
        code = TOTP(self.secrets[login]).now() if login in self.secrets else ""
        return {"password": PASSWORD, "code": code, **more}

    def file(self, name: str, **facts: str) -> dict[str, Any]:
        """Return the example intake under another name, some facts changed."""
        example = EXAMPLES["take-system"]
        return {**example, "name": name, "facts": {**example["facts"], **facts}}

    def registered(self, name: str, **facts: str) -> str:
        """Register and grade a System; return its id."""
        taken = self.post("engineer", "/systems", self.file(name, **facts))
        self.post("engineer", f"/systems/{taken['system']['id']}/grade")
        return taken["system"]["id"]

    def guarded(self, name: str, **facts: str) -> str:
        """Register, grade and guard a System; return its id."""
        system_id = self.registered(name, **facts)
        self.put("security", f"/systems/{system_id}/policy", EXAMPLES["attach-policy"])
        return system_id

    def ready(self, name: str, **facts: str) -> str:
        """Bring a System to an open gate; return its id."""
        if self.spare and not facts:
            return self.spare.pop()
        system_id = self.guarded(name, **facts)
        sha256 = self.uploaded(b"report")
        for item in self.get("auditor", f"/systems/{system_id}/gate")["items"]:
            if item["state"] == "valid":
                continue
            if self.platform.catalog.evidence_type(item["type"]).kind == "auto":
                with self.platform.work(PLATFORM, "test") as work:
                    self.prove(work, system_id, item["type"])
            else:
                self.post("security", "/evidence", {
                    "type": item["type"], "system_id": system_id, "statement": "Looked at.",
                    "artefacts": [{"name": "report.pdf", "media_type": "application/pdf", "sha256": sha256}],
                })  # fmt: skip
        return system_id

    def uploaded(self, content: bytes) -> str:
        """Upload a file; return its digest."""
        return self._checked(self.ask("security", "POST", "/artefacts", content=content), 201)["sha256"]

    def prove(self, work: Work, system_id: str, type_id: str) -> str:
        """Bring in automatic evidence as a check's run does."""
        kind = work.catalog.evidence_type(type_id)
        check = kind.checks[0] if kind.checks else "some-check"
        run = CheckRunRow(
            id=new_id("run"), created_at=work.desk.clock(), check_id=check, system_id=system_id, options={},
            target={"kind": "system", "locator": system_id},
            through_gateway=False, requested_by=self.people["engineer"], status="running", evidence_ids=[],
        )  # fmt: skip
        work.desk.session.add(run)
        work.desk.session.flush()
        parts = None
        if kind.bound_to is BoundTo.CONFIGURATION:
            observed = ("gateway", "model", "policy", "prompt", "tools")
            parts = work.registry.configuration(system_id).model_copy(update={"observed": observed})
        draft = Draft(type=type_id, outcome=Outcome.PASS, summary=Both(zh="测试", en="test"), configuration=parts,
                      bindings=_bindings(work, system_id, kind.bound_to))  # fmt: skip
        at = work.desk.clock()
        sealed = seal(draft, system_id=system_id, target=Target(kind=TargetKind.SYSTEM, locator=system_id),
                      source=Source(kind="auto", name=check, version="1", run_id=run.id), started_at=at, finished_at=at,
                      signer=work.desk.signer)  # fmt: skip
        return work.proof.add(sealed)

    def requested(self, name: str, **facts: str) -> str:
        """Bring a System to an open request; return the request's id."""
        return self.post("engineer", f"/systems/{self.ready(name, **facts)}/requests")["id"]

    def sign(self, login: str, request_id: str, status: int = 200, **more: Any) -> Any:
        body = self.confirmed(login, role=login) | more
        return self.post(login, f"/requests/{request_id}/sign", body, status)

    def released(self, name: str, **facts: str) -> dict[str, Any]:
        """Bring a System all the way; return its release token's record."""
        request_id = self.requested(name, **facts)
        for role in self.get("auditor", f"/requests/{request_id}")["roles_wanted"]:
            self.sign(role, request_id)
        return self.post("engineer", f"/requests/{request_id}/release")


def _bindings(work: Work, system_id: str, to: BoundTo):
    from jingwei.core.evidence import Binding

    return tuple(Binding(to=to, digest=each, observed=True) for each in work.registry.in_use(system_id).digests[to])


def installed(home: Path, **settings: Any) -> Platform:
    """Prepare a platform in a folder."""
    platform = Platform(Settings(home=home, **settings))
    platform.prepare()
    return platform


@contextmanager
def staffed(home: Path) -> Iterator[Installation]:
    """Open an installation with one person for each role."""
    platform = installed(home, max_upload_bytes=100_000)
    with TestClient(api(platform, stream_seconds=0), base_url="http://api", raise_server_exceptions=False) as client:
        made = Installation(platform, client)
        made.add("engineer", "engineer")
        made.add("auditor", "auditor")
        made.add("admin", "admin")
        for role in SIGNERS:
            made.add(role, role)
        yield made
    platform.close()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for a whole module."""
    with staffed(tmp_path_factory.mktemp("api") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation to copy, with one System at an open gate."""
    with staffed(tmp_path_factory.mktemp("original") / "home") as made:
        made.spare = [made.ready("spare")]
        made.platform.close()
        yield made


@pytest.fixture
def fresh(original: Installation, tmp_path: Path) -> Iterator[Installation]:
    """A copy of an installation, for one test alone."""
    home = tmp_path / "home"
    shutil.copytree(original.platform.settings.home, home)
    platform = Platform(original.platform.settings.model_copy(update={"home": home}))
    platform.__dict__["catalog"] = original.platform.catalog  # reading it takes longer than an attack
    app = original.client.app
    app.state.platform, before = platform, original.platform
    yield replace(original, platform=platform, people=dict(original.people), keys=dict(original.keys),
                  spare=list(original.spare))  # fmt: skip
    app.state.platform = before
    platform.close()
