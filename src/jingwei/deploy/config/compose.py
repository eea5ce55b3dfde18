"""Compose files: each service as a workload, and what the container is allowed to do."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from jingwei.deploy.config.container import Container, container_notes
from jingwei.deploy.config.dockerfile import tag_notes
from jingwei.deploy.config.words import command
from jingwei.deploy.config.workload import Note, Port, Reach, Setting, Workload, is_port
from jingwei.deploy.config.yaml_tree import Items, Table

_INTERPOLATED = re.compile(r"\$\{(\w+)(?::?-([^}]*))?[^}]*\}|\$(\w+)")


def is_compose(document: Any) -> bool:  # Any: a parsed YAML document
    """Tell whether a document is a compose file."""
    services = document.get("services") if isinstance(document, Table) else None
    return isinstance(services, Table) and any(
        isinstance(each, Table) and ({"image", "build", "extends"} & set(each)) for each in services.values()
    )


def read_compose(document: Table, variables: dict[str, str]) -> Iterator[tuple[Workload, list[Note]]]:
    """Give each service with what is wrong with its container.

    Args:
        document: the parsed file.
        variables: what the `.env` file beside it sets.
    """
    services = document.table("services")
    for name, service in services.items():
        if isinstance(service, Table):
            workload = _workload(name, service, services.at(name), variables)
            yield workload, list(_notes(service, workload))


def filled(value: str, variables: dict[str, str]) -> str:
    """Return a text with its variables filled in where they are known."""

    def known(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        return variables.get(name, match[2] if match[2] is not None else match[0])

    return _INTERPOLATED.sub(known, value)


def _workload(name: str, service: Table, line: int, variables: dict[str, str]) -> Workload:
    image = service.text("image")
    workload = Workload("compose", name, line, image=Setting(filled(image, variables), service.at("image")))
    if "user" in service:
        workload.user = Setting(service.text("user").split(":")[0], service.at("user"))
    workload.environment = {
        key: Setting(filled(setting.value, variables), setting.line)
        for key, setting in environment(service, "environment")
    }
    words = [each for key in ("entrypoint", "command") for each in _words(service.get(key))]
    at = service.at("command") if "command" in service else service.at("entrypoint")
    workload.commands = list(command([filled(each, variables) for each in words], line=at)) if words else []
    workload.ports = list(_ports(service, variables))
    host = service.text("network_mode") == "host"
    public = any(port.public for port in workload.ports)
    workload.reach = Reach.HOST if host else Reach.PUBLISHED if public else Reach.INSIDE
    return workload


def environment(owner: Table, key: str) -> Iterator[tuple[str, Setting]]:
    """Give environment variables, written as a mapping or as a list."""
    held = owner.get(key)
    if isinstance(held, Table):
        for name, value in held.items():
            yield name, Setting("" if value is None else str(value), held.at(name))
    elif isinstance(held, Items):
        for place, each in enumerate(held):
            if isinstance(each, str):
                name, equals, value = each.partition("=")
                if equals:
                    yield name, Setting(value, held.at(place))


def _words(value: Any) -> list[str]:  # Any: a YAML value
    if isinstance(value, Items):
        return [str(each) for each in value]
    if not isinstance(value, str):
        return []
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def _ports(service: Table, variables: dict[str, str]) -> Iterator[Port]:
    held = service.items_of("ports")
    for place, each in enumerate(held):
        if isinstance(each, Table):
            if is_port(each.text("target")) and (each.text("published") or each.text("mode") == "host"):
                yield Port(each.text("host_ip"), int(each.text("target")), each.line)
            continue
        text = filled(str(each), variables).partition("/")[0]
        parts = re.split(r":(?![^\[]*\])", text)
        inside = parts[-1].partition("-")[0]
        if is_port(inside):
            yield Port(parts[0] if len(parts) == 3 else "", int(inside), held.at(place))


def _notes(service: Table, workload: Workload) -> Iterator[Note]:
    image = service.text("image")
    if image and "build" not in service and "$" not in (workload.image.value if workload.image else ""):
        yield from tag_notes(workload.image.value if workload.image else "", service.at("image"))
    security = [str(each) for each in service.items_of("security_opt")]
    limits = service.table("deploy").table("resources").table("limits")
    mounts = []
    held = service.items_of("volumes")
    for place, each in enumerate(held):
        source = each.text("source") if isinstance(each, Table) else str(each).partition(":")[0]
        read_only = bool(each.get("read_only")) if isinstance(each, Table) else str(each).endswith(":ro")
        mounts.append((source, read_only, held.at(place)))
    yield from container_notes(
        Container(
            line=workload.line,
            privileged=_at(service, "privileged"),
            host_network=service.at("network_mode") if service.text("network_mode") == "host" else 0,
            host_processes=service.at("pid") if service.text("pid") == "host" else 0,
            added=tuple((str(each), service.at("cap_add")) for each in service.items_of("cap_add")),
            unconfined=service.at("security_opt") if any("unconfined" in each for each in security) else 0,
            mounts=tuple(mounts),
            user=workload.user,
            limited=bool({"memory"} & set(limits)) or "mem_limit" in service,
        )
    )


def _at(service: Table, key: str) -> int:
    return service.at(key) if service.get(key) is True else 0
