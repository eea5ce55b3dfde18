"""What an image's configuration and contents say: its user, what it starts, its secrets, files with extra rights."""

import re
from collections.abc import Iterator
from typing import Any

from jingwei.deploy.code.secrets import secrets
from jingwei.deploy.config.examine import examine, judged
from jingwei.deploy.config.layers import Contents, Kept
from jingwei.deploy.config.secrets import secret_named
from jingwei.deploy.config.words import command
from jingwei.deploy.config.workload import Note, Port, Setting, Workload, is_port

_USUAL_SETUID = re.compile(
    r"(^|/)(su|sudo|passwd|chsh|chfn|newgrp|gpasswd|mount|umount|ping6?|ssh-keysign|pkexec|fusermount3?|unix_chkpwd"
    r"|pam_timestamp_check|dbus-daemon-launch-helper|polkit-agent-helper-1|bwrap|expiry|chage|newuidmap|newgidmap|doas"
    r"|busybox|bbsuid|crontab|at)$"
)
_OWN_CONFIGURATION = re.compile(r"^(etc/nginx/|app/|opt/|srv/|home/|root/|workspace/|[^/]+\.sh$|entrypoint|start)")
_MOST = 200


def judge_configuration(configuration: dict[str, Any]) -> Iterator[Note]:  # Any: JSON of an image
    """Give what is wrong with what an image starts and holds in its configuration."""
    held = configuration.get("config")
    if not isinstance(held, dict):
        return
    workload = Workload("dockerfile")
    for each in _texts(held.get("Env")):
        name, _, value = each.partition("=")
        workload.environment[name] = Setting(value)
    exposed = held.get("ExposedPorts")
    for each in exposed if isinstance(exposed, dict) else {}:
        number = str(each).partition("/")[0]
        if is_port(number):
            workload.ports.append(Port("", int(number)))
    words = [*_texts(held.get("Entrypoint")), *_texts(held.get("Cmd"))]
    workload.commands = list(command(words, line=0)) if words else []
    user = str(held.get("User") or "").partition(":")[0]
    if user in {"", "root", "0"} and words:
        yield Note("config.root-user", 0, f"User: {user or 'root'}", severity="" if user else "low")
    yield from judged(workload)
    history = configuration.get("history")
    for each in history[:2000] if isinstance(history, list) else []:
        said = str(each.get("created_by", "")) if isinstance(each, dict) else ""
        for match in re.finditer(r"(?:ARG |\|\d+ |\s)([A-Za-z_]\w*)=(\S+)", said[:4000]):
            if match[1] not in workload.environment and secret_named(match[1], match[2]):
                yield Note("config.secret-in-build", 0, match[1])


def _texts(value: Any) -> list[str]:  # Any: JSON of an image
    return [str(each) for each in value] if isinstance(value, list) else []


def judge_contents(contents: Contents) -> Iterator[Note]:
    """Give what is wrong with the files; what lies at a path is marked so that the path is told with it."""
    for path in contents.outside[:_MOST]:
        yield Note("config.image-traversal", 0, f"{path}\0at")
    for path in contents.devices[:_MOST]:
        yield Note("config.image-device", 0, f"{path}\0at")
    for path in sorted(contents.setuid)[:_MOST]:
        if not _USUAL_SETUID.search(path):
            yield Note("config.setuid", 0, f"{path}\0at")
    told: set[str] = set()
    for kept in contents.deleted[: _MOST * 5]:
        if kept.path not in told and _holds_secret(kept):
            told.add(kept.path)
            yield Note("config.deleted-secret", 0, f"{kept.path}\0at")
    for kept in list(contents.files.values()):
        if kept.path not in told and _holds_secret(kept):
            yield Note("config.secret-in-build", 0, f"{kept.path}\0at")
    yield from _configured(contents)


def _holds_secret(kept: Kept) -> bool:
    text = kept.content.decode("utf-8", errors="replace")
    if "\0" in text[:1000]:
        return False
    found = list(secrets(text, name=kept.path))
    if kept.path.endswith((".pem", ".crt", ".cer")) and "PRIVATE KEY" not in text:
        return False
    return any(each.severity.rank >= 3 for each in found)


def _configured(contents: Contents) -> Iterator[Note]:
    """Look at the configuration files that lie in the image."""
    count = 0
    for kept in contents.files.values():
        if not _OWN_CONFIGURATION.match(kept.path) or count >= _MOST:
            continue
        read = examine(kept.path, kept.content.decode("utf-8", errors="replace"))
        if read is not None and read.kind in {"nginx", "script", "litellm", "jupyter", "properties"}:
            count += 1
            yield from (
                Note(each.rule, each.line, f"{kept.path}\0at", each.group, each.severity, each.server)
                for each in read.notes
            )
