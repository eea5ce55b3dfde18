"""A single file of any name, told by its content: a BOM, a list of packages, requirements, a configuration."""

from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from jingwei.deploy.bom.agents import mcp_servers
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.locks import npm_lock, requirements
from jingwei.deploy.bom.reading import Unreadable, as_mapping, content_of, json_of, line_of, text_of
from jingwei.deploy.bom.reading_documents import components_of, is_bom, parsed

_LARGEST_BOM = 512 * 1024 * 1024
_LARGEST_LIST = 4 * 1024 * 1024
_READ_LINES = 50
_SERVERS = frozenset(("mcpServers", "mcp_servers", "context_servers"))
_BOM_NAMES = ("bom.json", "bom.xml", ".cdx.json", ".cdx.xml", ".spdx.json", ".spdx3.json")


def is_bom_name(name: str) -> bool:
    """Tell whether a file's name says that it is a BOM."""
    return name.lower().endswith(_BOM_NAMES)


def sniffed(path: Path) -> Iterator[Component]:
    """Give what a file says, whatever it is called; nothing where it is of no kind that is known.

    Raises:
        Unreadable: it cannot be read.
    """
    if path.suffix.lower() in {".json", ".jsonld", ".xml", ".cdx", ".spdx"} or is_bom_name(path.name):
        yield from _document(path)
    elif path.suffix.lower() in {".txt", ".in", ".lock", ".list", ""} and _are_requirements(path):
        yield from requirements(path)


def _document(path: Path) -> Iterator[Component]:
    content = content_of(path, _LARGEST_BOM)
    if content.lstrip().startswith(b"["):
        yield from _installed(json_of(path))
        return
    document = parsed(content)
    if is_bom(document):
        yield from components_of(document)
    elif _SERVERS & set(document):
        yield from mcp_servers(path)
    elif "lockfileVersion" in document:
        yield from npm_lock(path)


def _installed(listed: object) -> Iterator[Component]:
    """Give the packages of `pip list --format json`."""
    for each in listed if isinstance(listed, list) else []:
        entry = as_mapping(each)
        name, version = line_of(entry.get("name")), line_of(entry.get("version"))
        if name and version:
            yield Component(kind="library", name=name, version=version)


def _are_requirements(path: Path) -> bool:
    """Tell whether the first lines of a text are requirements, at least one of them with a version."""
    try:
        lines = [line.partition("#")[0].strip() for line in text_of(path, _LARGEST_LIST).splitlines()]
    except Unreadable:
        return False
    said = [line.partition(" --hash")[0].rstrip("\\ ") for line in lines if line and not line.startswith("-")][
        :_READ_LINES
    ]
    versions = 0
    for line in said:
        try:
            versions += bool(Requirement(line).specifier)
        except InvalidRequirement:
            return False
    return versions > 0
