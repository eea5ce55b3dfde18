"""AVID, the AI Vulnerability Database's form of reports and vulnerabilities (avidtools, data version 0.3)."""

from datetime import datetime
from typing import Any

from jingwei.core.canonical import digest
from jingwei.ecosystem.sharing.json_shape import filled, keyed, line, listed, objects
from jingwei.ecosystem.sharing.record import Affected, Reference, Report, Tlp

_DOMAINS = {"S": "Security", "E": "Ethics", "P": "Performance"}
_ARTIFACTS = {"model": "Model", "dataset": "Dataset"}
_KINDS = {"Model": "model", "Dataset": "dataset"}

# dict[str, Any] below: JSON whose shape AVID's own models describe; the record's model checks what is taken from it.


def reads(data: dict[str, Any]) -> bool:
    """Tell whether JSON looks like AVID."""
    return data.get("data_type") == "AVID" or ("problemtype" in data and "affects" in data)


def read(data: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the fields of a record."""
    about, impact = keyed(data.get("metadata")), keyed(data.get("impact"))
    seen = keyed(impact.get("avid"))
    problem = keyed(data.get("problemtype"))
    when = data.get("reported_date") or data.get("published_date")
    named = about.get("report_id") or about.get("vuln_id") or seen.get("vuln_id") or f"AVID-{digest(data)[:12]}"
    title = line(keyed(problem.get("description")).get("value"))
    affects = keyed(data.get("affects"))
    vendor = ", ".join(str(each) for each in listed(affects.get("developer")))[:300]
    others = sorted(
        {str(each["report_id"]) for each in objects(data.get("reports")) if each.get("report_id")} - {named}
    )
    return {
        "id": named,
        "title": title or named,
        "kind": "vulnerability" if problem.get("classof") == "CVE Entry" else "model-weakness",
        "summary": str(keyed(data.get("description")).get("value") or "")[:20_000],
        "aliases": others,
        "affected": [
            Affected(name=str(each.get("name") or "?"), vendor=vendor, kind=_KINDS.get(str(each.get("type")), "system"))  # type: ignore[arg-type]
            for each in objects(affects.get("artifacts"))[:200]
        ],
        "weaknesses": [
            each["cweId"] for each in objects(impact.get("cwe")) if str(each.get("cweId", "")).startswith("CWE-")
        ],
        "cvss": [each for each in (keyed(impact.get("cvss")).get("vectorString"),) if each],
        "effects": listed(seen.get("sep_view")),
        "stages": listed(seen.get("lifecycle_view")),
        "references": [
            Reference(url=each["url"], label=str(each.get("label") or "")[:300])
            for each in objects(data.get("references"))[:200]
            if str(each.get("url", "")).startswith(("http://", "https://")) and " " not in each["url"]
        ],
        "credits": [str(each["value"])[:300] for each in objects(data.get("credit")) if each.get("value")],
        "tlp": Tlp.CLEAR,
        "received_at": f"{when}T00:00:00Z" if isinstance(when, str) and len(when) == 10 else now,
    }


def write(report: Report) -> dict[str, Any]:
    """Return a record as AVID."""
    vendors = sorted({each.vendor for each in report.affected if each.vendor})
    domains = list(dict.fromkeys(_DOMAINS[each[0]] for each in report.effects if each[:1] in _DOMAINS))
    vector = next(iter(report.cvss), "")
    version = vector.partition("/")[0].removeprefix("CVSS:")
    return filled({
        "data_type": "AVID",
        "data_version": "0.3.3",
        "metadata": {"report_id": report.id},
        "affects": {
            "developer": vendors,
            "deployer": vendors,
            "artifacts": [{"type": _ARTIFACTS.get(each.kind, "System"), "name": each.name} for each in report.affected],
        },
        "problemtype": {
            "classof": "CVE Entry" if report.kind == "vulnerability" else "LLM Evaluation",
            "type": "Advisory",
            "description": {"lang": _language(report), "value": report.title},
        },
        "references": [
            {"type": "source", "label": each.label or each.url, "url": each.url} for each in report.references
        ],
        "description": {"lang": _language(report), "value": report.summary or report.title},
        "impact": filled({
            "avid": {"risk_domain": domains or ["Security"], "sep_view": list(report.effects),
                     "lifecycle_view": list(report.stages) or ["L06: Deployment"], "taxonomy_version": "0.2"},
            "cvss": {"version": version, "vectorString": vector} if vector else {},
            "cwe": [{"cweId": each, "description": each, "lang": "en"} for each in report.weaknesses],
        }),
        "credit": [{"lang": _language(report), "value": each} for each in report.credits],
        "reported_date": report.received_at.date().isoformat(),
    })  # fmt: skip


def _language(report: Report) -> str:
    return "zho" if report.language == "zh" else "eng"
