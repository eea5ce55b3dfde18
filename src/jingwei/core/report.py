"""Evidence for other programs: SARIF 2.1.0 for code hosts, JUnit for CI, JSON for everything else.

An incomplete examination is never shown as a clean one: in SARIF it is a notification and an unsuccessful
invocation, in JUnit an error.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from jingwei.core.canonical import Json
from jingwei.core.clock import stamp
from jingwei.core.evidence import Evidence, Outcome
from jingwei.core.finding import Finding, Severity
from jingwei.core.text import Both, Language

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.INFO: "note", Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error",
           Severity.CRITICAL: "error"}  # fmt: skip
# GitHub's scale of `security-severity`.
_SCORES = {Severity.INFO: "0.0", Severity.LOW: "3.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0",
           Severity.CRITICAL: "9.5"}  # fmt: skip

# dict[str, Any] below: SARIF is JSON whose shape its own schema describes.


def to_json(evidences: Sequence[Evidence]) -> list[Json]:
    """Return the evidence as it is stored, each with its id; the same that the API gives."""
    return [{"id": one.id, **one.model_dump(mode="json")} for one in evidences]


def to_sarif(evidences: Sequence[Evidence], language: Language) -> dict[str, Any]:
    """Return a SARIF log with one run for each piece of evidence."""
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [_run(one, language) for one in evidences]}


def _run(evidence: Evidence, language: Language) -> dict[str, Any]:
    name = evidence.source.name
    run = sarif_run(evidence.findings, language, name=name, version=evidence.source.version)
    return {
        **run,
        "automationDetails": {"id": f"{name}/{evidence.type}/{evidence.id[:16]}"},
        "invocations": [_invocation(evidence, language)],
        "properties": {
            "evidenceId": evidence.id,
            "evidenceType": evidence.type,
            "outcome": evidence.outcome.value,
            "examined": evidence.examined,
            "target": evidence.target.locator,
            "bindings": [binding.model_dump(mode="json") for binding in evidence.bindings],
            "measures": {measure.name: measure.value for measure in evidence.measures},
        },
    }


def sarif_run(findings: Sequence[Finding], language: Language, *, name: str, version: str) -> dict[str, Any]:
    """Return the part of a SARIF run that its findings make: the rules that fired, and where.

    Args:
        findings: what was found.
        language: of the texts.
        name: of the check or scan.
        version: of it; empty where it has none.
    """
    rules: dict[str, int] = {}
    described = []
    for finding in findings:
        if finding.rule_id not in rules:
            rules[finding.rule_id] = len(rules)
            described.append(_rule(finding, language))
    driver = {"name": f"jingwei {name}", "version": version or "0", "rules": described}
    return {
        "tool": {"driver": driver},
        "language": "zh-CN" if language == "zh" else "en",
        "results": [_result(one, rules[one.rule_id], language) for one in findings],
        "columnKind": "unicodeCodePoints",
    }


def warnings(gaps: Sequence[Both], language: Language) -> list[dict[str, Any]]:
    """Return what was not looked at as SARIF's notifications."""
    return [{"level": "warning", "message": {"text": gap.of(language)}} for gap in gaps]


def _rule(finding: Finding, language: Language) -> dict[str, Any]:
    return {
        "id": finding.rule_id,
        "name": "".join(word.capitalize() for word in finding.rule_id.replace(".", "-").split("-")),
        "shortDescription": {"text": finding.title.of(language)},
        "help": {"text": finding.remedy.of(language)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"security-severity": _SCORES[finding.severity], "tags": ["security", *finding.control_ids]},
    }


def _invocation(evidence: Evidence, language: Language) -> dict[str, Any]:
    return {
        "executionSuccessful": not evidence.skipped and evidence.outcome is not Outcome.INCOMPLETE,
        "startTimeUtc": stamp(evidence.started_at),
        "endTimeUtc": stamp(evidence.finished_at),
        "toolExecutionNotifications": warnings(evidence.skipped, language),
    }


def _result(finding: Finding, rule: int, language: Language) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.detail.of(language)},
        "partialFingerprints": {"jingwei/v1": finding.fingerprint},
        "properties": {"severity": finding.severity.value, "remedy": finding.remedy.of(language)},
    }
    if finding.location.path:
        result["locations"] = [_location(finding)]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    """Return where it lies: by line in a text, by byte otherwise; what follows `!` lies inside an archive."""
    where = finding.location
    file, _, member = where.path.partition("!")
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(file.lstrip("/"))}}
    region: dict[str, int] = {}
    if where.line is not None:
        region["startLine"] = where.line
    elif where.start is not None and not member:
        region["byteOffset"] = where.start
        region["byteLength"] = max((where.end or where.start) - where.start, 0)
    if region:
        physical["region"] = region
    location: dict[str, Any] = {"physicalLocation": physical}
    if member:
        location["logicalLocations"] = [{"name": member, "kind": "member", "fullyQualifiedName": where.path}]
    return location


def to_junit(evidences: Sequence[Evidence], language: Language) -> str:
    """Return a JUnit report: one suite for each piece of evidence, one case for each rule that fired."""
    root = Element("testsuites", name="jingwei")
    for evidence in evidences:
        root.append(_suite(evidence, language))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    return tostring(root, encoding="unicode", xml_declaration=True)


def _suite(evidence: Evidence, language: Language) -> Element:
    seconds = (evidence.finished_at - evidence.started_at).total_seconds()
    suite = Element("testsuite", name=f"{evidence.source.name} {evidence.target.name or evidence.target.locator}",
                    timestamp=stamp(evidence.started_at), time=f"{seconds:.3f}")  # fmt: skip
    by_rule: dict[str, list[Finding]] = {}
    for finding in evidence.findings:
        by_rule.setdefault(finding.rule_id, []).append(finding)
    failures = 0
    for rule, findings in by_rule.items():
        case = SubElement(suite, "testcase", name=rule, classname=evidence.type)
        fails = evidence.outcome is Outcome.FAIL and max(one.severity.rank for one in findings) > Severity.LOW.rank
        body = SubElement(case, "failure" if fails else "system-out")
        body.text = _printable("\n".join(_lines(findings, language)))
        if fails:
            failures += 1
            body.set("message", _printable(findings[0].title.of(language)))
            body.set("type", findings[0].severity.value)
    errors = _whole(suite, evidence, failures, language=language)
    failures += errors < 0
    for name, value in (("tests", len(suite)), ("failures", failures), ("errors", max(errors, 0)), ("skipped", 0)):
        suite.set(name, str(value))
    return suite


def _whole(suite: Element, evidence: Evidence, failures: int, *, language: Language) -> int:
    """Add the case of the examination as a whole; 1 if it is an error, -1 if a failure no rule accounts for."""
    case = SubElement(suite, "testcase", name=evidence.outcome.value, classname=evidence.type)
    summary = _printable(evidence.summary.of(language))
    if evidence.skipped or evidence.outcome is Outcome.INCOMPLETE:
        error = SubElement(case, "error", message=summary, type="incomplete")
        error.text = _printable("\n".join(one.of(language) for one in evidence.skipped))
        return 1
    if evidence.outcome is Outcome.FAIL and not failures:
        SubElement(case, "failure", message=summary, type="fail")
        return -1
    SubElement(case, "system-out").text = summary
    return 0


def _lines(findings: Sequence[Finding], language: Language) -> Iterator[str]:
    for finding in findings:
        place = finding.location.path + ("" if finding.location.start is None else f"@{finding.location.start}")
        yield " ".join(filter(None, [f"[{finding.severity}]", place, finding.detail.of(language),
                                     finding.remedy.of(language)]))  # fmt: skip


def _printable(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(c for c in text if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "�" or c > "\uffff")
