"""What an agent may use, from its configuration: MCP servers with the packages they are started from. None is started.

Values of environment variables, headers and most arguments may be secrets: only their names are kept.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.locks.javascript import npm_package
from jingwei.deploy.bom.reading import Unreadable, as_list, as_mapping, json_of, line_of, text_of, yaml_value

CONFIGURATIONS = frozenset((".mcp.json", "mcp.json", "mcp_config.json", "mcp-config.json", "mcp_settings.json",
                            "cline_mcp_settings.json", "claude_desktop_config.json", "mcp-servers.json"))  # fmt: skip
_TABLES = ("mcpServers", "servers", "mcp_servers", "context_servers")
_NPM = re.compile(r"((?:@[\w.-]+/)?[\w.-]+)(?:@([\w.+-]+))?")
_PYTHON = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[\w,.-]*\])?(?:(?:==|@)([\w.+!-]+))?")
_IMAGE = re.compile(r"([\w./-]+(?::\d+/[\w./-]+)?)(?::([\w.-]+))?(?:@sha256:([0-9a-f]{64}))?")
_RUNNERS = {"npx": "npm", "bunx": "npm", "pnpx": "npm", "uvx": "pypi", "pipx": "pypi", "docker": "oci", "podman": "oci"}
_SKILL_FRONT = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)\r?\n---", re.DOTALL)
_VALUED = frozenset(
    ("--from", "--with", "--python", "-p", "--package", "-e", "-v", "--env", "--volume", "--name", "--network")
)


def mcp_servers(path: Path) -> Iterator[Component]:
    """Give every MCP server that a configuration names.

    Raises:
        Unreadable: it cannot be read.
    """
    value = as_mapping(json_of(path))
    tables = [as_mapping(value.get(name)) for name in _TABLES]
    tables.append(as_mapping(as_mapping(value.get("mcp")).get("servers")))
    for table in tables:
        for name, raw in table.items():
            entry = as_mapping(raw)
            if {"command", "url", "serverUrl", "httpUrl"} & set(entry):
                yield from _server(line_of(name), entry)


def _server(name: str, entry: dict[str, object]) -> Iterator[Component]:
    variables = ", ".join(sorted(line_of(each, 60) for each in as_mapping(entry.get("env"))))
    address = line_of(entry.get("url") or entry.get("serverUrl") or entry.get("httpUrl"), 500)
    if address:
        facts = {"endpoint": bare_address(address), "protocol": "mcp"} | (
            {"environment": variables} if variables else {}
        )
        yield Component(kind="service", name=name, facts=facts)
        return
    command = line_of(entry.get("command"))
    arguments = [line_of(each) for each in as_list(entry.get("args"))]
    facts = {"command": PurePosixPath(command).name, "protocol": "mcp"} | (
        {"environment": variables} if variables else {}
    )
    package = started_from(command, arguments)
    if package is None:
        yield Component(kind="tool", name=name, facts=facts)
        return
    yield Component(kind="tool", name=name, version=package.version, purl=package.package_url, sha256=package.sha256,
                    facts=facts | {"package": package.name} | package.facts)  # fmt: skip


def started_from(command: str, arguments: Sequence[str]) -> Component | None:
    """Return the package that a command fetches and runs; none where it runs something that lies here."""
    runner = _RUNNERS.get(PurePosixPath(command.replace("\\", "/")).name.removesuffix(".exe").removesuffix(".cmd"), "")
    words = list(arguments)
    if not runner and command.endswith("uv") and words[:1] in (["x"], ["tool"]):
        runner, words = "pypi", words[1:]
    named = next((words[at + 1] for at, each in enumerate(words[:-1]) if each in {"--from", "--package", "-p"}), "")
    plain = [
        each for at, each in enumerate(words) if not each.startswith("-") and (at == 0 or words[at - 1] not in _VALUED)
    ]
    plain = [each for each in plain if each not in {"run", "exec", "dlx"}]
    target = named or (plain[0] if plain else "")
    if runner == "npm" and (found := _NPM.fullmatch(target)):
        return npm_package(found[1], found[2] or "")
    if runner == "pypi" and (found := _PYTHON.fullmatch(target)):
        version = found[2] if found[2] and found[2] != "latest" else ""
        return Component(kind="library", name=found[1], version=version or "")
    if runner == "oci" and (found := _IMAGE.fullmatch(target)):
        version = "" if found[2] in {None, "latest"} else found[2]
        name = found[1].rpartition("/")[2]
        return Component(kind="library", name=found[1], version=version, sha256=found[3] or "",
                         purl=package_url("oci", name, version))  # fmt: skip
    return None


def bare_address(address: str) -> str:
    """Return an address without user, password, query and fragment, where keys are kept."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else (parts.hostname or "")
    return f"{parts.scheme}://{host}{port}{parts.path}"


def skill(path: Path) -> Iterator[Component]:
    """Give the agent skill that a SKILL.md describes.

    Raises:
        Unreadable: it cannot be read.
    """
    found = _SKILL_FRONT.match(text_of(path, 1024 * 1024))
    try:
        said = as_mapping(yaml_value(found[1])) if found else {}
    except Unreadable:
        said = {}
    metadata = as_mapping(said.get("metadata"))
    allowed = said.get("allowed-tools")
    tools = allowed if isinstance(allowed, str) else ", ".join(line_of(each) for each in as_list(allowed))
    facts = {"protocol": "skill", "tools": line_of(tools)} if tools else {"protocol": "skill"}
    yield Component(kind="tool", name=line_of(said.get("name")) or path.resolve().parent.name,
                    version=line_of(metadata.get("version") or said.get("version")),
                    licence=line_of(said.get("license")), facts=facts)  # fmt: skip
