"""The same inventory as SPDX 3.0.1 JSON-LD: software, AI and dataset profiles.

A profile is claimed only where every element has what the profile demands; what is not known is left out, not invented.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.identity import component_digest, reference

_CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_TYPES = {"model": "ai_AIPackage", "dataset": "dataset_DatasetPackage", "weights": "software_File"}
_PURPOSES = {"library": "library", "model": "model", "dataset": "data", "prompt": "configuration",
             "service": "application", "tool": "application", "agent": "application",
             "weights": "model", "hardware": "device"}  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}")
_INFO = "_:creationinfo"
Element = dict[str, Any]  # Any: JSON-LD


def write_spdx(components: Sequence[Component], *, name: str, version: str, at: datetime) -> bytes:
    """Write the document; the same components at the same moment give the same bytes."""
    space = f"urn:uuid:{uuid5(NAMESPACE_URL, f'{name}@{version}:{component_digest(components)}')}"
    return json.dumps(
        {"@context": _CONTEXT, "@graph": list(_Document(space, name, version, at).graph(components))},
        ensure_ascii=False, indent=2, sort_keys=True,
    ).encode()  # fmt: skip


class _Document:
    def __init__(self, space: str, name: str, version: str, at: datetime) -> None:
        self.space, self.name, self.version = space, name, version
        self.at = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.suppliers: dict[str, str] = {}
        self.licences: dict[str, str] = {}

    def graph(self, components: Sequence[Component]) -> Iterator[Element]:
        author = f"{self.space}#jingwei"
        yield {"type": "CreationInfo", "@id": _INFO, "specVersion": "3.0.1", "created": self.at, "createdBy": [author]}
        yield self._element("SoftwareAgent", "jingwei", name="Jingwei")
        ids = {reference(one): f"{self.space}#component-{number}" for number, one in enumerate(components)}
        elements = [self._component(one, ids[reference(one)]) for one in components]
        agents = [self._element("Organization", place, name=name) for name, place in self.suppliers.items()]
        relations = list(self._relations(components, ids))
        root = self._element("software_Package", "system", name=self.name, software_primaryPurpose="application",
                             **({"software_packageVersion": self.version} if self.version else {}))  # fmt: skip
        tops = [each["spdxId"] for each in elements]
        listed = [*agents, *elements, *relations, root]
        if tops:
            listed.append(self._relation("system-contains", root["spdxId"], "contains", tops))
        profiles = ["core", "software", "simpleLicensing", *self._profiles(elements)]
        yield self._element("SpdxDocument", "document", name=self.name, rootElement=[root["spdxId"]],
                            element=[each["spdxId"] for each in listed], profileConformance=profiles)  # fmt: skip
        yield from listed

    def _element(self, kind: str, place: str, **fields: Any) -> Element:  # Any: JSON-LD
        return {"type": kind, "spdxId": f"{self.space}#{place}", "creationInfo": _INFO, **fields}

    def _component(self, one: Component, spdx_id: str) -> Element:
        kind = _TYPES.get(one.kind, "software_Package")
        found: Element = {"type": kind, "spdxId": spdx_id, "creationInfo": _INFO, "name": one.name,
                          "software_primaryPurpose": _PURPOSES[one.kind]}  # fmt: skip
        if _SHA256.fullmatch(one.sha256) and not (one.kind == "library" and not one.purl):
            found["verifiedUsing"] = [{"type": "Hash", "algorithm": "sha256", "hashValue": one.sha256}]
        if one.supplier:
            place = self.suppliers.setdefault(one.supplier, f"supplier-{len(self.suppliers)}")
            found["suppliedBy"] = f"{self.space}#{place}"
        if kind != "software_File":
            if one.version:
                found["software_packageVersion"] = one.version
            if one.package_url:
                found["software_packageUrl"] = one.package_url
        if kind == "ai_AIPackage":
            typed = [one.facts[name] for name in ("architecture", "family") if one.facts.get(name)]
            found |= {"ai_typeOfModel": typed} if typed else {}
            found |= {"ai_domain": [one.facts["task"]]} if one.facts.get("task") else {}
        if kind == "dataset_DatasetPackage":
            found["dataset_datasetType"] = ["noAssertion"]
        if one.path or one.facts or one.kind not in _TYPES:
            found["comment"] = json.dumps(
                {"kind": one.kind, "path": one.path, **one.facts}, ensure_ascii=False, sort_keys=True
            )
        return found

    def _relations(self, components: Sequence[Component], ids: dict[str, str]) -> Iterator[Element]:
        named = {key: ids[reference(one)] for one in components for key in (one.name, one.path) if key}
        kinds = {ids[reference(one)]: one.kind for one in components}
        for one in components:
            own = ids[reference(one)]
            number = own.rpartition("-")[2]
            wanted = {"dependsOn": one.requires, **_by_kind(one, named, kinds)}
            for relation, names in wanted.items():
                below = sorted({named[name] for name in names if name in named} - {own})
                if below:
                    yield self._relation(f"{relation}-{number}", own, relation, below)
            if one.licence:
                place = self.licences.get(one.licence)
                if place is None:
                    place = self.licences[one.licence] = f"licence-{len(self.licences)}"
                    yield self._element("simplelicensing_LicenseExpression", place,
                                        simplelicensing_licenseExpression=one.licence)  # fmt: skip
                yield self._relation(f"licence-of-{number}", own, "hasDeclaredLicense", [f"{self.space}#{place}"])

    def _relation(self, place: str, source: str, kind: str, targets: list[str]) -> Element:
        return self._element("Relationship", place, **{"from": source, "to": targets, "relationshipType": kind})

    def _profiles(self, elements: Sequence[Element]) -> Iterator[str]:
        asked = ("software_downloadLocation", "releaseTime")
        demanded = {"ai": ("ai_AIPackage", ("suppliedBy", "software_packageVersion", *asked)),
                    "dataset": ("dataset_DatasetPackage", ("builtTime", "originatedBy", *asked))}  # fmt: skip
        for profile, (kind, fields) in demanded.items():
            if all(field in each for each in elements if each["type"] == kind for field in fields):
                yield profile


def _by_kind(one: Component, named: dict[str, str], kinds: Mapping[str, str]) -> dict[str, list[str]]:
    relations: dict[str, list[str]] = {}
    for name in one.rests_on:
        kind = kinds.get(named.get(name, ""), "")
        relation = {"dataset": "trainedOn", "model": "descendantOf", "weights": "contains"}.get(kind, "dependsOn")
        relations.setdefault(relation, []).append(name)
    return relations
