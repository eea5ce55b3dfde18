"""OSV, the form of open-source advisories (schema 1.7, ossf.github.io/osv-schema)."""

from datetime import datetime
from typing import Any, Literal

from jingwei.core.clock import stamp
from jingwei.ecosystem.sharing.json_shape import filled, keyed, line, listed, objects
from jingwei.ecosystem.sharing.record import Affected, Range, Reference, Report, Tlp

_KINDS: dict[str, Literal["advisory", "fix", "report", "article", "web"]] = {
    "ADVISORY": "advisory", "FIX": "fix", "REPORT": "report", "ARTICLE": "article",
}  # fmt: skip
_PLATFORM = {"CVSS:2": "CVSS_V2", "CVSS:3": "CVSS_V3", "CVSS:4": "CVSS_V4"}

# dict[str, Any] below: JSON whose shape OSV's schema describes; the record's own model checks what is taken from it.


def reads(data: dict[str, Any]) -> bool:
    """Tell whether JSON looks like OSV."""
    return "id" in data and "modified" in data and ("affected" in data or "schema_version" in data)


def read(data: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the fields of a record."""
    own = keyed(data.get("database_specific"))
    return {
        "id": data["id"],
        "title": line(data.get("summary")) or line(data.get("details")) or data["id"],
        "summary": data.get("details", ""),
        "aliases": data.get("aliases", []),
        "weaknesses": [each for each in listed(own.get("cwe_ids")) if str(each).startswith("CWE-")],
        "cvss": [
            each["score"] for each in objects(data.get("severity")) if str(each.get("score", "")).startswith("CVSS:")
        ],
        "affected": [_affected(each) for each in objects(data.get("affected"))],
        "references": [
            Reference(url=each["url"], kind=_KINDS.get(each.get("type", ""), "web"))
            for each in objects(data.get("references"))
        ],
        "credits": [each["name"] for each in objects(data.get("credits")) if each.get("name")],
        "tlp": own.get("tlp", Tlp.CLEAR),
        "received_at": data.get("published") or data["modified"] or now,
        "modified_at": data["modified"],
        "withdrawn_at": data.get("withdrawn"),
    }


def _affected(entry: dict[str, Any]) -> Affected:
    package = keyed(entry.get("package"))
    ranges = [each for one in objects(entry.get("ranges")) if one.get("type") != "GIT" for each in _ranges(one)]
    return Affected(
        name=package.get("name") or "?",
        kind="package",
        ecosystem=package.get("ecosystem", ""),
        purl=package.get("purl", ""),
        versions=tuple(entry.get("versions") or ()),
        ranges=tuple(ranges),
    )


def _ranges(entry: dict[str, Any]) -> list[Range]:
    """Pair up the events: each `introduced` with what ends it."""
    found: list[Range] = []
    begun = ""
    for event in objects(entry.get("events")):
        if "introduced" in event:
            if begun:
                found.append(Range(introduced=begun))
            begun = str(event["introduced"])
        elif begun and ("fixed" in event or "last_affected" in event):
            found.append(Range(introduced=begun, fixed=str(event.get("fixed", "")),
                               last_affected=str(event.get("last_affected", ""))))  # fmt: skip
            begun = ""
    return [*found, Range(introduced=begun)] if begun else found


def write(report: Report) -> dict[str, Any]:
    """Return a record as OSV."""
    written: dict[str, Any] = {
        "schema_version": "1.7.0",
        "id": report.id,
        "modified": stamp(report.modified_at or report.received_at),
        "published": stamp(report.received_at),
        "aliases": list(report.aliases),
        "summary": report.title,
        "details": report.summary,
        "severity": [{"type": _PLATFORM.get(each[:6], "CVSS_V3"), "score": each} for each in report.cvss],
        "affected": [_written(each) for each in report.affected],
        "references": [{"type": each.kind.upper(), "url": each.url} for each in report.references],
        "credits": [{"name": each} for each in report.credits],
        "database_specific": {"cwe_ids": list(report.weaknesses), "tlp": report.tlp.value},
    }
    if report.withdrawn_at:
        written["withdrawn"] = stamp(report.withdrawn_at)
    return filled(written)


def _written(each: Affected) -> dict[str, Any]:
    package = {"name": each.name, "ecosystem": each.ecosystem or "AI", **({"purl": each.purl} if each.purl else {})}
    events = [event for one in each.ranges for event in _events(one)]
    return {
        "package": package,
        **({"ranges": [{"type": "ECOSYSTEM", "events": events}]} if events else {}),
        **({"versions": list(each.versions)} if each.versions else {}),
    }


def _events(one: Range) -> list[dict[str, str]]:
    ended = [{"fixed": one.fixed}] if one.fixed else [{"last_affected": one.last_affected}] if one.last_affected else []
    return [{"introduced": one.introduced}, *ended]
