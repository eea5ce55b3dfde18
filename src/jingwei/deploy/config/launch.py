"""How AI servers are started: without a login, open to everyone, with protections switched off."""

import re
from collections.abc import Iterator
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from jingwei.core.finding import Severity
from jingwei.core.package_data import package_data
from jingwei.deploy.config.workload import Command, Note, Reach, Setting, Workload

_ARGUMENTS = re.compile(r"(?i)(^|_)(args?|arguments|opts|options|flags|params|parameters)$")


class Server(BaseModel):
    """One kind of server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    programs: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    """Patterns on a Python script or shell script that starts it."""
    images: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """One of these words makes the program a server."""
    port: int
    flags: dict[str, str] = {}
    environment: dict[str, str] = {}
    everywhere: bool = False
    login: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    """It asks for a login unless one of these is set."""


class Switch(BaseModel):
    """One protection that can be taken away."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    severity: Severity
    flags: dict[str, str] = {}
    variables: dict[str, str] = {}
    programs: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    host_only: bool = False
    beside: str = ""
    """Counts only where this other rule is broken too."""


@lru_cache(maxsize=1)
def servers() -> dict[str, Server]:
    """Return every kind of server by name."""
    return {name: Server.model_validate(entry) for name, entry in package_data(__package__, "servers.yaml").items()}


@lru_cache(maxsize=1)
def switches() -> dict[str, Switch]:
    """Return every switch by rule."""
    return {name: Switch.model_validate(entry) for name, entry in package_data(__package__, "switches.yaml").items()}


def launch_notes(workload: Workload, *, around: dict[str, Setting] | None = None) -> Iterator[Note]:
    """Give what is wrong with what a workload starts.

    Args:
        workload: the workload.
        around: variables that are set for it elsewhere, such as by a file beside it.
    """
    variables = {**(around or {}), **workload.environment}
    extra = list(_arguments(workload))
    yield from _switched(workload, extra)
    for name, server in servers().items():
        found = _started(server, workload)
        if found is None:
            continue
        if extra:
            found = found._replace(words=(*found.words, *(word for each in extra for word in each.words[1:])))
        note = _open(name, server, workload, found, variables)
        if note is not None:
            yield note


def _arguments(workload: Workload) -> Iterator[Command]:
    """Give the flags that an image's entry point takes from its environment: `CLI_ARGS=--listen`."""
    for name, setting in workload.environment.items():
        if _ARGUMENTS.search(name) and setting.value.startswith("-"):
            yield Command((name, *(word.strip("\"'") for word in setting.value.split())), setting.line)


def _started(server: Server, workload: Workload) -> Command | None:
    """Return the command that starts a server, an empty one where the image does by itself."""
    for each in workload.commands:
        named = each.program in server.programs or (each.words and each.words[0] in server.programs)
        named = named or any(re.search(script, word) for script in server.scripts for word in each.words[:2])
        if named and (not server.needs or {word.partition("=")[0] for word in each.words} & set(server.needs)):
            return each
    image = workload.image.value.partition("@")[0] if workload.image is not None else ""
    name = re.sub(r":[^/]*$", "", image)
    default = not workload.commands or all(
        each.words[0].startswith("-") or not _runs(each) for each in workload.commands
    )
    if name and default and any(_is_image(name, one) for one in server.images):
        words = workload.commands[0].words if workload.commands else ()
        at = workload.commands[0].line if workload.commands else workload.image.line if workload.image else 0
        return Command(("", *words), at)
    return None


def _is_image(name: str, wanted: str) -> bool:
    if wanted.endswith("*"):
        return name.rpartition("/")[2].startswith(wanted[:-1])
    return name == wanted or name.endswith(f"/{wanted}")


def _runs(command: Command) -> bool:
    """Tell a program of its own from arguments to the image's entry point."""
    return command.program in {"sh", "bash", "python", "python3", "uvicorn", "gunicorn", "node", "sleep", "tail"}


def _open(
    name: str, server: Server, workload: Workload, command: Command, variables: dict[str, Setting]
) -> Note | None:
    if workload.reach is Reach.INSIDE or not _without_login(server, command, variables):
        return None
    shown = f"{name} :{server.port}"
    unknown = workload.reach is Reach.UNKNOWN
    if workload.reach is Reach.PUBLISHED:
        line: int | None = next((port.line for port in workload.ports if port.public), command.line or workload.line)
    else:
        line = _listens(server, command, variables)
        if line is None and workload.kind == "dockerfile":  # EXPOSE says that it is meant to be reached
            line = next((port.line for port in workload.ports if port.number == server.port), None)
    if line is None or (unknown and not command.words[0]):
        return None
    return Note(f"config.open-{name}", line if line > 0 else command.line, shown, group="open-server", server=name,
                severity="medium" if unknown else "")  # fmt: skip


def _without_login(server: Server, command: Command, variables: dict[str, Setting]) -> bool:
    if server.only:
        return any(_is_set(each, command, variables) for each in server.only)
    for each in server.login:
        if each.startswith("-"):
            if command.flag(each) is not None:
                return False
        elif each in variables and variables[each].value.lower() not in {"", "disabled", "false", "none"}:
            return False
    return True


def _is_set(wanted: str, command: Command, variables: dict[str, Setting]) -> bool:
    name, _, value = wanted.partition("=")
    held = command.flag(name) if name.startswith("-") else variables[name].value if name in variables else None
    return held is not None and held.lower() == value.lower()


def _listens(server: Server, command: Command, variables: dict[str, Setting]) -> int | None:
    """Return the line that makes a server listen beyond this machine, 0 where its default does, or none."""
    closed = False
    given = dict(command.environment)
    for name, pattern in server.flags.items():
        value = command.flag(name)
        if value is not None:
            if re.search(pattern, value.strip("\"'")):
                return command.line
            closed = True
    for name, pattern in server.environment.items():
        setting = Setting(given[name], command.line) if name in given else variables.get(name)
        if setting is not None:
            if re.search(pattern, setting.value.strip("\"'")):
                return setting.line or command.line
            closed = True
    return 0 if server.everywhere and not closed else None


def _switched(workload: Workload, extra: list[Command]) -> Iterator[Note]:
    found: set[str] = set()
    for rule, switch in switches().items():
        if switch.host_only and workload.reach is not Reach.HOST:
            continue
        if switch.beside and switch.beside not in found:
            continue
        if switch.images and not any(
            image in (workload.image.value if workload.image else "") for image in switch.images
        ):
            continue
        note = next(_broken(rule, switch, workload, extra), None)
        if note is not None:
            found.add(rule)
            yield note


def _broken(rule: str, switch: Switch, workload: Workload, extra: list[Command]) -> Iterator[Note]:
    for name, pattern in switch.variables.items():
        setting = workload.environment.get(name)
        if setting is not None and re.search(pattern, setting.value):
            yield Note(rule, setting.line, f"{name}={setting.value}"[:60], switch.group, switch.severity.value)
    for each in (*workload.commands, *extra):
        if switch.programs and not ({each.program} | set(each.words[:2])) & set(switch.programs):
            continue
        for name, value in each.environment:
            if name in switch.variables and re.search(switch.variables[name], value):
                yield Note(rule, each.line, f"{name}={value}"[:60], switch.group, switch.severity.value)
        for name, pattern in switch.flags.items():
            given = each.flag(name)
            if given is not None and re.search(pattern, given):
                yield Note(rule, each.line, f"{name} {given}".strip()[:60], switch.group, switch.severity.value)
