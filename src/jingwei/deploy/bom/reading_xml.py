"""CycloneDX as XML, turned into its JSON form; documents with entities or a DTD are refused."""

from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # has no types
from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]  # has no types

from jingwei.deploy.bom.reading import Unreadable

_DEEPEST = 40
_LARGEST = 64 * 1024 * 1024


def as_json(content: bytes) -> dict[str, Any]:  # Any: CycloneDX
    """Return an XML BOM as the JSON form has it.

    Raises:
        Unreadable: it is no XML, has a DTD, is no BOM, or is larger than is read.
    """
    if len(content) > _LARGEST:
        raise Unreadable("gap-large")
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError, LookupError) as error:
        raise Unreadable("gap-syntax") from error
    if _tag(root) != "bom":
        raise Unreadable("gap-syntax")
    listed = [each for each in root if _tag(each) == "dependencies"]
    return {
        "bomFormat": "CycloneDX",
        "components": _components(root, 0),
        "services": [_service(each) for table in root if _tag(table) == "services" for each in table],
        "dependencies": [{"ref": each.get("ref"), "dependsOn": [one.get("ref") for one in each]}
                         for table in listed for each in table],
    }  # fmt: skip


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    return next((each.text or "" for each in element if _tag(each) == name), "")


def _inside(element: Element, name: str) -> list[Element]:
    return [each for table in element if _tag(table) == name for each in table]


def _components(element: Element, depth: int) -> list[dict[str, Any]]:  # Any: CycloneDX
    if depth > _DEEPEST:
        raise Unreadable("gap-syntax")
    return [_component(each, depth) for each in _inside(element, "components") if _tag(each) == "component"]


def _component(element: Element, depth: int) -> dict[str, Any]:  # Any: CycloneDX
    supplier = next((each for each in element if _tag(each) == "supplier"), None)
    entry: dict[str, Any] = {
        "type": element.get("type"), "bom-ref": element.get("bom-ref"), "name": _text(element, "name"),
        "version": _text(element, "version"), "purl": _text(element, "purl"),
        "hashes": [{"alg": each.get("alg"), "content": each.text} for each in _inside(element, "hashes")],
        "licenses": [_licence(each) for each in _inside(element, "licenses")],
        "properties": [{"name": each.get("name"), "value": each.text} for each in _inside(element, "properties")],
        "components": _components(element, depth + 1),
    }  # fmt: skip
    if supplier is not None:
        entry["supplier"] = {"name": _text(supplier, "name")}
    return entry


def _licence(element: Element) -> dict[str, Any]:  # Any: CycloneDX
    if _tag(element) == "expression":
        return {"expression": element.text}
    return {"license": {"id": _text(element, "id"), "name": _text(element, "name")}}


def _service(element: Element) -> dict[str, Any]:  # Any: CycloneDX
    return {"name": _text(element, "name"), "version": _text(element, "version"), "bom-ref": element.get("bom-ref"),
            "endpoints": [each.text for each in _inside(element, "endpoints")]}  # fmt: skip
