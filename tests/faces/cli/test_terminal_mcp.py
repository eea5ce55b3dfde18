"""`jingwei mcp` between the real SDK's client and a real server over standard input and output."""

import asyncio
import sys

import pytest
from mcp import MCPError
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from jingwei.core.event import Event

SERVER = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("notes")


@server.tool(description="Read a note.")
def read(name: str) -> str:
    return "note " + name


@server.tool(description="Fetch a web page.")
def fetch(url: str) -> str:
    return "A page."


@server.tool(description="Send a note.")
def send(to: str) -> str:
    return "sent"


@server.tool(description="Delete a note.")
def wipe(name: str) -> str:
    return "wiped"


@server.tool(description="Not for agents.")
def hidden() -> str:
    return "hidden"


server.run()
"""
POLICY = """
tools:
  - {name: read}
  - {name: fetch, reads_untrusted: true}
  - {name: send, effect: reversible_write, sends_outside: true}
  - {name: wipe, effect: irreversible}
"""


@pytest.fixture
def between(tmp_path):
    """How to start the proxy in front of the server."""
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "guard.yaml").write_text(POLICY)
    start = "from jingwei.faces.cli import main; main()"
    return StdioServerParameters(command=sys.executable, args=[
        "-c", start, "mcp", "--policy", str(tmp_path / "guard.yaml"), "--log", str(tmp_path / "log"), "--",
        sys.executable, str(tmp_path / "server.py"),
    ])  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_local_agent_has_only_its_tools_and_no_person_to_ask(between, tmp_path, mode):
    async def go():
        found = []
        async with Client(between, mode=mode) as session:
            names = {each.name for each in (await session.list_tools()).tools}
            for name, arguments in (("read", {"name": "a"}), ("send", {"to": "x"}), ("fetch", {"url": "u"}),
                                    ("send", {"to": "x"}), ("wipe", {"name": "a"}), ("hidden", {})):  # fmt: skip
                try:
                    found.append((await session.call_tool(name, arguments)).content[0].text)
                except MCPError as error:
                    found.append(error.error.data["rule_ids"][0])
        return names, found

    names, found = asyncio.run(go())
    assert names == {"read", "fetch", "send", "wipe"}
    assert found == ["note a", "sent", "A page.", "tool.tainted-send", "tool.irreversible", "tool.not-listed"]
    lines = [line for path in (tmp_path / "log").glob("*.jsonl") for line in path.read_bytes().splitlines()]
    events = [Event.model_validate_json(line) for line in lines]
    assert {event.principal for event in events if event.principal} == {"local"}


def test_a_server_that_cannot_be_started_is_one_clear_error(jingwei, tmp_path):
    (tmp_path / "guard.yaml").write_text(POLICY)
    done = jingwei("mcp", "--policy", tmp_path / "guard.yaml", "--", tmp_path / "none")
    assert done.code == 2
    assert "faces.cli:mcp-not-started" in done.err
