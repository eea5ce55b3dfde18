"""The CycloneDX document: written by the standard's own library, completed where that cannot say it, validated.

The library has no model card and no `data`; both are put into its JSON, and the whole is held against the strict
schema that comes with the library, offline. The same components at the same moment give the same bytes.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version as version_of
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.service import Service
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from jingwei.core.errors import Tampered
from jingwei.core.finding import Finding
from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.identity import Edition, component_digest, reference

_EDITIONS = {"1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}
_TYPES = {"library": ComponentType.LIBRARY, "model": ComponentType.MACHINE_LEARNING_MODEL,
          "dataset": ComponentType.DATA, "prompt": ComponentType.DATA, "tool": ComponentType.APPLICATION,
          "agent": ComponentType.APPLICATION, "weights": ComponentType.FILE,
          "hardware": ComponentType.DEVICE}  # fmt: skip
_DATA = {"dataset": "dataset", "prompt": "configuration"}
_MOST_FINDINGS = 50
_licences = LicenseFactory()


def _version() -> str:
    return version_of("jingwei-ai")


def written(components: Sequence[Component], *, name: str, version: str, at: datetime, edition: Edition,
            findings: Mapping[str, Sequence[Finding]]) -> bytes:  # fmt: skip
    """Write the document.

    Raises:
        Tampered: what was written is not valid CycloneDX; a component's own text does not fit the schema.
    """
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{name}@{version}:{component_digest(components)}"))
    bom.metadata.timestamp = at
    bom.metadata.tools.components.add(Part(name="jingwei", version=_version(), type=ComponentType.APPLICATION))
    root = Part(name=name, version=version or None, type=ComponentType.APPLICATION, bom_ref="system")
    bom.metadata.component = root
    parts = {}
    for component in components:
        found = findings.get(reference(component), ())
        if component.kind == "service":
            bom.services.add(_service(component, found))
        else:
            parts[reference(component)] = part = _part(component, found)
            bom.components.add(part)
    _depend(bom, root, components, parts)
    schema = _EDITIONS[edition]
    document = json.loads(make_outputter(bom, OutputFormat.JSON, schema).output_as_string())
    _complete(document, components)
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
    problem = JsonStrictValidator(schema).validate_str(text)
    if problem is not None:
        raise Tampered("deploy.bom:invalid", edition=edition, problem=str(problem)[:200])
    return text.encode()


def _part(component: Component, findings: Sequence[Finding]) -> Part:
    library = component.kind == "library"
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=component.sha256)] if _hashed(component) else []
    url = component.package_url
    return Part(
        name=component.name,
        version=component.version or None,
        type=_TYPES[component.kind],
        bom_ref=reference(component),
        purl=PackageURL.from_string(url) if url else None,
        hashes=hashes,
        licenses=[_licences.make_from_string(component.licence)] if component.licence else [],
        supplier=OrganizationalEntity(name=component.supplier) if component.supplier else None,
        properties=_properties(component, findings, record=library and not _hashed(component)),
    )


def _hashed(component: Component) -> bool:
    """Tell whether the digest is of the component's own content: an installed library's is of its RECORD."""
    installed = component.kind == "library" and not component.purl
    return len(component.sha256) == 64 and not installed


def _properties(component: Component, findings: Sequence[Finding], *, record: bool) -> list[Property]:
    said = {f"jingwei:{name}": value for name, value in component.facts.items()}
    said["jingwei:kind"] = component.kind
    if component.path:
        said["jingwei:path"] = component.path
    if record and component.sha256:
        said["jingwei:record-sha256"] = component.sha256
    if component.gap:
        said["jingwei:gap"] = component.gap
    properties = [Property(name=name, value=value) for name, value in sorted(said.items())]
    told = [f"{each.severity.value} {each.rule_id}: {each.title.en}" for each in findings[:_MOST_FINDINGS]]
    return [*properties, *(Property(name="jingwei:finding", value=each) for each in dict.fromkeys(told))]


def _service(component: Component, findings: Sequence[Finding]) -> Service:
    plain = component.model_copy(update={"facts": {k: v for k, v in component.facts.items() if k != "endpoint"}})
    address = component.facts.get("endpoint", "")
    return Service(name=component.name, version=component.version or None, bom_ref=reference(component),
                   endpoints=[XsUri(address)] if address else [],
                   properties=_properties(plain, findings, record=False))  # fmt: skip


def _depend(bom: Bom, root: Part, components: Sequence[Component], parts: dict[str, Part]) -> None:
    libraries = [one for one in components if one.kind == "library"]
    by_name: dict[str, Part] = {canonicalize_name(one.name): parts[reference(one)] for one in libraries}
    others = [one for one in components if one.kind not in {"library", "service"}]
    named = {key: parts[reference(one)] for one in others for key in (one.name, one.path) if key}
    needed: set[str] = set()
    for component in libraries:
        wanted = {canonicalize_name(name) for name in component.requires} - {canonicalize_name(component.name)}
        inner = [by_name[name] for name in sorted(wanted) if name in by_name]
        needed.update(part.bom_ref.value or "" for part in inner)
        bom.register_dependency(parts[reference(component)], inner)
    for component in others:
        own = parts[reference(component)]
        below = [named[name] for name in component.rests_on if name in named and named[name] is not own]
        needed.update(part.bom_ref.value or "" for part in below)
        if below:
            bom.register_dependency(own, below)
    bom.register_dependency(root, [part for part in parts.values() if part.bom_ref.value not in needed])


def _complete(written: dict[str, Any], components: Sequence[Component]) -> None:  # Any: CycloneDX
    """Put in what the library's model has no place for: model cards and kinds of data."""
    by_reference = {reference(one): one for one in components}
    datasets = {one.name: reference(one) for one in components if one.kind == "dataset"}
    for entry in written.get("components", []):
        component = by_reference[entry["bom-ref"]]
        if component.kind in _DATA:
            entry["data"] = [{"type": _DATA[component.kind], "name": component.name}]
        elif component.kind == "model" and "named-by" not in component.facts:
            own = [datasets[name] for name in component.rests_on if name in datasets]
            entry["modelCard"] = _card(component, own or ([] if component.rests_on else list(datasets.values())))


def _card(component: Component, datasets: Sequence[str]) -> dict[str, Any]:  # Any: CycloneDX
    parameters: dict[str, Any] = {"task": component.facts.get("task", "text-generation")}
    for name, fact in (("modelArchitecture", "architecture"), ("architectureFamily", "family")):
        if component.facts.get(fact):
            parameters[name] = component.facts[fact]
    if datasets:
        parameters["datasets"] = [{"ref": each} for each in datasets]
    card: dict[str, Any] = {"modelParameters": parameters}
    if component.facts.get("languages"):
        card["properties"] = [{"name": "languages", "value": component.facts["languages"]}]
    return card
