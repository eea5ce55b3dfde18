"""A real gateway on a real socket, in front of a model's server that says what a test tells it to."""

import asyncio
import http.client
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import uvicorn
from aiohttp import web

from jingwei.core.event import Event
from jingwei.core.policy import ToolRule
from jingwei.core.proof import CHAT_PATH, Prover
from jingwei.core.signing import Signer, encode
from jingwei.core.snapshot import Content, Served, Snapshot, key_hash, write_public_key, write_snapshot
from jingwei.core.token import AssessmentToken, ReleaseToken, issue
from jingwei.deploy.guard import compile_policy
from jingwei.faces.gateway import GatewaySettings, gateway, server_config

KEY = "jw-" + "k" * 40
TOOLS = (ToolRule(name="search"), ToolRule(name="pay", effect="irreversible"))


def now():
    return datetime.now(UTC)


def completion(content, **message):
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "small",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }


def piece(delta, finish=None, index=0):
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "small",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}],
    }


@dataclass
class Model:
    """The model's server: `answer` and `pieces` are what it says next; `seen` what it was asked."""

    seen: list = field(default_factory=list)
    answer: object = None
    pieces: list = field(default_factory=list)
    hook: object = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, request):
        raw = await request.read()
        self.seen.append((dict(request.headers), json.loads(raw)))
        if self.hook:
            return await self.hook(request)
        if not self.seen[-1][1].get("stream"):
            return web.json_response(self.answer)
        return await self.send(request, [*(json.dumps(each, ensure_ascii=False) for each in self.pieces), "[DONE]"])

    async def send(self, request, lines):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for line in lines:
                await response.write(f"data: {line}\n\n".encode())
        except ConnectionError:
            self.cancelled.set()
        return response


@dataclass
class House:
    """The gateway, its platform key, and the snapshot it reads."""

    folder: object
    signer: Signer
    model: Model
    loop: object = None
    app: object = None
    port: int = 0
    model_port: int = 0
    sequence: int = 0
    policy: object = None

    def run(self, coroutine, timeout=20):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def token(self, **changes):
        values = {
            "id": "tok_r",
            "system_id": "sys_1",
            "policy_digest": self.policy.digest,
            "issued_at": now() - timedelta(minutes=1),
            "expires_at": now() + timedelta(hours=1),
            "configuration_digest": "c",
            "evidence_digest": "e",
            "decision_id": "d",
        }
        signer = changes.pop("signer", self.signer)
        return issue(ReleaseToken(**values | changes), signer)

    def assessment(self, caller, **changes):
        values = {
            "id": "tok_a",
            "system_id": "sys_1",
            "policy_digest": self.policy.digest,
            "issued_at": now() - timedelta(minutes=1),
            "expires_at": now() + timedelta(minutes=20),
            "run_id": "run_1",
            "caller_key": encode(caller.verifier.public),
        }
        signer = changes.pop("signer", self.signer)
        return issue(AssessmentToken(**values | changes), signer)

    def served(self, **changes):
        values = {
            "system_id": "sys_1",
            "name": "assistant",
            "status": "live",
            "upstream_url": f"http://127.0.0.1:{self.model_port}/v1",
            "policy": self.policy,
            "release_token": self.token(),
            "key_hashes": (key_hash(KEY),),
            "configuration": {"model": "m", "prompt": "p", "tools": "t"},
        }
        return Served(**values | changes)

    def publish(self, *systems, at=None, revoked=(), signer=None, sequence=None):
        self.sequence += 1
        content = Content(systems=systems or (self.served(),), revoked=revoked)
        snapshot = Snapshot.sealed(
            content,
            at=at or now(),
            sequence=self.sequence if sequence is None else sequence,
            signer=signer or self.signer,
        )
        write_snapshot(self.folder / "snapshot.json", snapshot)
        self.refresh()

    def refresh(self):
        async def refresh():
            serving = self.app._serving
            await serving.refresh()
            await asyncio.gather(*serving._building.values())

        self.run(refresh())

    def call(self, method="POST", path=CHAT_PATH, body=None, key=KEY, headers=None, raw=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Content-Type": "application/json"} if method == "POST" else {}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        try:
            connection.request(method, path, data, sent | (headers or {}))
            response = connection.getresponse()
            return Reply(response.status, response.read(), {k.lower(): v for k, v in response.getheaders()})
        finally:
            connection.close()

    def chat(self, content="hello", **more):
        headers, key = more.pop("headers", None), more.pop("key", KEY)
        return self.call(body={"model": "m", "messages": [{"role": "user", "content": content}], **more},
                         headers=headers, key=key)  # fmt: skip

    def prove(self, prover, method="POST", path=CHAT_PATH, body=None, headers=None, sign_path=None):
        raw = (
            json.dumps(body or {"messages": [{"role": "user", "content": "hi"}]}).encode() if method == "POST" else b""
        )
        signed = prover(raw, method=method, path=sign_path or path.partition("?")[0])
        return raw if method == "POST" else None, signed | (headers or {})

    def assess(self, written, prover, method="POST", path=CHAT_PATH, body=None, headers=None, sign_path=None):
        raw, sent = self.prove(prover, method, path, body, headers, sign_path)
        return self.call(method, path, key=written, headers=sent, raw=raw)

    def events(self):
        """Read every event that is on disk, open segments too."""
        while True:
            try:
                lines = [each.read_bytes() for each in (self.folder / "spool").glob("*.jsonl")]
                break
            except FileNotFoundError:  # closed and renamed between the two looks
                continue
        found = [Event.model_validate_json(line) for line in b"".join(lines).splitlines()]
        return sorted(found, key=lambda event: event.at)

    def clear(self):
        self.run(self.app._journal.turn(now=True))
        for path in (self.folder / "spool").glob("*.jsonl"):
            path.unlink()


@dataclass
class Reply:
    status: int
    raw: bytes
    headers: dict

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def code(self):
        return self.json["error"]["code"]

    @property
    def content(self):
        return self.json["choices"][0]["message"]["content"]

    @property
    def finish(self):
        return self.json["choices"][0]["finish_reason"]

    @property
    def lines(self):
        return [line[6:] for line in self.raw.decode().split("\n\n") if line.startswith("data: ")]

    @property
    def chunks(self):
        return [json.loads(line) for line in self.lines if line != "[DONE]"]

    @property
    def streamed(self):
        return "".join(
            choice["delta"].get("content") or "" for chunk in self.chunks for choice in chunk.get("choices", [])
        )

    @property
    def finishes(self):
        return [c["finish_reason"] for chunk in self.chunks for c in chunk.get("choices", []) if c["finish_reason"]]


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    signer = Signer.generate()
    built = House(folder, signer, Model())
    built.policy = compile_policy("sys_1", 2, {}, words=("飞鸟计划",), canaries=("ZX-CANARY-77",), tools=TOOLS)
    write_public_key(folder, signer.verifier)
    settings = GatewaySettings(
        snapshot_path=folder / "snapshot.json",
        spool_path=folder / "spool",
        poll_seconds=0.05,
        snapshot_limit_seconds=30,
        idle_seconds=0.4,
        connect_seconds=0.5,
        max_body_bytes=200_000,
        max_answer_bytes=3_000_000,
        body_seconds=0.6,
        head_seconds=0.6,
    )
    built.app = gateway(settings)
    ready = threading.Event()
    servers = []

    async def main():
        built.loop = asyncio.get_running_loop()
        application = web.Application(client_max_size=10**8)
        application.router.add_post("/v1/chat/completions", built.model.__call__)
        application.router.add_post("/v1/embeddings", built.model.__call__)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        built.model_port = site._server.sockets[0].getsockname()[1]
        config = server_config(settings, host="127.0.0.1", port=0)
        config.app = built.app
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        servers.append(server)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag alone
            await asyncio.sleep(0.005)
        built.port = server.servers[0].sockets[0].getsockname()[1]
        ready.set()
        await serving
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert ready.wait(20)
    yield built
    servers[0].should_exit = True
    thread.join(20)


@pytest.fixture
def open_house(house):
    """The gateway with one live System that may be served."""
    house.model.hook, house.model.seen, house.model.pieces = None, [], []
    house.model.cancelled.clear()
    house.model.answer = completion("The room is free.")
    house.publish()
    house.clear()
    return house


@pytest.fixture
def caller():
    return Signer.generate()


@pytest.fixture
def trial(open_house, caller):
    """The same before release, with one assessment run admitted."""
    written = open_house.assessment(caller)
    open_house.publish(open_house.served(status="assessed", release_token=None, assessment_tokens=(written,)))
    return open_house, written, Prover("tok_a", caller)
