"""systemd units, environment files, shell scripts and cloud-init: what a machine itself starts."""

import re
from collections.abc import Iterator

from jingwei.deploy.config.container import Container, container_notes
from jingwei.deploy.config.dockerfile import tag_notes
from jingwei.deploy.config.words import command, commands, expanded
from jingwei.deploy.config.workload import Command, Note, Port, Reach, Setting, Workload, is_port
from jingwei.deploy.config.yaml_tree import Items, Table

_PIPED = re.compile(r"(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b|(ba)?sh\s+<\(\s*(curl|wget)")
_MOST_LINES = 50_000


def read_unit(text: str) -> tuple[Workload, list[Note]] | None:
    """Read a systemd unit; none where it is no service."""
    settings = list(_settings(text))
    if not any(name.startswith("Exec") for name, _, _ in settings):
        return None
    workload = Workload("systemd", reach=Reach.HOST)
    hardened = 0
    for name, value, line in settings:
        if name.startswith("Exec"):
            workload.commands += command(_split(value.lstrip("-@+!:")), line=line)
        elif name == "Environment":
            for word in _split(value):
                key, _, held = word.partition("=")
                workload.environment[key] = Setting(held, line)
        elif name == "User":
            workload.user = Setting(value, line)
        elif name in {"DynamicUser", "NoNewPrivileges", "ProtectSystem", "PrivateTmp", "ProtectHome"}:
            hardened += value.lower() in {"yes", "true", "1", "strict", "full", "on", "read-only"}
            workload.user = Setting("dynamic", line) if name == "DynamicUser" and hardened else workload.user
    first = next((each.line for each in workload.commands), 1)
    notes = []
    if workload.user is None or workload.user.value in {"root", "0"}:
        line = workload.user.line if workload.user is not None else first
        notes.append(Note("config.root-service", line, "User", severity="low" if hardened >= 2 else ""))
    return workload, notes


def read_drop_in(text: str) -> Workload:
    """Read what is added to a unit that stands elsewhere."""
    workload = Workload("systemd", reach=Reach.HOST)
    for name, value, line in _settings(text):
        if name == "Environment":
            for word in _split(value):
                key, _, held = word.partition("=")
                workload.environment[key] = Setting(held, line)
        elif name.startswith("Exec"):
            workload.commands += command(_split(value.lstrip("-@+!:")), line=line)
    return workload


def _settings(text: str) -> Iterator[tuple[str, str, int]]:
    held, first = "", 0
    for number, raw in enumerate(text.splitlines()[:_MOST_LINES], 1):
        line = raw.strip()
        if not held and (not line or line.startswith(("#", ";", "["))):
            continue
        first = first if held else number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        name, _, value = (held + line).partition("=")
        held = ""
        yield name.strip(), value.strip()[:8000], first


def _split(value: str) -> list[str]:
    return [each.strip("\"'") if not re.match(r"\w+=", each) else re.sub(r"=[\"'](.*)[\"']$", r"=\1", each)
            for each in re.findall(r"(?:[^\s\"']|\"[^\"]*\"|'[^']*')+", value)]  # fmt: skip


def read_environment(text: str, *, reach: Reach = Reach.UNKNOWN) -> Workload:
    """Read a file of `NAME=value` lines."""
    workload = Workload("environment", reach=reach)
    for number, raw in enumerate(text.splitlines()[:_MOST_LINES], 1):
        match = re.match(r"\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*=\s*(.*?)\s*$", raw)
        if match and not raw.lstrip().startswith("#"):
            value = match[2]
            if value[:1] in {'"', "'"} and value[0] in value[1:]:
                value = value[1 : value.index(value[0], 1)]
            else:
                value = re.sub(r"\s+#.*$", "", value)
            workload.environment[match[1]] = Setting(value, number)
    return workload


def read_script(text: str, *, line: int = 1) -> Iterator[tuple[Workload, list[Note]]]:
    """Give what a shell script starts: itself, and each container it runs."""
    host = Workload("script", reach=Reach.HOST, line=line)
    notes = []
    for number, raw in enumerate(text.splitlines()[:_MOST_LINES]):
        match = None if raw.lstrip().startswith("#") else _PIPED.search(raw[:4000])
        if match:
            notes.append(Note("config.piped-install", line + number, match.group()[:80]))
    variables: dict[str, str] = {}
    for raw_command in commands(text, line=line):
        each = expanded(raw_command, variables)
        variables |= dict(each.environment) if each.words == ("export",) else {}
        notes += _weakened(each)
        container = _docker_run(each)
        if container is not None:
            yield container
            continue
        host.commands.append(each)
        for name, value in each.environment:
            host.environment[name] = Setting(value, each.line)
    yield host, notes


def _weakened(each: Command) -> Iterator[Note]:
    """What a script takes away from the machine's protection."""
    shown = " ".join(each.words)[:80]
    if each.program == "chmod" and any(re.fullmatch(r"0?777|(a|ugo)?\+rwx|a=rwx", word) for word in each.words[1:3]):
        yield Note("config.world-writable", each.line, shown)
    elif _FIREWALL.match(" ".join((each.program, *each.words[1:]))):
        yield Note("config.firewall-off", each.line, shown)


_FIREWALL = re.compile(
    r"ufw (--force )?(disable|reset)\b|systemctl (-\S+ )*(stop|disable|mask) (-\S+ )*(ufw|firewalld|nftables)\b"
    r"|service (ufw|firewalld|iptables) stop|iptables (-F|--flush)( INPUT)?$|iptables -P INPUT ACCEPT|nft flush ruleset"
    r"|setenforce 0|Set-NetFirewallProfile .*False"
)
_WITH_VALUE = re.compile(
    r"-(e|p|v|u|w|h|l|m|c)$|--(env|publish|volume|user|name|network|net|mount|env-file|restart|gpus|shm-size|memory|cpus"
    r"|entrypoint|cap-add|cap-drop|security-opt|pid|ipc|hostname|workdir|label|add-host|ulimit|device|runtime|platform"
    r"|log-driver|log-opt|pull|dns)$"
)


def _docker_run(each: Command) -> tuple[Workload, list[Note]] | None:
    """Read a `docker run` as the container it starts."""
    words = list(each.words)
    if each.program not in {"docker", "podman", "nerdctl"} or "run" not in words[1:3]:
        return None
    given: dict[str, list[str]] = {}
    place = words.index("run") + 1
    while place < len(words) and words[place].startswith("-"):
        name, equals, value = words[place].partition("=")
        if not equals and _WITH_VALUE.match(name):
            place += 1
            value = words[place] if place < len(words) else ""
        elif not equals and re.match(r"-[pev].+", name) and not name.startswith("--"):
            name, value = name[:2], name[2:]
        given.setdefault(name, []).append(value)
        place += 1
    rest = words[place:]
    if not rest:
        return None
    return _run_as_workload(given, rest, each.line)


def _run_as_workload(given: dict[str, list[str]], rest: list[str], line: int) -> tuple[Workload, list[Note]]:
    workload = Workload("script", rest[0], line, image=Setting(rest[0], line))
    for held in [*given.get("-e", []), *given.get("--env", [])]:
        name, _, value = held.partition("=")
        workload.environment[name] = Setting(value, line)
    for held in [*given.get("-p", []), *given.get("--publish", [])]:
        parts = held.partition("/")[0].split(":")
        if is_port(parts[-1]):
            workload.ports.append(Port(parts[0] if len(parts) == 3 else "", int(parts[-1]), line))
    words = [*given.get("--entrypoint", []), *rest[1:]]
    workload.commands = list(command(words, line=line)) if words else []
    network = [*given.get("--network", []), *given.get("--net", [])]
    public = any(port.public for port in workload.ports)
    workload.reach = Reach.HOST if "host" in network else Reach.PUBLISHED if public else Reach.INSIDE
    mounts = [
        (held.partition(":")[0], held.endswith(":ro"), line)
        for held in [*given.get("-v", []), *given.get("--volume", [])]
    ]
    container = Container(
        line=line, privileged=line if "--privileged" in given else 0, host_network=line if "host" in network else 0,
        host_processes=line if "host" in given.get("--pid", []) else 0, mounts=tuple(mounts), limited=True,
        added=tuple((held, line) for held in given.get("--cap-add", [])),
        unconfined=line if any("unconfined" in held for held in given.get("--security-opt", [])) else 0,
    )  # fmt: skip
    return workload, [*tag_notes(rest[0], line), *container_notes(container)]


def read_cloud_init(document: Table) -> Iterator[tuple[Workload, list[Note]]]:
    """Give what a cloud-init file runs, writes and allows."""
    yield Workload("cloud-init", reach=Reach.HOST), list(_access(document))
    for key in ("bootcmd", "runcmd"):
        held = document.items_of(key)
        for place, each in enumerate(held):
            if isinstance(each, Items):
                words = list(command(list(each), line=held.at(place)))
                yield Workload("cloud-init", reach=Reach.HOST, commands=words), []
            elif isinstance(each, str):
                yield from read_script(each, line=held.at(place))


def _access(document: Table) -> Iterator[Note]:
    if document.get("ssh_pwauth") is True:
        yield Note("config.password-login", document.at("ssh_pwauth"), "ssh_pwauth: true")
    if document.get("disable_root") is False:
        yield Note("config.root-login", document.at("disable_root"), "disable_root: false")
    if "password" in document:
        hidden = document.text("password")
        yield Note("config.secret-in-environment", document.at("password"), "password", hidden=hidden)
    chpasswd = document.table("chpasswd")
    held = chpasswd.get("list")
    pairs = held.splitlines() if isinstance(held, str) else [each for each in held or () if isinstance(each, str)]
    given = [(each.partition(":")[0], each.partition(":")[2], chpasswd.at("list")) for each in pairs]
    given += [(one.text("name"), one.text("password"), one.at("password"))
              for one in chpasswd.items_of("users").tables()]  # fmt: skip
    for name, hidden, line in given:
        if hidden and hidden not in {"R", "RANDOM"} and not hidden.startswith("$"):
            yield Note("config.secret-in-environment", line, f"chpasswd: {name}", hidden=hidden)
    for user in document.items_of("users").tables():
        if "plain_text_passwd" in user:
            hidden = user.text("plain_text_passwd")
            yield Note("config.secret-in-environment", user.at("plain_text_passwd"), "plain_text_passwd", hidden=hidden)
