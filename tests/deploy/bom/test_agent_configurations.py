"""What an agent may use: MCP servers, the packages they are started from, skills; no secret leaves the file."""

import json

import pytest

from jingwei.deploy.bom import collect
from jingwei.deploy.bom.agents import bare_address, started_from
from jingwei.deploy.bom.scanner import Options, scan


@pytest.mark.parametrize(
    ("command", "arguments", "name", "version"),
    [
        ("npx", ["-y", "@org/server@1.2.3", "/data"], "@org/server", "1.2.3"),
        ("/usr/bin/npx", ["-y", "server"], "server", ""),
        ("npx", ["-y", "server@latest"], "server", ""),
        ("npx.cmd", ["--package", "real@2.0.0", "bin"], "real", "2.0.0"),
        ("uvx", ["mcp-server-git==1.0", "--repository", "."], "mcp-server-git", "1.0"),
        ("uvx", ["--from", "pkg==2.1", "tool"], "pkg", "2.1"),
        ("uvx", ["pkg@3.0"], "pkg", "3.0"),
        ("pipx", ["run", "pkg"], "pkg", ""),
        ("docker", ["run", "-i", "--rm", "-e", "KEY", "mcp/fetch:1.0"], "mcp/fetch", "1.0"),
        ("docker", ["run", "ghcr.io/a/b@sha256:" + "a" * 64], "ghcr.io/a/b", ""),
    ],
)
def test_a_command_is_the_package_it_fetches(command, arguments, name, version):
    package = started_from(command, arguments)

    assert (package.name, package.version) == (name, version)


@pytest.mark.parametrize(
    ("command", "arguments"), [("python", ["server.py"]), ("npx", []), ("uvx", ["../evil thing"]), ("", [])]
)
def test_what_lies_here_is_no_package(command, arguments):
    assert started_from(command, arguments) is None


@pytest.mark.parametrize("table", ["mcpServers", "servers", "mcp_servers"])
def test_servers_are_listed_without_their_secrets(tmp_path, table):
    servers = {"files": {"command": "npx", "args": ["-y", "srv", "--key", "hidden-1"], "env": {"TOKEN": "hidden-2"}},
               "web": {"url": "https://me:hidden-3@host:8443/mcp?key=hidden-4", "headers": {"Authorization": "hidden-5"}}}  # fmt: skip
    (tmp_path / ".mcp.json").write_text(json.dumps({table: servers}))
    found = {one.name: one for one in collect(str(tmp_path))}

    assert (found["files"].kind, found["files"].facts["environment"]) == ("tool", "TOKEN")
    assert (found["web"].kind, found["web"].facts["endpoint"]) == ("service", "https://host:8443/mcp")
    assert "hidden" not in "".join(one.model_dump_json() for one in found.values())


def test_a_tool_that_floats_is_worth_a_person_s_look(tmp_path):
    servers = {"loose": {"command": "npx", "args": ["srv"]}, "pinned": {"command": "npx", "args": ["srv@1.0.0"]}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    rules = {one.path: [each.rule_id for each in one.findings] for one in scan(str(tmp_path), Options())}

    assert rules == {"loose": ["bom.floating-tool"], "pinned@1.0.0": []}


def test_skills_are_tools_with_what_they_may_use(tmp_path):
    (tmp_path / "pdf").mkdir()
    (tmp_path / "pdf" / "SKILL.md").write_text("---\nname: pdf\nlicense: MIT\nallowed-tools: Read, Bash\n---\nText\n")
    (found,) = collect(str(tmp_path))

    assert (found.kind, found.name, found.licence, found.facts["tools"]) == ("tool", "pdf", "MIT", "Read, Bash")


@pytest.mark.parametrize("content", ["{", "[]", '{"mcpServers": [1]}', '{"mcpServers": {"a": 3}}'])
def test_a_broken_configuration_does_not_stop_the_scan(tmp_path, content):
    (tmp_path / ".mcp.json").write_text(content)
    (tmp_path / "requirements.txt").write_text("a==1\n")

    assert "a" in {one.name for one in collect(str(tmp_path))}


@pytest.mark.parametrize(
    ("address", "bare"),
    [("http://u:p@h:1/x?k=v#f", "http://h:1/x"), ("http://[::1]:80/", "http://[::1]:80/"), ("http://[", "")],
)
def test_an_address_is_kept_without_what_may_be_secret(address, bare):
    assert bare_address(address) == bare
