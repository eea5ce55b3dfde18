"""STIX 2.1 (OASIS): a bundle of one vulnerability, what it is in, who says so, and how far it may be passed on.

The markings are those of TLP 2.0 as OASIS published them for STIX 2.1, with their fixed ids. Ids of our own objects are
version 5 UUIDs: the same record gives the same bundle.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from jingwei.core.clock import stamp
from jingwei.ecosystem.sharing.json_shape import filled, line, listed, objects
from jingwei.ecosystem.sharing.record import Affected, Reference, Report, Tlp

_SPACE = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""The namespace that STIX 2.1 section 2.9 gives for deterministic ids."""
_MARKINGS = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_OLDER = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
}
"""The markings of TLP 1, which STIX 2.1 itself predefines: read, never written."""
_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_TLP_SINCE = "2022-10-01T00:00:00.000Z"

# dict[str, Any] below: JSON whose shape STIX's schema describes; the record's model checks what is taken from it.


def reads(data: dict[str, Any]) -> bool:
    """Tell whether JSON looks like a STIX bundle."""
    return data.get("type") == "bundle" and isinstance(data.get("objects"), list)


def read(data: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the fields of a record, from the first vulnerability of a bundle.

    Raises:
        KeyError: the bundle holds no vulnerability.
    """
    held = objects(data.get("objects"))
    found = next((each for each in held if each.get("type") == "vulnerability"), None)
    if found is None:
        raise KeyError("vulnerability")
    outside = objects(found.get("external_references"))
    ids = [str(each["external_id"]) for each in outside if each.get("external_id")]
    known = _OLDER | {marking: tlp for tlp, marking in _MARKINGS.items()}
    marked = {each for each in listed(found.get("object_marking_refs")) if isinstance(each, str)}
    about = {str(each.get("target_ref")) for each in held if each.get("type") == "relationship"}
    about |= {str(each.get("source_ref")) for each in held if each.get("type") == "relationship"}
    return {
        "id": ids[0] if ids else found["id"],
        "title": line(found.get("name")) or found["id"],
        "summary": str(found.get("description") or ""),
        "aliases": ids[1:],
        "affected": [Affected(name=str(each.get("name") or "?"), vendor=str(each.get("vendor") or ""),
                              versions=tuple(filter(None, [str(each.get("version") or "")])))
                     for each in held if each.get("type") == "software" and each.get("id") in about],
        "references": [Reference(url=each["url"]) for each in outside if str(each.get("url", "")).startswith("http")],
        "tlp": max((known[each] for each in marked if each in known), key=lambda each: each.rank, default=Tlp.AMBER),
        "received_at": found.get("created") or now,
        "modified_at": found.get("modified"),
    }  # fmt: skip


def write(report: Report) -> dict[str, Any]:
    """Return a record as a bundle."""
    marking = _MARKINGS[report.tlp]
    times = {"created": _stamp(report.received_at), "modified": _stamp(report.modified_at or report.received_at)}
    common = {"spec_version": "2.1", **times, "object_marking_refs": [marking]}
    flaw = f"vulnerability--{uuid5(_SPACE, report.id)}"
    outside = [{"source_name": _source(each), "external_id": each} for each in (report.id, *report.aliases)]
    outside += [{"source_name": each.label or each.kind, "url": each.url} for each in report.references]
    parts = [_software(each, marking) for each in report.affected]
    return {
        "type": "bundle",
        "id": f"bundle--{uuid5(_SPACE, f'bundle {report.id} {times}')}",
        "objects": [
            _marking(report.tlp),
            filled({"type": "vulnerability", "id": flaw, **common, "name": report.title, "description": report.summary,
                    "external_references": outside, "labels": [*report.weaknesses, *report.effects]}),
            *parts,
            *({"type": "relationship", "id": f"relationship--{uuid5(_SPACE, flaw + part['id'])}", **common,
               "relationship_type": "has", "source_ref": part["id"], "target_ref": flaw} for part in parts),
        ],
    }  # fmt: skip


def _software(each: Affected, marking: str) -> dict[str, Any]:
    seed = f"{each.vendor}/{each.name}/{','.join(each.versions)}"
    return filled({
        "type": "software", "id": f"software--{uuid5(_SPACE, seed)}", "spec_version": "2.1", "name": each.name,
        "vendor": each.vendor, "version": next(iter(each.versions), ""), "object_marking_refs": [marking],
    })  # fmt: skip


def _marking(tlp: Tlp) -> dict[str, Any]:
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": _MARKINGS[tlp], "created": _TLP_SINCE,
        "name": f"TLP:{tlp.value.upper()}",
        "extensions": {_TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    }  # fmt: skip


def _source(name: str) -> str:
    return next(
        (known for known in ("cve", "ghsa", "pysec", "avid", "nvdb") if name.casefold().startswith(known)), "jingwei"
    )


def _stamp(moment: datetime) -> str:
    """Write a moment in milliseconds, as STIX 2.1 wants it."""
    return f"{stamp(moment)[:-4]}Z"
