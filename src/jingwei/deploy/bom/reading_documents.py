"""BOMs that others wrote, read into components: CycloneDX as JSON and XML, SPDX 2.x and 3.0 as JSON.

What a document claims is taken as claimed: texts are bounded and made printable, references that lead nowhere are
dropped, and nothing is fetched.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jingwei.core.errors import InputError
from jingwei.deploy.bom.component import Component, Kind
from jingwei.deploy.bom.reading import Unreadable, as_list, as_mapping, content_of, line_of
from jingwei.deploy.bom.reading_spdx import spdx2_components, spdx3_components
from jingwei.deploy.bom.reading_xml import as_json

_KINDS: dict[str, Kind] = {"machine-learning-model": "model", "data": "dataset", "file": "weights",
                           "device": "hardware", "application": "tool", "platform": "tool"}  # fmt: skip
_OWN: frozenset[str] = frozenset(("library", "model", "dataset", "prompt", "tool", "agent", "weights", "hardware"))
_MOST = 500_000
_DEEPEST = 20
_PREFIX = "jingwei:"
_NO_FACTS = frozenset(("kind", "path", "finding", "record-sha256", "gap"))


def read_bom(path: Path) -> tuple[Component, ...]:
    """Read a BOM file, of whatever of the known formats it is.

    Raises:
        InputError: it is none of them.
    """
    try:
        return components_of(parsed(content_of(path, 512 * 1024 * 1024)))
    except Unreadable as error:
        raise InputError("deploy.bom:not-a-bom", field="target", path=line_of(path.name)) from error


def parsed(content: bytes) -> dict[str, Any]:  # Any: a document
    """Return a BOM's bytes as its JSON form.

    Raises:
        Unreadable: neither JSON nor XML.
    """
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return as_json(content)
    try:
        return as_mapping(json.loads(content.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError) as error:
        raise Unreadable("gap-syntax") from error


def is_bom(document: dict[str, Any]) -> bool:  # Any: a document
    """Tell whether a JSON value is a BOM that can be read here."""
    return document.get("bomFormat") == "CycloneDX" or "spdxVersion" in document or "@graph" in document


def components_of(document: dict[str, Any]) -> tuple[Component, ...]:  # Any: a document
    """Return what a BOM lists.

    Args:
        document: CycloneDX or SPDX, as its JSON form.

    Raises:
        Unreadable: it is neither, or lists more than any system is made of.
    """
    if "@graph" in document:
        return tuple(spdx3_components(document))
    if "spdxVersion" in document:
        return tuple(spdx2_components(document))
    if document.get("bomFormat") != "CycloneDX":
        raise Unreadable("gap-syntax")
    entries = list(_flat(document.get("components"), 0))
    services = [as_mapping(each) for each in as_list(document.get("services"))]
    names = {line_of(entry.get("bom-ref"), 2000): line_of(entry.get("name")) for entry in (*entries, *services)}
    paths = {line_of(entry.get("bom-ref"), 2000): _properties(entry).get("path", "") for entry in entries}
    below = {line_of(each.get("ref"), 2000): [line_of(one, 2000) for one in as_list(each.get("dependsOn"))]
             for each in map(as_mapping, as_list(document.get("dependencies")))}  # fmt: skip
    found = [_component(entry, below, names, paths) for entry in entries]
    return (*found, *map(_service, services))


def _flat(entries: object, depth: int) -> Iterator[dict[str, Any]]:  # Any: CycloneDX
    for number, each in enumerate(as_list(entries)):
        if number >= _MOST or depth > _DEEPEST:
            raise Unreadable("gap-large")
        entry = as_mapping(each)
        if line_of(entry.get("name")):
            yield entry
        yield from _flat(entry.get("components"), depth + 1)


def _properties(entry: dict[str, Any]) -> dict[str, str]:  # Any: CycloneDX
    listed = (as_mapping(each) for each in as_list(entry.get("properties")))
    named = ((line_of(each.get("name")), line_of(each.get("value"), 1000)) for each in listed)
    return {name.removeprefix(_PREFIX): value for name, value in named if name.startswith(_PREFIX)}


def _component(
    entry: dict[str, Any], below: dict[str, list[str]], names: dict[str, str], paths: dict[str, str]
) -> Component:
    said = _properties(entry)
    kind = _kind(entry, said)
    own = line_of(entry.get("bom-ref"), 2000)
    targets = [each for each in below.get(own, []) if each in names]
    facts = {name: value for name, value in said.items() if name not in _NO_FACTS}
    hashes = [as_mapping(each) for each in as_list(entry.get("hashes"))]
    sha256 = next((line_of(each.get("content")) for each in hashes if each.get("alg") == "SHA-256"), "")
    return Component(
        kind=kind, name=line_of(entry.get("name")), version=line_of(entry.get("version")),
        licence=_licence(entry.get("licenses")), sha256=sha256 or said.get("record-sha256", ""),
        supplier=line_of(as_mapping(entry.get("supplier")).get("name")), facts=_card(entry) | facts,
        purl=line_of(entry.get("purl"), 1000), path=said.get("path", ""), gap=said.get("gap", ""),
        requires=tuple(names[each] for each in targets) if kind == "library" else (),
        rests_on=tuple(paths.get(each) or names[each] for each in targets) if kind != "library" else (),
    )  # fmt: skip


def _kind(entry: dict[str, Any], said: dict[str, str]) -> Kind:  # Any: CycloneDX
    if said.get("kind") in _OWN:
        return said["kind"]  # type: ignore[return-value]  # one of them, as the line above says
    data = [line_of(as_mapping(each).get("type")) for each in as_list(entry.get("data"))]
    if entry.get("type") == "data" and "configuration" in data:
        return "prompt"
    return "library" if entry.get("purl") else _KINDS.get(line_of(entry.get("type")), "library")


def _licence(listed: object) -> str:
    found = []
    for each in map(as_mapping, as_list(listed)):
        licence = as_mapping(each.get("license"))
        found.append(line_of(each.get("expression")) or line_of(licence.get("id")) or line_of(licence.get("name")))
    return " AND ".join(dict.fromkeys(filter(None, found)))[:400]


def _card(entry: dict[str, Any]) -> dict[str, str]:  # Any: CycloneDX
    parameters = as_mapping(as_mapping(entry.get("modelCard")).get("modelParameters"))
    facts = {"task": line_of(parameters.get("task")), "architecture": line_of(parameters.get("modelArchitecture")),
             "family": line_of(parameters.get("architectureFamily"))}  # fmt: skip
    return {name: value for name, value in facts.items() if value}


def _service(entry: dict[str, Any]) -> Component:  # Any: CycloneDX
    endpoints = [line_of(each, 500) for each in as_list(entry.get("endpoints"))]
    facts = {name: value for name, value in _properties(entry).items() if name not in _NO_FACTS}
    return Component(kind="service", name=line_of(entry.get("name")) or "?", version=line_of(entry.get("version")),
                     facts=facts | ({"endpoint": endpoints[0]} if endpoints else {}))  # fmt: skip
