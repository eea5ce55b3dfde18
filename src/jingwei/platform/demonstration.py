"""The story of `jingwei demo`: one real model, taken through the whole loop by three people.

Nothing here is scripted but the people: every number comes from what ran. The steps are methods, so that a face can
show progress between them; `Demonstration` keeps only ids and what was measured.
"""

import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from jingwei.core.errors import JingweiError, Unavailable
from jingwei.core.evidence import Artefact, Evidence, Measure
from jingwei.core.identity import PLATFORM, Actor, Denied
from jingwei.core.text import Both, text
from jingwei.manage import AttachedPolicy, GateVerdict, RecordedGrade, SystemFile, Taken, TokenRecord
from jingwei.platform.loop import Loop, Tell

People = Literal["engineer", "owner", "security"]
ROLES: dict[People, str] = {"engineer": "engineer", "owner": "system_owner", "security": "security"}
LOGINS: dict[People, str] = {"engineer": "mei", "owner": "lin", "security": "zhao"}
ATTEMPTS = 60
_RATE = "attack_success_rate"


class Person(NamedTuple):
    """One of the three people, with the password the console takes."""

    actor: Actor
    login: str
    password: str


@dataclass
class Demonstration:
    """Tells the story on one platform.

    Args:
        loop: the loop on this platform, with a running gateway.
        folder: a working copy of the example, its model in it.
        upstream_url: base URL of the model's server.
    """

    loop: Loop
    folder: Path
    upstream_url: str
    people: dict[People, Person] = field(default_factory=dict)
    system_id: str = ""
    before: Evidence | None = None
    after: Evidence | None = None

    def _meet(self) -> None:
        """Make the three accounts; nobody holds two roles."""
        platform = self.loop.platform
        with platform.work(PLATFORM, "demo.people") as work:
            admin = work.accounts.bootstrap()
            actor = work.accounts.actor(admin.account.id)
            for name, login in LOGINS.items():
                password = secrets.token_urlsafe(12)
                account = work.accounts.create(login, password, actor=actor, must_change_password=False)
                work.roles.grant(account.id, ROLES[name], actor=actor)
                self.people[name] = Person(work.accounts.actor(account.id), login, password)

    def _file(self) -> SystemFile:
        """Read the example's intake, its model's server being where it runs now."""
        file = self.loop.read(self.folder / "system.yaml")
        upstream = file.upstream.model_copy(update={"url": self.upstream_url})
        return file.model_copy(update={"upstream": upstream, "owner": LOGINS["owner"]})

    def register(self) -> Taken:
        """Make the people's accounts, and register the System, by the engineer."""
        self._meet()
        taken = self.loop.take(self._file(), folder=self.folder, actor=self.people["engineer"].actor)
        self.system_id = taken.system.id
        return taken

    def grade(self) -> RecordedGrade:
        """Grade it."""
        return self.loop.grade(self.system_id, actor=self.people["engineer"].actor)

    def check(self, tell: Tell) -> list[Evidence]:
        """Run the checks the gate still lacks; remember the red team's result."""
        found = self.loop.run_checks(self.system_id, actor=self.people["engineer"].actor, tell=tell)
        attack = next((each for each in found if each.type == "EV-REDTEAM"), None)
        if attack is not None and self.before is None:
            self.before = attack
        elif attack is not None:
            self.after = attack
        return found

    def refused(self) -> tuple[GateVerdict, JingweiError | None]:
        """Ask for a release, and return the gate's verdict and its refusal."""
        verdict = self.loop.verdict(self.system_id)
        try:
            self._ask()
        except JingweiError as error:
            return verdict, error
        return verdict, None

    def guard(self) -> AttachedPolicy:
        """Put the guard's policy in force, by the security officer."""
        return self.loop.guard(self.system_id, self._file(), actor=self.people["security"].actor)

    def enter_records(self) -> list[str]:
        """Enter what people must state: risks, vendor, responsibility; return the types entered."""
        owner = self.people["owner"].actor
        entered = []
        for item in self.loop.verdict(self.system_id).open_items:
            if item.kind == "auto":
                continue
            artefacts = (self._document(),) if item.kind == "document" else ()
            with self.loop.platform.work(owner, "evidence.enter") as work:
                work.proof.enter(self.system_id, item.type, actor=owner, artefacts=artefacts,
                                 statement=_said(item.title))  # fmt: skip
            entered.append(item.type)
        return entered

    def sign(self) -> list[str]:
        """Ask for the release and have the lane's two people sign; return who signed in which role."""
        request_id = self._ask()
        signed = []
        names: tuple[People, ...] = ("owner", "security")
        for name in names:
            person, role = self.people[name], ROLES[name]
            with self.loop.platform.work(person.actor, "release.prove") as work:
                proof = work.accounts.reauthenticate(person.actor.id, person.password, purpose=request_id)
            if isinstance(proof, Denied):
                raise proof.error()
            with self.loop.platform.work(person.actor, "release.sign") as work:
                work.gate.sign(request_id, actor=person.actor, role=role, proof=proof)
            signed.append(f"{person.login} ({role})")
        self._request_id = request_id
        return signed

    def release(self) -> TokenRecord:
        """Issue the release token."""
        engineer = self.people["engineer"].actor
        with self.loop.platform.work(engineer, "release.issue") as work:
            token = work.gate.release(self._request_id, actor=engineer)
        self.loop.platform.relay.publish()
        return token

    def key(self) -> str:
        """Make an API key that the gateway serves the System for."""
        engineer = self.people["engineer"].actor
        with self.loop.platform.work(engineer, "key.make") as work:
            made = work.registry.make_key(self.system_id, "demo", actor=engineer)
        self.loop.platform.relay.publish()
        return made.key

    @property
    def prompt(self) -> str:
        """Return the prompt as the application sends it, its canary put in."""
        template = (self.folder / "prompt.txt").read_text(encoding="utf-8")
        return template.replace("{canary}", self._file().guard.canaries[0])

    def _ask(self) -> str:
        engineer = self.people["engineer"].actor
        with self.loop.platform.work(engineer, "release.request") as work:
            return work.gate.open_request(self.system_id, actor=engineer).id

    def _document(self) -> Artefact:
        content = (self.folder / "responsibility.md").read_bytes()
        blob = self.loop.platform.blobs.put(content)
        return Artefact(name="responsibility.md", media_type="text/markdown", sha256=blob.sha256, size=blob.size)


def attack_success(evidence: Evidence) -> Measure:
    """Return the measured attack success of a red-team run."""
    return next(each for each in evidence.measures if each.name == _RATE)


def working_copy(example: Path, folder: Path, *, model: Path) -> Path:
    """Copy the example to a folder of the home and put the model beside it.

    Raises:
        Unavailable: it cannot be written.
    """
    try:
        shutil.copytree(example, folder, dirs_exist_ok=True)
        place = folder / "model.gguf"
        place.unlink(missing_ok=True)
        try:
            os.link(model, place)
        except OSError:  # another disk
            shutil.copyfile(model, place)
    except OSError as error:
        raise Unavailable(
            "platform:home-unwritable", field="home", path=str(folder), why=error.strerror or ""
        ) from error
    return folder


def example_folder() -> Path:
    """Return where the example application lies: in the installed package, or in the repository."""
    packaged = Path(__file__).resolve().parents[1] / "examples" / "assistant"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "examples" / "assistant"


def _said(title: Both) -> str:
    """State it in both languages, as records that both read are."""
    both = text("platform:demo-statement", title=title)
    return f"{both.zh} {both.en}"
