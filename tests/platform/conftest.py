"""An installation with three people and the example application beside it, copied for each test; a gateway and a model."""

import asyncio
import shutil
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from aiohttp import web
from argon2 import PasswordHasher

from jingwei.core.clock import Clock, utc_now
from jingwei.core.evidence import Artefact, Binding, BoundTo, Draft, Outcome, Source, seal
from jingwei.core.identity import PLATFORM, Accounts, Actor
from jingwei.core.ids import new_id
from jingwei.core.settings import Settings
from jingwei.core.store.tables import CheckRunRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.faces.gateway import GatewaySettings, gateway
from jingwei.platform import Platform
from jingwei.platform.demonstration import example_folder
from jingwei.platform.loop import Loop

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
ADMIN = Actor(id="acc_root", roles=frozenset({("admin", "*")}))
PEOPLE = {"mei": "engineer", "lin": "system_owner", "zhao": "security"}


class Time:
    """A clock that runs on, and can be set forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_by(self, **delta: float) -> None:
        self.ahead += timedelta(**delta)


@dataclass
class Place:
    """A platform, the people at it, and the example application in a folder of its own."""

    platform: Platform
    people: dict[str, str]
    folder: Path
    upstream_url: str = "http://127.0.0.1:9/v1"
    gateway_url: str = "http://127.0.0.1:9"
    tuning: dict = field(default_factory=dict)

    def who(self, login: str) -> Actor:
        with self.platform.reading() as work:
            return work.accounts.actor(self.people[login])

    @property
    def loop(self) -> Loop:
        return Loop(self.platform, self.gateway_url, tuning=self.tuning)

    @property
    def file(self):
        """The example's intake, its model's server being where it runs now."""
        read = self.loop.read(self.folder / "system.yaml")
        return read.model_copy(update={"upstream": read.upstream.model_copy(update={"url": self.upstream_url})})

    def taken(self, **changed) -> str:
        """Register the example; return its id."""
        file = self.file.model_copy(update=changed)
        return self.loop.take(file, folder=self.folder, actor=self.who("mei")).system.id

    def guarded(self) -> str:
        """Register, grade and guard the example; return its id."""
        system_id = self.taken()
        self.loop.grade(system_id, actor=self.who("mei"))
        self.loop.guard(system_id, self.file, actor=self.who("zhao"))
        return system_id

    def wanted(self, system_id: str, check_id: str):
        """Return the one run of a check that the gate wants."""
        return next(each for each in self.loop.wanted(system_id) if each.check_id == check_id)

    def asked(self, system_id: str, check_id: str, **changed) -> str:
        """Ask for the run of a check that the gate wants; return the run's id."""
        wanted = self.wanted(system_id, check_id)
        with self.platform.work(self.who("mei"), "run.ask") as work:
            asked = work.runs.ask(check_id, system_id=system_id, target=changed.get("target", wanted.target),
                                  actor=self.who("mei"),
                                  options={**wanted.options, **changed.get("options", {})})  # fmt: skip
        return asked.id

    def run(self, run_id: str):
        with self.platform.reading() as work:
            return work.runs.run(run_id)

    def item(self, system_id: str, type_id: str):
        return next(each for each in self.loop.verdict(system_id).items if each.type == type_id)

    def entries(self) -> int:
        return self.platform.ledger.count()

    def prove(self, system_id: str) -> None:
        """Bring in all evidence that the gate lacks: automatic as checks do, the rest as people do."""
        lin, artefact = self.who("lin"), self._document()
        for item in self.loop.verdict(system_id).open_items:
            with self.platform.work(lin, "test.prove") as work:
                if item.kind == "auto":
                    self._sealed(work, system_id, item)
                else:
                    work.proof.enter(system_id, item.type, actor=lin, statement="Looked at.", artefacts=(artefact,))

    def _document(self) -> Artefact:
        blob = self.platform.blobs.put(b"report")
        return Artefact(name="report.pdf", media_type="application/pdf", sha256=blob.sha256, size=blob.size)

    def _sealed(self, work, system_id: str, item) -> None:
        run = CheckRunRow(
            id=new_id("run"), created_at=work.desk.clock(), check_id=item.checks[0], system_id=system_id, options={},
            target={"kind": "system", "locator": system_id}, through_gateway=False, requested_by=self.people["mei"],
            status="running", evidence_ids=[],
        )  # fmt: skip
        work.desk.session.add(run)
        work.desk.session.flush()
        to, used = work.catalog.evidence_type(item.type).bound_to, work.registry.in_use(system_id)
        bindings = tuple(Binding(to=to, digest=each, observed=True) for each in used.digests[to])
        parts = None
        if to is BoundTo.CONFIGURATION:
            observed = ("gateway", "model", "policy", "prompt", "tools")
            parts = used.configuration.model_copy(update={"observed": observed})
        draft = Draft(type=item.type, outcome=Outcome.PASS, summary=Both(zh="试", en="test"), bindings=bindings,
                      configuration=parts)  # fmt: skip
        at = work.desk.clock()
        work.proof.add(seal(draft, system_id=system_id, target=Target(kind=TargetKind.SYSTEM, locator=system_id),
                            source=Source(kind="auto", name=item.checks[0], version="1", run_id=run.id),
                            started_at=at, finished_at=at, signer=work.desk.signer))  # fmt: skip

    def released(self) -> str:
        """Bring the example all the way through the gate; return its id."""
        system_id, mei = self.guarded(), self.who("mei")
        self.prove(system_id)
        with self.platform.work(mei, "release.request") as work:
            request_id = work.gate.open_request(system_id, actor=mei).id
        for login in ("lin", "zhao"):
            with self.platform.work(self.who(login), "release.sign") as work:
                proof = work.accounts.reauthenticate(self.people[login], PASSWORD, purpose=request_id)
                work.gate.sign(request_id, actor=self.who(login), role=PEOPLE[login], proof=proof)
        with self.platform.work(mei, "release.issue") as work:
            work.gate.release(request_id, actor=mei)
        return system_id


def gguf() -> bytes:
    """A small, whole GGUF file with one tensor and a plain chat template."""

    def written(value: str) -> bytes:
        raw = value.encode()
        return struct.pack("<Q", len(raw)) + raw

    template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    pairs = [("general.architecture", "llama"), ("tokenizer.chat_template", template)]
    entries = [written(name) + struct.pack("<I", 8) + written(value) for name, value in pairs]
    tensor = written("w") + struct.pack("<IQQIQ", 2, 8, 3, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(entries)) + b"".join(entries) + tensor
    return head + b"\0" * (-len(head) % 32) + b"\0" * 96


def example_at(folder: Path) -> Path:
    """Copy the example application and put a tiny model beside it."""
    shutil.copytree(example_folder(), folder)
    (folder / "model.gguf").write_bytes(gguf())
    return folder


def staffed(platform: Platform) -> dict[str, str]:
    """Prepare a platform and make its three people; return their account ids."""
    platform.prepare()
    people = {}
    with platform.work(PLATFORM, "test.people") as work:
        accounts = Accounts(work.desk.session, signer=work.desk.signer, clock=work.desk.clock, hasher=CHEAP)
        for login, role in PEOPLE.items():
            people[login] = accounts.create(login, PASSWORD, actor=ADMIN, must_change_password=False).id
            work.roles.grant(people[login], role, actor=ADMIN)
    return people


@pytest.fixture(scope="session")
def staffed_home(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A home with people in it, to copy."""
    platform = Platform(Settings(home=tmp_path_factory.mktemp("staffed") / "home"))
    people = staffed(platform)
    with platform.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    platform.close()
    return platform.settings.home, people


@pytest.fixture
def place(staffed_home, tmp_path) -> Iterator[Place]:
    """A platform of its own for one test."""
    home, people = staffed_home
    shutil.copytree(home, tmp_path / "home")
    platform = Platform(Settings(home=tmp_path / "home"), clock=Time())
    yield Place(platform, people, example_at(tmp_path / "assistant"))
    platform.close()


def answered(content: str, calls: list | None = None) -> dict:
    message = {"role": "assistant", "content": content} | ({"content": None, "tool_calls": calls} if calls else {})
    return {
        "id": "c1", "object": "chat.completion", "created": 1, "model": "small",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }  # fmt: skip


@dataclass
class Organism:
    """A model's server on loopback with a known character: it says one thing, and can be slow to say it."""

    url: str = ""
    says: str = "I'm sorry, but I can't help with that."
    calls: list = field(default_factory=list)
    """Tool calls that it makes instead of saying anything."""
    slow_seconds: float = 0.0
    asked: list[bytes] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    """Set once `alarm_at` requests have come."""
    alarm_at: int = 0
    loop: asyncio.AbstractEventLoop | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(await request.read())
        if self.alarm_at and len(self.asked) >= self.alarm_at:
            self.reached.set()
        await asyncio.sleep(self.slow_seconds)
        return web.json_response(answered(self.says, self.calls))


async def _list_models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "small", "object": "model"}]})


@pytest.fixture
def organism() -> Iterator[Organism]:
    """A model's server in a thread."""
    made, ready = Organism(), threading.Event()

    async def serve() -> None:
        made.loop, ending = asyncio.get_running_loop(), asyncio.Event()
        made.loop.ending = ending
        application = web.Application(client_max_size=10**8)
        application.router.add_post("/v1/chat/completions", made.answer)
        application.router.add_get("/v1/models", _list_models)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await ending.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield made
    made.loop.call_soon_threadsafe(made.loop.ending.set)
    thread.join(20)


@contextmanager
def gateway_of(settings: Settings, *, clock: Clock = utc_now) -> Iterator[str]:
    """Serve a gateway of a home in a thread; give its root address."""
    told = GatewaySettings(snapshot_path=settings.snapshot_path, spool_path=settings.spool_path, poll_seconds=0.05,
                           snapshot_limit_seconds=60)  # fmt: skip
    server = uvicorn.Server(uvicorn.Config(gateway(told, clock=clock), host="127.0.0.1", port=0, log_level="warning",
                                           access_log=False))  # fmt: skip
    server.install_signal_handlers = lambda: None
    thread = threading.Thread(target=server.run, name="gateway")
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


def until(claim, *, seconds: float = 30) -> None:
    """Wait until a claim about another thread or process holds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


@pytest.fixture
def postgres_place(postgres, tmp_path) -> Iterator[Place]:
    """The same on PostgreSQL, all of it in one database."""
    name = postgres.create()
    platform = Platform(Settings(home=tmp_path / "home", database=postgres.url(name)), clock=Time())
    yield Place(platform, staffed(platform), example_at(tmp_path / "assistant"))
    platform.close()
    postgres.drop(name)


@pytest.fixture
def wait():
    """How to wait for what another thread or process does."""
    return until


@pytest.fixture
def guarded_place(place, organism) -> Iterator[Place]:
    """The example behind a real gateway, whose model is the organism."""
    place.upstream_url = organism.url
    place.platform.relay.publish()
    with gateway_of(place.platform.settings) as url:
        place.gateway_url = url
        yield place
