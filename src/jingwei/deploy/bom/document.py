"""The CycloneDX 1.6 document: written by the standard's own library, completed where that cannot say it, validated.

The library has no model card and no `data`; both are put into its JSON, and the whole is held against the strict
schema that comes with the library, offline. The same components at the same moment give the same bytes.
"""

import json
from collections.abc import Sequence
from datetime import datetime
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

from jingwei.core.canonical import digest
from jingwei.core.errors import Tampered
from jingwei.deploy.bom.component import Component

_TYPES = {"library": ComponentType.LIBRARY, "model": ComponentType.MACHINE_LEARNING_MODEL,
          "dataset": ComponentType.DATA, "prompt": ComponentType.DATA}  # fmt: skip
_DATA = {"dataset": "dataset", "prompt": "configuration"}
_licences = LicenseFactory()


def reference(component: Component) -> str:
    """Return a component's reference in the document, stable from one BOM to the next."""
    if component.kind == "library":
        return f"pkg:pypi/{canonicalize_name(component.name)}@{component.version}"
    return f"{component.kind}:{component.facts.get('endpoint') or f'{component.name}@{component.sha256[:16]}'}"


def component_digest(components: Sequence[Component]) -> str:
    """Return the digest of what a system is made of, whatever the order it was found in."""
    return digest(sorted([reference(one), one.sha256, *sorted(one.facts.values())] for one in components))


def write_bom(components: Sequence[Component], *, name: str, version: str, at: datetime) -> bytes:
    """Write the document.

    Raises:
        Tampered: what was written is not valid CycloneDX 1.6; a component's own text does not fit the schema.
    """
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{name}@{version}:{component_digest(components)}"))
    bom.metadata.timestamp = at
    root = Part(name=name, version=version or None, type=ComponentType.APPLICATION, bom_ref="system")
    bom.metadata.component = root
    parts = {}
    for component in components:
        if component.kind == "service":
            bom.services.add(_service(component))
        else:
            parts[reference(component)] = part = _part(component)
            bom.components.add(part)
    _depend(bom, root, components, parts)
    written = json.loads(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string())
    _complete(written, components)
    text = json.dumps(written, ensure_ascii=False, indent=2, sort_keys=True)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise Tampered("deploy.bom:invalid", problem=str(problem)[:200])
    return text.encode()


def _part(component: Component) -> Part:
    library = component.kind == "library"
    purl = PackageURL("pypi", None, canonicalize_name(component.name), component.version or None) if library else None
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=component.sha256)] if component.sha256 and not library else []
    properties = [Property(name=f"jingwei:{name}", value=value) for name, value in component.facts.items()]
    if library and component.sha256:
        properties.append(Property(name="jingwei:record-sha256", value=component.sha256))
    return Part(
        name=component.name,
        version=component.version or None,
        type=_TYPES[component.kind],
        bom_ref=reference(component),
        purl=purl,
        hashes=hashes,
        licenses=[_licences.make_from_string(component.licence)] if component.licence else [],
        supplier=OrganizationalEntity(name=component.supplier) if component.supplier else None,
        properties=properties,
    )


def _service(component: Component) -> Service:
    return Service(name=component.name, bom_ref=reference(component), endpoints=[XsUri(component.facts["endpoint"])])


def _depend(bom: Bom, root: Part, components: Sequence[Component], parts: dict[str, Part]) -> None:
    libraries = [one for one in components if one.kind == "library"]
    by_name: dict[str, Part] = {canonicalize_name(one.name): parts[reference(one)] for one in libraries}
    needed: set[str] = set()
    for component in libraries:
        inner = [by_name[name] for name in component.requires if name in by_name]
        needed.update(name for name in component.requires if name != canonicalize_name(component.name))
        bom.register_dependency(parts[reference(component)], inner)
    tops = [part for name, part in by_name.items() if name not in needed]
    others = [parts[reference(one)] for one in components if one.kind in {"model", "dataset", "prompt"}]
    bom.register_dependency(root, [*tops, *others])


def _complete(written: dict[str, Any], components: Sequence[Component]) -> None:
    """Put in what the library's model has no place for: model cards and kinds of data."""
    by_reference = {reference(one): one for one in components}
    datasets = [{"ref": reference(one)} for one in components if one.kind == "dataset"]
    for entry in written.get("components", []):
        component = by_reference[entry["bom-ref"]]
        if component.kind in _DATA:
            entry["data"] = [{"type": _DATA[component.kind], "name": component.name}]
        elif component.kind == "model":
            parameters: dict[str, Any] = {"task": component.facts.get("task", "text-generation")}
            if "architecture" in component.facts:
                parameters["modelArchitecture"] = component.facts["architecture"]
            if datasets:
                parameters["datasets"] = datasets
            entry["modelCard"] = {"modelParameters": parameters}


def completeness(components: Sequence[Component]) -> float:
    """Return the share of wanted fields that are known, over all components."""
    wanted = [
        bool(value)
        for one in components
        if one.kind != "service"
        for value in (one.name, one.version, one.sha256, *_expected(one))
    ]
    return sum(wanted) / len(wanted) if wanted else 0.0


def _expected(component: Component) -> tuple[str, ...]:
    if component.kind == "library":
        return component.licence, component.supplier
    if component.kind == "model":
        return component.licence, component.supplier, component.facts.get("architecture", "")
    return ()
