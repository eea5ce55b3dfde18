"""One configuration file: its kind, what it starts and allows, and what is wrong with that."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from jingwei.deploy.config.cloud import is_policy, policy_notes, resource_notes, resources
from jingwei.deploy.config.compose import is_compose, read_compose
from jingwei.deploy.config.dockerfile import read_dockerfile
from jingwei.deploy.config.kinds import kind_of
from jingwei.deploy.config.kubernetes import is_kubernetes, read_objects, unknown_kinds
from jingwei.deploy.config.launch import launch_notes
from jingwei.deploy.config.nginx import BrokenError, nginx_notes, read_nginx
from jingwei.deploy.config.secrets import is_default, secret_named
from jingwei.deploy.config.terraform import read_terraform
from jingwei.deploy.config.units import read_cloud_init, read_drop_in, read_environment, read_script, read_unit
from jingwei.deploy.config.workload import Command, Note, Reach, Setting, Workload
from jingwei.deploy.config.yaml_tree import Items, Table, TooMuchError, documents

_STORES = {
    5432: "PostgreSQL", 3306: "MySQL", 6379: "Redis", 27017: "MongoDB", 9200: "Elasticsearch", 19530: "Milvus",
    6333: "Qdrant", 2375: "Docker", 5984: "CouchDB", 11211: "memcached", 9042: "Cassandra", 8123: "ClickHouse",
}  # fmt: skip
_HELM = re.compile(
    r"(?m)^[^#'\"\n]*\{\{-?\s*(\.(Values|Release|Chart)|include\s|if\s|range\s|with\s|toYaml|template\s|end\s*-?\}\})"
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
_EVERY_ADDRESS = re.compile(r"^(https?://)?(0\.0\.0\.0|\[?::\]?)")
_MOST_EMBEDDED = 200
_TEMPLATED = re.compile(r"\{\{-?\s*[.\w$(\"|-]|\{%-?\s")


@dataclass(slots=True)
class Read:
    """What reading a file gave."""

    kind: str
    notes: list[Note] = field(default_factory=list)
    gap: str = ""
    """Why it was not read in full."""


def examine(name: str, text: str, *, variables: dict[str, str] | None = None) -> Read | None:
    """Examine a file; none where it is no configuration that is known.

    Args:
        name: of the file, with its folders.
        text: what it says.
        variables: what a `.env` file beside it sets.
    """
    kind = kind_of(name, text)
    if kind == "caddy":
        return Read(kind, gap="gap-caddy")
    if kind == "yaml":
        return _documents(name, text, variables or {})
    reader = {"dockerfile": _dockerfile, "systemd": _unit, "environment": _environment, "properties": _environment,
              "script": _script, "nginx": _nginx, "cloud-init": _cloud_init, "terraform": _terraform,
              "jupyter": _jupyter, "drop-in": _drop_in}.get(kind)  # fmt: skip
    if reader is None:
        return None
    try:
        notes = list(reader(text))
    except (yaml.YAMLError, TooMuchError, BrokenError, RecursionError):
        return Read(kind, gap="gap-template" if _TEMPLATED.search(text) else "gap-broken")
    return Read(kind, _told_once(notes))


def judged(workload: Workload, *, around: dict[str, Setting] | None = None) -> Iterator[Note]:
    """Give what is wrong with what a workload starts, holds and publishes."""
    yield from launch_notes(workload, around=around)
    in_image = workload.kind == "dockerfile"
    for name, setting in workload.environment.items():
        if is_default(name, setting.value):
            yield Note("config.default-password", setting.line, name)
        elif secret_named(name, setting.value):
            rule = "config.secret-in-build" if in_image else "config.secret-in-environment"
            yield Note(rule, setting.line, name, hidden=setting.value)
    for each in workload.commands:
        for word in each.words:
            flag, equals, value = word.partition("=")
            if equals and flag.startswith("--") and secret_named(flag.lstrip("-"), value):
                yield Note("config.secret-in-environment", each.line, flag, hidden=value)
    if workload.kind in {"compose", "script"} and workload.reach is Reach.PUBLISHED:
        for port in workload.ports:
            if port.public and port.number in _STORES:
                yield Note("config.published-store", port.line, f"{_STORES[port.number]} :{port.number}")


def _told_once(notes: list[Note]) -> list[Note]:
    """Drop what says the same of the same line, and the milder word where a server is open on that line."""
    kept: dict[tuple[str, int, str], Note] = {}
    for each in notes:
        kept.setdefault((each.rule, each.line, each.what), each)
    opened = {each.line for each in kept.values() if each.group == "open-server"}
    known = {each.line for each in kept.values() if each.group == "default-key"}
    milder = {"config.published-store": opened, "config.default-password": known}
    return [each for each in kept.values() if each.line not in milder.get(each.rule, ())]


def _dockerfile(text: str) -> Iterator[Note]:
    file = read_dockerfile(text)
    if file is None:
        return
    yield from file.notes
    user = file.workload.user
    if user is not None and user.value in {"root", "0"}:
        yield Note("config.root-user", user.line, f"USER {user.value}")
    elif user is None and file.workload.commands:
        yield Note("config.root-user", file.workload.line, "USER", severity="low")
    yield from judged(file.workload)


def _unit(text: str) -> Iterator[Note]:
    unit = read_unit(text)
    if unit is not None:
        yield from unit[1]
        yield from judged(unit[0])


def _environment(text: str) -> Iterator[Note]:
    workload = read_environment(text)
    workload.reach = Reach.UNKNOWN
    yield from judged(workload)
    yield from _ollama(workload, "medium")


def _drop_in(text: str) -> Iterator[Note]:
    workload = read_drop_in(text)
    yield from judged(workload)
    yield from _ollama(workload, "")


def _ollama(workload: Workload, severity: str) -> Iterator[Note]:
    """A variable that only one server reads tells where it listens, though its start is written elsewhere."""
    host = workload.environment.get("OLLAMA_HOST")
    if host is not None and not workload.commands and _EVERY_ADDRESS.match(host.value):
        yield Note("config.open-ollama", host.line, f"OLLAMA_HOST={host.value}", "open-server", severity, "ollama")


def _script(text: str) -> Iterator[Note]:
    for workload, notes in read_script(text):
        yield from notes
        yield from judged(workload)


def _nginx(text: str) -> Iterator[Note]:
    yield from nginx_notes(read_nginx(text))


def _cloud_init(text: str) -> Iterator[Note]:
    for document in documents(text):
        if isinstance(document, Table):
            for workload, notes in read_cloud_init(document):
                yield from notes
                yield from judged(workload)
            for file in document.items_of("write_files").tables():
                yield from _embedded(file.text("path"), file.text("content"), file.at("content"))


def _embedded(name: str, content: str, line: int) -> Iterator[Note]:
    """Read a file that stands inside another one."""
    if "\n" not in content or kind_of(name, content) in {"cloud-init", ""}:
        return
    read = examine(name, content)
    for each in read.notes if read is not None else ():
        yield replace(each, line=line + each.line)


def _terraform(text: str) -> Iterator[Note]:
    for kind, given, line in read_terraform(text):
        yield from resource_notes(kind, given, line)
        for name, value in given.items():
            if isinstance(value, str) and secret_named(name, value):
                yield Note("config.secret-in-environment", given.at(name), name, hidden=value)


def _jupyter(text: str) -> Iterator[Note]:
    """A Jupyter configuration says in Python what its flags say."""
    words = []
    for number, line in enumerate(text.splitlines()[:20_000], 1):
        match = re.match(r"\s*c\.(\w+\.\w+)\s*=\s*(?:u|b)?([\"']?)(.*?)\2\s*(#.*)?$", line)
        if match:
            words.append(Command(("jupyter", f"--{match[1]}={match[3]}"), number))
    yield from judged(Workload("jupyter", reach=Reach.HOST, commands=words))


def _documents(name: str, text: str, variables: dict[str, str]) -> Read | None:
    if _HELM.search(text):
        return Read("yaml", gap="gap-template")
    try:
        held = documents(text)
    except (yaml.YAMLError, TooMuchError, ValueError):
        templated = _TEMPLATED.search(text) is not None
        known = templated or re.search(r"(?m)^(apiVersion|services|Statement|kind)\s*:", text) is not None
        return Read("yaml", gap="gap-template" if templated else "gap-broken") if known else None
    except RecursionError:
        return Read("yaml", gap="gap-broken")
    objects = [each for each in held if is_kubernetes(each)]
    if objects:
        gap = "gap-unknown-kind" if unknown_kinds(objects) else ""
        return Read("kubernetes", _told_once(list(_kubernetes(objects))), gap)
    notes: list[Note] = []
    kind = ""
    for document in held:
        found, more = _document(document, variables, name)
        kind = kind or found
        notes += more
    return Read(kind, _told_once(notes)) if kind else None


def _kubernetes(objects: list[Table]) -> Iterator[Note]:
    for workload, notes in read_objects(objects):
        yield from notes
        yield from judged(workload)
    for each in objects[:_MOST_EMBEDDED]:
        data = each.table("data")
        for name, value in data.items() if each.text("kind") == "ConfigMap" else ():
            if isinstance(value, str):
                yield from _embedded(name, value, data.at(name))


def _document(document: Any, variables: dict[str, str], name: str) -> tuple[str, list[Note]]:  # Any: parsed YAML
    if is_compose(document):
        notes = []
        for workload, more in read_compose(document, variables):
            notes += [*more, *judged(workload)]
        return "compose", notes
    if is_policy(document):
        return "policy", list(policy_notes(document))
    found = list(resources(document))
    if found:
        return "cloud", [note for kind, given, line in found for note in resource_notes(kind, given, line)]
    if isinstance(document, Table) and ("general_settings" in document or "model_list" in document):
        return "litellm", list(_litellm(document))
    if isinstance(document, Table) and re.search(r"(^|/)values[\w.-]*\.ya?ml$", name):
        return "helm-values", [*_values(document, 0), *launch_notes(_set_in(document))]
    return "", []


def _litellm(document: Table) -> Iterator[Note]:
    settings = document.table("general_settings")
    key = settings.text("master_key")
    if key == "sk-1234":
        yield Note("config.litellm-default-key", settings.at("master_key"), "master_key", "default-key")
    elif secret_named("master_key", key):
        yield Note("config.secret-in-environment", settings.at("master_key"), "master_key", hidden=key)
    for model in document.items_of("model_list").tables():
        given = model.table("litellm_params")
        if secret_named("api_key", given.text("api_key")):
            hidden = given.text("api_key")
            yield Note("config.secret-in-environment", given.at("api_key"), "api_key", hidden=hidden)


def _set_in(values: Table) -> Workload:
    """Return what Helm values set as variables: lists of name and value, and entries whose names are variables'."""
    found = Workload("helm-values", reach=Reach.INSIDE)
    waiting: list[Any] = [values]  # Any: parts of YAML
    while waiting:
        here = waiting.pop()
        if isinstance(here, Table):
            if _VARIABLE.fullmatch(here.text("name")) and isinstance(here.get("value"), str | bool):
                found.environment[here.text("name")] = Setting(here.text("value"), here.at("value"))
            for name, value in here.items():
                if _VARIABLE.fullmatch(name) and isinstance(value, str | bool):
                    found.environment[name] = Setting(str(value), here.at(name))
        waiting += list(here.values()) if isinstance(here, Table) else list(here) if isinstance(here, Items) else []
    return found


def _values(table: Table, depth: int) -> Iterator[Note]:
    """Helm values: what they say plainly."""
    for name, value in table.items():
        if isinstance(value, Table) and depth < 12:
            yield from _values(value, depth + 1)
        elif isinstance(value, str) and is_default(name, value):
            yield Note("config.default-password", table.at(name), name)
        elif isinstance(value, str) and secret_named(name, value):
            yield Note("config.secret-in-environment", table.at(name), name, hidden=value)
        elif name == "privileged" and value is True:
            yield Note("config.privileged", table.at(name), "privileged: true")
