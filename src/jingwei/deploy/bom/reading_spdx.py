"""SPDX documents, 2.x and 3.0, read into components."""

import json
from collections.abc import Iterator
from typing import Any

from jingwei.deploy.bom.component import Component, Kind
from jingwei.deploy.bom.reading import Unreadable, as_list, as_mapping, line_of

_KINDS: dict[str, Kind] = {"ai_AIPackage": "model", "dataset_DatasetPackage": "dataset", "software_File": "weights",
                           "software_Package": "library"}  # fmt: skip
_PURPOSES: dict[str, Kind] = {"model": "model", "data": "dataset", "configuration": "prompt", "device": "hardware"}
_OWN = frozenset(("library", "model", "dataset", "prompt", "service", "tool", "agent", "weights", "hardware"))
_MOST = 500_000
_NOTHING = frozenset(("", "NOASSERTION", "NONE"))


def spdx2_components(document: dict[str, Any]) -> Iterator[Component]:  # Any: a document
    """Give the packages of an SPDX 2.x document.

    Raises:
        Unreadable: it lists more than any system is made of.
    """
    packages = as_list(document.get("packages"))
    if len(packages) > _MOST:
        raise Unreadable("gap-large")
    described = {line_of(each) for each in as_list(document.get("documentDescribes"))}
    for entry in map(as_mapping, packages):
        references = map(as_mapping, as_list(entry.get("externalRefs")))
        purl = next((line_of(each.get("referenceLocator"), 1000) for each in references
                     if each.get("referenceType") == "purl"), "")  # fmt: skip
        if not line_of(entry.get("name")) or (not purl and line_of(entry.get("SPDXID")) in described):
            continue
        licences = (line_of(entry.get(name)) for name in ("licenseConcluded", "licenseDeclared"))
        checks = map(as_mapping, as_list(entry.get("checksums")))
        purpose = line_of(entry.get("primaryPackagePurpose")).lower()
        yield Component(
            kind="library" if purl else _PURPOSES.get(purpose, "library"), name=line_of(entry.get("name")),
            version=line_of(entry.get("versionInfo")), purl=purl,
            licence=next((each for each in licences if each not in _NOTHING), ""),
            sha256=next((line_of(one.get("checksumValue")) for one in checks if one.get("algorithm") == "SHA256"), ""),
            supplier=_supplier(entry.get("supplier")),
        )  # fmt: skip


def _supplier(value: object) -> str:
    said = line_of(value)
    return "" if said in _NOTHING else said.partition(": ")[2] or said


def spdx3_components(document: dict[str, Any]) -> Iterator[Component]:  # Any: a document
    """Give the packages and files of an SPDX 3.0 document.

    Raises:
        Unreadable: it lists more than any system is made of.
    """
    graph = [as_mapping(each) for each in as_list(document.get("@graph"))]
    if len(graph) > _MOST:
        raise Unreadable("gap-large")
    by_id = {line_of(each.get("spdxId"), 500): each for each in graph if each.get("spdxId")}
    relations: dict[str, list[tuple[str, str]]] = {}
    for each in graph:
        if each.get("type") == "Relationship":
            pairs = [(line_of(each.get("relationshipType")), line_of(one, 500)) for one in as_list(each.get("to"))]
            relations.setdefault(line_of(each.get("from"), 500), []).extend(pairs)
    roots = {
        line_of(one, 500)
        for each in graph
        if each.get("type") == "SpdxDocument"
        for one in as_list(each.get("rootElement"))
    }
    for each in graph:
        spdx_id = line_of(each.get("spdxId"), 500)
        is_root = spdx_id in roots and each.get("type") == "software_Package"
        if line_of(each.get("type")) in _KINDS and line_of(each.get("name")) and not is_root:
            yield _component(each, relations.get(spdx_id, []), by_id)


def _component(
    entry: dict[str, Any], relations: list[tuple[str, str]], by_id: dict[str, Any]
) -> Component:  # Any: JSON-LD
    said = _comment(entry)
    kind = _kind(entry, said)
    targets = [(relation, by_id[one]) for relation, one in relations if one in by_id]
    licence = next((line_of(one.get("simplelicensing_licenseExpression")) for relation, one in targets
                    if relation.startswith("hasDeclared")), "")  # fmt: skip
    below = tuple(_comment(one).get("path") or line_of(one.get("name")) for relation, one in targets
                  if relation in {"dependsOn", "trainedOn", "descendantOf", "contains"})  # fmt: skip
    hashes = map(as_mapping, as_list(entry.get("verifiedUsing")))
    supplier = as_mapping(by_id.get(line_of(entry.get("suppliedBy"), 500)))
    facts = {name: value for name, value in said.items() if name not in {"kind", "path"}}
    sha256 = next((line_of(one.get("hashValue")) for one in hashes if one.get("algorithm") == "sha256"), "")
    return Component(
        kind=kind, name=line_of(entry.get("name")),
        version=line_of(entry.get("software_packageVersion")) or (sha256[:12] if kind == "weights" else ""),
        purl=line_of(entry.get("software_packageUrl"), 1000), licence=licence, supplier=line_of(supplier.get("name")),
        sha256=sha256,
        facts=facts, path=said.get("path", ""), requires=below if kind == "library" else (),
        rests_on=below if kind != "library" else (),
    )  # fmt: skip


def _kind(entry: dict[str, Any], said: dict[str, str]) -> Kind:  # Any: JSON-LD
    if said.get("kind") in _OWN:
        return said["kind"]  # type: ignore[return-value]  # one of them, as the line above says
    if entry.get("type") == "software_Package" and not entry.get("software_packageUrl"):
        return _PURPOSES.get(line_of(entry.get("software_primaryPurpose")), "library")
    return _KINDS[line_of(entry.get("type"))]


def _comment(entry: dict[str, Any]) -> dict[str, str]:  # Any: JSON-LD
    """Return what our own writer keeps in an element's comment."""
    try:
        value = json.loads(line_of(entry.get("comment"), 20_000) or "{}")
    except (ValueError, RecursionError):
        return {}
    return {line_of(name): line_of(each) for name, each in as_mapping(value).items()}
