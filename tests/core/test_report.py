"""Evidence written for other programs."""

import json
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import fromstring

import pytest

from jingwei.core.evidence import Binding, BoundTo, Draft, Evidence, Measure, Outcome, Source, seal
from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.report import to_json, to_junit, to_sarif
from jingwei.core.signing import Signer
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both

START = datetime(2026, 1, 1, tzinfo=UTC)


def both(zh: str, en: str) -> Both:
    return Both(zh=zh, en=en)


def finding(rule: str = "pickle.dangerous-global", severity: Severity = Severity.CRITICAL, **where: object) -> Finding:
    return Finding(rule_id=rule, severity=severity, title=both("危险", "Danger"), detail=both("引用了 os", "Names os"),
                   remedy=both("不要加载", "Do not load"), location=Location(**where), control_ids=("C-1",))  # fmt: skip


def evidence(outcome: Outcome, *findings: Finding, skipped: tuple[Both, ...] = ()) -> Evidence:
    draft = Draft(type="EV-MODEL-SCAN", outcome=outcome, summary=both("摘要", "Summary"), findings=findings, skipped=skipped,
                  bindings=(Binding(to=BoundTo.MODEL_VERSION, digest="0" * 64, observed=True),),
                  measures=(Measure(name="findings", title=both("发现", "Findings"), value=1, unit="count"),))  # fmt: skip
    return seal(draft, system_id=None, target=Target(kind=TargetKind.FILE, locator="m.pkl"),
                source=Source(kind="auto", name="model-scan", version="1"), started_at=START,
                finished_at=START + timedelta(seconds=2), signer=Signer(b"\1" * 32))  # fmt: skip


PLACED = finding(path="模型/m 1.pt!archive/data.pkl", start=24)


def test_sarif_has_the_structure_that_2_1_0_requires():
    log = to_sarif([evidence(Outcome.FAIL, PLACED, finding(path="a.txt", line=3), finding("x.y", Severity.LOW))], "en")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]

    assert log["version"] == "2.1.0"
    assert log["$schema"].startswith("https://")
    assert run["tool"]["driver"]["name"]
    assert [rule["id"] for rule in rules] == ["pickle.dangerous-global", "x.y"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        assert result["partialFingerprints"]["jingwei/v1"]
    assert json.loads(json.dumps(log)) == log


def test_sarif_places_a_finding_by_line_byte_or_member():
    log = to_sarif(
        [evidence(Outcome.FAIL, PLACED, finding(path="a.txt", line=3), finding(path="b.gguf", start=9))], "en"
    )
    member, line, byte = (result["locations"][0] for result in log["runs"][0]["results"])

    assert member["physicalLocation"]["artifactLocation"]["uri"] == "%E6%A8%A1%E5%9E%8B/m%201.pt"
    assert member["logicalLocations"][0]["name"] == "archive/data.pkl"
    assert line["physicalLocation"]["region"] == {"startLine": 3}
    assert byte["physicalLocation"]["region"] == {"byteOffset": 9, "byteLength": 0}


@pytest.mark.parametrize(
    ("severity", "level"),
    [("info", "note"), ("low", "note"), ("medium", "warning"), ("high", "error"), ("critical", "error")],
)
def test_severity_becomes_a_sarif_level(severity, level):
    log = to_sarif([evidence(Outcome.FAIL, finding(severity=Severity(severity)))], "en")

    assert log["runs"][0]["results"][0]["level"] == level


def test_sarif_speaks_the_language_asked_for():
    result = to_sarif([evidence(Outcome.FAIL, PLACED)], "zh")["runs"][0]["results"][0]

    assert result["message"]["text"] == "引用了 os"


def test_an_incomplete_examination_is_not_a_successful_invocation():
    log = to_sarif([evidence(Outcome.INCOMPLETE, skipped=(both("未看", "Not seen"),))], "en")
    (invocation,) = log["runs"][0]["invocations"]

    assert not invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "Not seen"


def suites(*given: Evidence):
    return fromstring(to_junit(given, "en"))


def test_junit_counts_failures_errors_and_passes():
    root = suites(evidence(Outcome.PASS), evidence(Outcome.FAIL, PLACED),
                  evidence(Outcome.INCOMPLETE, skipped=(both("未看", "Not seen"),)))  # fmt: skip

    assert [(suite.get("failures"), suite.get("errors")) for suite in root] == [("0", "0"), ("1", "0"), ("0", "1")]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "1")


def test_a_failure_always_fails_in_junit_even_without_findings():
    assert suites(evidence(Outcome.FAIL))[0].get("failures") == "1"


def test_findings_that_did_not_fail_the_check_do_not_fail_the_build():
    assert suites(evidence(Outcome.PASS, finding(severity=Severity.MEDIUM)))[0].get("failures") == "0"


def test_junit_survives_text_that_xml_cannot_hold():
    odd = finding(path="a\x00\x1b<&>\uffff.pkl", start=1)

    assert "a<&>.pkl@1" in (suites(evidence(Outcome.FAIL, odd))[0][0][0].text or "")


def test_json_is_the_evidence_with_its_id():
    one = evidence(Outcome.PASS)
    (written,) = to_json([one])

    assert written["id"] == one.id
    assert Evidence.model_validate({key: value for key, value in written.items() if key != "id"}).id == one.id
