"""Servers in a client's configuration: what is started, from where, with which secrets, and what they do together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from jingwei.core.canonical import Json
from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.agents.documents import Server
from jingwei.deploy.agents.findings import Notes
from jingwei.detect.pattern_detector import secrets

_SHORTEST_SECRET = 12
_MOST_WORDS = 400
_PIN = re.compile(
    r"(?:@|==)(?!latest\b|next\b|beta\b|main\b|master\b|\^|~|\*|>)"
    r"v?\d[\w.+-]*$|@sha256:[0-9a-f]{16,}|[#@][0-9a-f]{7,40}$"
)
_LOOSE = re.compile(r"(?:@|==)(?:latest|next|beta|main|master|[\^~*>])")


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:  # Any: tables of several shapes, each used in one place
    return package_data(__package__, "servers.yaml")  # type: ignore[no-any-return]


def judge_server(server: Server, notes: Notes) -> None:
    """Note what is dangerous in how one server is started or called."""
    raw = server.raw
    words = [_text(raw.get("command")), *(_text(each) for each in _list(raw.get("args"))[:_MOST_WORDS])]
    parts = [part for word in words[:1] for part in word.split()] + words[1:]
    if parts:
        _command(parts, notes)
        _package(parts, notes)
        _scope(parts, notes)
    _surroundings(raw, notes)
    _address(raw, notes)
    _approval(raw, notes)


def _text(value: Json) -> str:
    return value[:20_000] if isinstance(value, str) else "" if value is None else str(value)[:200]


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []


def _command(parts: list[str], notes: Notes) -> None:
    name = PurePath(parts[0].replace("\\", "/")).name.lower()
    whole = " ".join(parts)
    if re.search(r"\b(?:curl|wget|irm|iwr|invoke-webrequest)\b[^|\n]*\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|\biex\b|"
                 r"base64\s+(?:-d|--decode)[^|\n]*\||(?:bash|sh|eval)\s+[^\n]*(?:<\(|\$\()\s*(?:curl|wget)|/dev/tcp/|"
                 r"-enc(?:odedcommand)?\s", whole, re.IGNORECASE):  # fmt: skip
        notes.find("starts-remote-code", seen=whole)
    elif name in _data()["shells"] and any(
        flag in {"-c", "/c", "-command", "-lc"} for flag in map(str.lower, parts[1:3])
    ):
        joined = re.search(r"[;&|`]|\$\(", " ".join(parts[2:]))
        notes.find("starts-shell", seen=whole, severity=Severity.MEDIUM if joined else Severity.LOW)
    if re.match(r"^(?:/tmp|/var/tmp|/dev/shm|%temp%|~?/downloads)\b", parts[0], re.IGNORECASE):
        notes.find("starts-from-temporary", seen=parts[0])


def _package(parts: list[str], notes: Notes) -> None:
    name = PurePath(parts[0].replace("\\", "/")).name.lower().removesuffix(".cmd").removesuffix(".exe")
    runner = _data()["runners"].get(name)
    if runner is None:
        return
    for flag, value in zip(parts, [*parts[1:], ""], strict=True):
        if flag.split("=")[0] in _data()["registry_flags"] and "://" in (flag + value):
            notes.find("foreign-registry", seen=f"{flag} {value}")
    package = _named(parts, runner)
    if package:
        _pinned(package, runner, notes)
        _known(package, notes)


def _pinned(package: str, runner: str, notes: Notes) -> None:
    if runner == "image":
        if not re.search(r":[\w.-]*\d|@sha256:", package):
            notes.find("not-pinned", seen=package)
    elif re.match(r"(?:git\+|https?://|github:|gist:)", package):
        if not _PIN.search(package):
            notes.find("not-pinned", seen=package, severity=Severity.MEDIUM)
        if package.startswith(("http://", "git+http://")):
            notes.find("plain-address", seen=package)
    elif not _PIN.search(package) or _LOOSE.search(package):
        notes.find("not-pinned", seen=package)


def _known(package: str, notes: Notes) -> None:
    bare = re.sub(r"(?<=.)(?:@|==|\[).*$", "", package).lower()
    near = next((known for known in _data()["known"] if known != bare and _one_away(known, bare)), "")
    if near and bare not in _data()["known"]:
        notes.find("lookalike-package", seen=bare, known=near)


def _named(parts: list[str], runner: str) -> str:
    """Return the package or image that a runner is asked for."""
    taking = {"-v", "--volume", "-e", "--env", "--mount", "-p", "--publish", "--network", "--name", "-w", "--workdir",
              "--env-file", "-u", "--user", "--index-url", "--registry", "--extra-index-url", "--python",
              "--add-host"}  # fmt: skip
    skipping = {"run", "dlx", "exec", "tool", "x", "create", "-y", "--yes", "--"}
    rest = iter(parts[1:])
    for part in rest:
        if part in {"--from", "--package", "-p"} and runner != "image":
            return next(rest, "")
        if part in taking:
            next(rest, "")
        elif part.startswith("--from="):
            return part.partition("=")[2]
        elif not part.startswith("-") and part not in skipping:
            return part
    return ""


def _one_away(one: str, other: str) -> bool:
    """Tell whether two names differ by one letter: changed, left out, put in, or two changed about; or by a sign."""
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < 6:
        return False
    plain = [re.sub(r"[-_.]", "", each) for each in (one, other)]
    if plain[0] == plain[1]:
        return True
    first = next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
    left, right = one[first:], other[first:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


def _scope(parts: list[str], notes: Notes) -> None:
    whole = " ".join(parts)
    if re.search(
        r"--privileged\b|docker\.sock|(?:-v|--volume[ =])\s?/:|--pid[ =]host|--cap-add[ =](?:ALL|SYS_ADMIN)|source=/,",
        whole,
    ):
        notes.find("container-escape", seen=whole)
    broad = re.compile(_data()["broad_paths"])
    for part in parts[1:]:
        if broad.match(part):
            notes.find("broad-path", seen=part)
    if re.search(
        r"--(?:dangerously[-\w]*|no-sandbox|allow-all|yolo|unsafe[-\w]*|disable-security|skip-permissions)\b",
        whole,
    ):
        notes.find("safety-off", seen=whole)
    if re.search(r"(?:--host|--bind|-H)[ =]\s?0\.0\.0\.0|0\.0\.0\.0:\d", whole):
        notes.find("listens-everywhere", seen=whole)


def _surroundings(raw: Mapping[str, Json], notes: Notes) -> None:
    data = _data()
    environment = raw.get("env") if isinstance(raw.get("env"), Mapping) else raw.get("environment")
    held = dict(environment) if isinstance(environment, Mapping) else {}
    for name, value in held.items():
        written = _text(value)
        if any(re.search(pattern, name) for pattern in data["loaders"]) and written:
            grave = Severity.MEDIUM if name in {"PYTHONPATH", "NODE_OPTIONS"} and "require" not in written else None
            notes.find("loads-code", seen=f"{name}={written}", name=name, severity=grave)
        if name in data["trusts"] and re.search(data["trusts"][name], written):
            notes.find("trust-off", seen=f"{name}={written}", name=name)
        if any(re.search(pattern, name) for pattern in data["registries"]):
            notes.find("foreign-registry", seen=f"{name}={written}")
    headers = raw.get("headers")
    for where, values in (("env", held), ("headers", headers if isinstance(headers, Mapping) else {})):
        for name, value in values.items():
            _secret(f"{where}.{name}", name, _text(value), notes)
    arguments = [_text(each) for each in _list(raw.get("args"))[:_MOST_WORDS]]
    for before, each in zip(["", *arguments], arguments, strict=False):
        flag, _, value = each.partition("=")
        _secret("args", flag if value else before, value or each, notes)


def _secret(where: str, name: str, value: str, notes: Notes) -> None:
    bare = re.sub(r"^(?:Bearer|Basic|Token)\s+", "", value)
    if len(bare) < _SHORTEST_SECRET or re.search(_data()["placeholder"], bare):
        return
    sure = bool(secrets().scan(f"{name}={bare}"))
    varied = re.search(r"\d", bare) and re.search(r"[A-Za-z]", bare)
    if sure or (re.search(_data()["secret_names"], name) and varied and not re.search(r"\s", bare)):
        severity = Severity.HIGH if sure else Severity.MEDIUM
        notes.find("secret-written", where, seen=f"{name}={bare[:3]}****", name=name, severity=severity)


def _address(raw: Mapping[str, Json], notes: Notes) -> None:
    for key in ("url", "serverUrl", "httpUrl", "endpoint"):
        address = _text(raw.get(key))
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:
            notes.find("odd-address", seen=address)
            continue
        if not host:
            continue
        if parts.scheme in {"http", "ws"} and not _is_here(host):
            notes.find("plain-address", seen=address)
        if (
            parts.username
            or parts.password
            or re.search(r"[?&](?:[\w-]*(?:token|key|secret|password))=[^&$<{]{8,}", address, re.IGNORECASE)
        ):
            notes.find("secret-written", key, seen=f"{host}/****", name=key)
    scopes = _text(raw.get("scopes")) + _text(raw.get("scope")) + str(raw.get("oauth") or "")[:2_000]
    if re.search(r"(?:^|['\"\s\[:,/])(?:\*|[\w.:/-]*[:./]\*|admin(?::\w+)?|full_access|all)(?:$|['\"\s\],])", scopes):
        notes.find("wide-scope", seen=scopes)


def _is_here(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".internal", ".local")) or "." not in host
    return address.is_loopback or address.is_private


def _approval(raw: Mapping[str, Json], notes: Notes) -> None:
    for key in _data()["approve_all"]:
        value = raw.get(key)
        if value is True or (isinstance(value, list) and "*" in value):
            notes.find("approves-all", seen=f"{key}: {value}")
    for key in _data()["trust_all"]:
        if raw.get(key) is True:
            notes.find("approves-all", seen=f"{key}: true")


def judge_config(servers: Sequence[Server], notes: Notes) -> None:
    """Note what the servers of one configuration can do together: read what strangers write, read secrets, send out."""
    roles = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _data()["roles"].items()}
    held: dict[str, set[str]] = {name: set() for name in roles}
    for server in servers:
        words = " ".join([server.name, _text(server.raw.get("command")), *map(_text, _list(server.raw.get("args"))),
                          _text(server.raw.get("url"))])  # fmt: skip
        for name, pattern in roles.items():
            if pattern.search(words):
                held[name].add(server.name)
    together = set().union(*held.values())
    if all(held.values()) and len(together) > 1:
        shown = "; ".join(f"{name}: {', '.join(sorted(found))}" for name, found in held.items())
        notes.find("toxic-flow", seen=shown)
    for name, twice in _alike(servers):
        notes.find("name-twice", seen=twice, other=name)


def _alike(servers: Sequence[Server]) -> Iterator[tuple[str, str]]:
    known: dict[str, str] = {}
    for server in servers:
        plain = re.sub(r"[_\-\s.]", "", server.name).casefold()
        other = known.setdefault(plain, server.name)
        if other != server.name:
            yield other, server.name
