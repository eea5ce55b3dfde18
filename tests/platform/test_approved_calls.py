"""A held call all the way: gateway, relay, a person's yes on the platform, the signed snapshot, and the call once."""

import asyncio
import json
import socket
import threading
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer
from tests.platform.conftest import PASSWORD, gateway_of, until

from jingwei.core.errors import Refused
from jingwei.core.signing import Signer
from jingwei.core.snapshot import PUBLIC_KEY, Snapshot, read_public_key, read_snapshot, write_snapshot

pytestmark = pytest.mark.slow
ROOM = {"room": "3.07", "day": "Monday"}
HELD_BY_MCP = -32050
ASKER, OTHER = "intranet", "kiosk"


@dataclass
class World:
    """One released System behind a real gateway, two keys of it, and a clock that all share."""

    place: object
    organism: object
    url: str
    system_id: str
    keys: dict

    def next_round(self, **ahead):
        """Let the relay take the events and publish; wait until the gateway has what it published."""
        platform = self.place.platform
        self.keep_up()
        platform.clock.pass_by(**(ahead or {"seconds": 3}))  # old enough for the gateway to close its segment
        until(lambda: not list(platform.settings.spool_path.glob("*.open.jsonl")))
        platform.relay.drain()
        platform.relay.publish()
        until(lambda: self.health()["snapshot_age_seconds"] < 2)

    def keep_up(self):
        self.place.platform.relay.publish()

    def health(self):
        return httpx2.get(f"{self.url}/jingwei/health").json()

    def approve(self, approval_id, login):
        who = self.place.who(login)
        with self.place.platform.work(who, "approval.approve") as work:
            proof = work.accounts.reauthenticate(who.id, PASSWORD, purpose=approval_id)
            work.approvals.approve(approval_id, actor=who, proof=proof)

    def state(self, approval_id):
        with self.place.platform.reading() as work:
            return work.approvals.approval(approval_id).state


class ByChat:
    """A tool call in a chat: the model wants it, the application would make it."""

    def __init__(self, world):
        self.world = world

    def call(self, arguments=ROOM, key=ASKER, name="book_room"):
        """Return the request that waits for a person; None where the call passed."""
        call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        self.world.organism.calls = [call]
        body = {"model": "m", "messages": [{"role": "user", "content": "Book a room."}]}
        reply = httpx2.post(f"{self.world.url}/v1/chat/completions", json=body,
                           headers={"Authorization": f"Bearer {self.world.keys[key]}"}).json()  # fmt: skip
        if "jingwei" not in reply:
            assert json.loads(reply["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == arguments
            return None
        assert reply["jingwei"]["decision"] == "hold", reply
        assert "tool_calls" not in reply["choices"][0]["message"]
        return reply["jingwei"]["approval"]


class ByMcp:
    """The same by MCP: the gateway itself carries the call to the tool's server."""

    def __init__(self, world, done):
        self.world = world
        self.done = done

    def call(self, arguments=ROOM, key=ASKER, name="book_room"):
        """Return the request that waits for a person; None where the call was made."""
        before = len(self.done)
        params = {"name": name, "arguments": arguments, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "agent", "version": "1"},
        }}  # fmt: skip
        reply = httpx2.post(
            f"{self.world.url}/mcp/{self.world.system_id}/rooms",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            headers={"Authorization": f"Bearer {self.world.keys[key]}", "MCP-Protocol-Version": "2026-07-28",
                     "Mcp-Method": "tools/call", "Mcp-Name": name,
                     "Accept": "application/json, text/event-stream"},
        ).json()  # fmt: skip
        if "error" not in reply:
            assert reply["result"]["content"][0]["text"] == "booked"
            assert self.done[before:] == [arguments]
            return None
        assert reply["error"]["code"] == HELD_BY_MCP, reply
        assert len(self.done) == before
        return reply["error"]["data"]["approval"]


@pytest.fixture
def rooms():
    """A real MCP server on loopback with one tool; its address, and what was done."""
    server, done = MCPServer("rooms"), []

    @server.tool(description="Book a room.")
    def book_room(room: str, day: str) -> str:
        done.append({"room": room, "day": day})
        return "booked"

    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    serving = uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="error", lifespan="on"))
    serving.install_signal_handlers = lambda: None
    thread = threading.Thread(target=lambda: asyncio.run(serving.serve([bound])))
    thread.start()
    until(lambda: serving.started)
    yield f"http://127.0.0.1:{bound.getsockname()[1]}/mcp", done
    serving.should_exit = True
    thread.join(20)
    bound.close()


@pytest.fixture(params=["chat", "mcp"])
def carrier(request, place, organism, rooms):
    """A way to make one call again and again, in a released System where a person must confirm it."""
    file = place.folder / "system.yaml"
    server = ", server: rooms" if request.param == "mcp" else ""
    written = file.read_text().replace(
        "effect: reversible_write}", f"effect: reversible_write, needs_person: true{server}}}"
    )
    written = written.replace("\nguard:\n", f"\nguard:\n  mcp_servers: [{{name: rooms, url: '{rooms[0]}'}}]\n")
    file.write_text(written)
    place.upstream_url = organism.url
    system_id = place.released()
    keys = {}
    for name, login in ((ASKER, "lin"), (OTHER, "mei")):
        with place.platform.work(place.who(login), "key.make") as work:
            keys[name] = work.registry.make_key(system_id, name, actor=place.who(login)).key
    place.platform.relay.publish()
    with gateway_of(place.platform.settings, clock=place.platform.clock) as url:
        world = World(place, organism, url, system_id, keys)
        until(lambda: httpx2.get(f"{url}/jingwei/ready").status_code == 200)
        yield ByChat(world) if request.param == "chat" else ByMcp(world, rooms[1])


def test_exactly_the_approved_call_passes_and_only_once(carrier):
    world = carrier.world
    asked = carrier.call()
    assert carrier.call()["id"] == asked["id"]
    world.next_round()
    assert world.state(asked["id"]) == "waiting"
    with pytest.raises(Refused) as refused:
        world.approve(asked["id"], "lin")  # whose key it was
    assert refused.value.code == "manage:approve-own-call"
    assert carrier.call()["id"] == asked["id"]
    world.approve(asked["id"], "zhao")
    assert carrier.call()["id"] == asked["id"]  # no snapshot says so yet
    world.next_round()
    assert carrier.call({**ROOM, "day": "Tuesday"})["id"] != asked["id"]
    assert carrier.call(key=OTHER)["id"] != asked["id"]
    assert carrier.call(dict(reversed(ROOM.items()))) is None  # the same arguments in another order
    again = carrier.call()
    assert again["id"] != asked["id"]
    world.next_round()
    assert world.state(asked["id"]) == "used"
    assert world.state(again["id"]) == "waiting"
    assert carrier.call()["id"] == again["id"]


def test_an_approval_that_has_ended_lets_nothing_pass(carrier):
    world = carrier.world
    asked = carrier.call()
    world.next_round()
    world.approve(asked["id"], "zhao")
    world.next_round(minutes=16)
    assert carrier.call()["id"] != asked["id"]
    world.next_round()
    assert world.state(asked["id"]) != "used"


def test_a_snapshot_that_somebody_else_signed_approves_nothing(carrier):
    world = carrier.world
    asked = carrier.call()
    world.next_round()
    world.approve(asked["id"], "zhao")
    settings = world.place.platform.settings
    before = settings.snapshot_path.read_bytes()
    world.keep_up()
    found = read_snapshot(settings.snapshot_path, read_public_key(settings.snapshot_path.parent / PUBLIC_KEY))
    assert found.content.approvals
    write_snapshot(settings.snapshot_path, Snapshot.sealed(found.content, at=found.at, sequence=found.sequence + 1,
                                                           signer=Signer.generate()))  # fmt: skip
    until(lambda: world.health()["problem"] == "snapshot-tampered")
    reply = httpx2.post(f"{world.url}/v1/chat/completions", json={},
                       headers={"Authorization": f"Bearer {world.keys[ASKER]}"})  # fmt: skip
    assert reply.status_code == 503
    assert before != settings.snapshot_path.read_bytes()
