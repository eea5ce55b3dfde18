"""The scan and the check: from lock files, folders and BOMs to findings, gaps and evidence."""

import asyncio
import hashlib
import json
from datetime import UTC, date, datetime

import pytest

from jingwei.core.check import Run, examine_all
from jingwei.core.errors import InputError
from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.target import Target, TargetKind
from jingwei.deploy.advisories import VulnerabilityScan, VulnerabilityScanOptions, read_vex
from jingwei.deploy.advisories.scanner import Options, scan
from jingwei.deploy.bom.scanner import Options as BomOptions
from jingwei.deploy.bom.scanner import scan as scan_bom
from jingwei.deploy.scanned import ScanVerdict


def by_path(target, **options):
    return {one.path: one for one in scan(str(target), Options(**options))}


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "requirements.txt").write_text("requests==2.31.0\nnumpy\nidna==99.0\n")
    return folder


def test_each_component_says_what_is_known_of_it(project):
    found = by_path(project)

    assert found["requests@2.31.0"].verdict is ScanVerdict.SUSPICIOUS
    assert found["requests@2.31.0"].facts["fixed"] == "2.33.0"
    assert found["idna@99.0"].verdict is ScanVerdict.CLEAN
    assert found["numpy"].verdict is ScanVerdict.INCOMPLETE
    assert not found["numpy"].findings


def test_a_finding_names_range_ids_fix_and_command(project):
    finding = next(each for each in by_path(project)["requests@2.31.0"].findings if "35195" in each.rule_id)

    assert finding.rule_id == "advisories.CVE-2024-35195"
    assert "GHSA-9wx4-h78v-vm56" in finding.detail.en
    assert "<2.32.0" in finding.detail.zh
    assert "pip install 'requests==2.33.0'" in finding.remedy.en
    assert finding.location.path == "requirements.txt"


def test_the_age_of_the_advisories_is_told_first_and_with_every_component(project):
    first = next(iter(scan(str(project), Options())))

    assert first.format == "advisory-store"
    assert int(first.facts["age-days"]) > 30
    assert [each.rule_id for each in first.findings] == ["advisories.stale"]
    assert "PyPA 2026-07-23" in by_path(project)["requests@2.31.0"].facts["advisories"]


def test_an_empty_store_is_incomplete_never_clean(project, tmp_path):
    (tmp_path / "empty").mkdir()
    found = by_path(project, store=str(tmp_path / "empty"), shipped=False)

    assert {one.verdict for one in found.values()} == {ScanVerdict.INCOMPLETE}


def test_an_ecosystem_nobody_covers_is_a_gap(tmp_path):
    (tmp_path / "Cargo.lock").write_text('version = 3\n[[package]]\nname = "serde"\nversion = "1.0"\nsource = "r"\n')

    assert by_path(tmp_path)["serde@1.0"].verdict is ScanVerdict.INCOMPLETE


def test_a_bom_gives_what_the_folder_gives(project, tmp_path):
    for name, document in (("a.cdx.json", "cyclonedx-1.6"), ("b.spdx.json", "spdx-3.0.1")):
        list(scan_bom(str(project), BomOptions(write=str(tmp_path / name), document=document)))
        direct, listed = by_path(project), by_path(tmp_path / name)

        assert {path: one.verdict for path, one in listed.items()} == {
            path: one.verdict for path, one in direct.items()
        }


def test_a_broken_lock_is_one_gap_and_the_rest_goes_on(project):
    (project / "poetry.lock").write_text("[[package]\n")
    found = by_path(project)

    assert found["poetry.lock"].verdict is ScanVerdict.INCOMPLETE
    assert "requests@2.31.0" in found


def test_what_vex_silences_stays_visible(project, tmp_path):
    statement = {"vulnerability": {"name": "CVE-2024-35195"}, "products": ["pkg:pypi/requests@2.31.0"],
                 "status": "not_affected", "justification": "vulnerable_code_not_present"}  # fmt: skip
    (tmp_path / "v.json").write_text(json.dumps({"author": "us", "statements": [statement]}))
    found = by_path(project, vex=str(tmp_path / "v.json"))["requests@2.31.0"].findings
    silenced = [each for each in found if each.rule_id == "advisories.silenced"]

    assert len(silenced) == 1
    assert "vulnerable_code_not_present" in silenced[0].detail.en
    assert not any("35195" in each.rule_id for each in found)


def test_what_was_found_can_be_written_as_vex(project, tmp_path):
    by_path(project, write_vex=str(tmp_path / "out.json"))

    assert len(read_vex(tmp_path / "out.json")) == 3


@pytest.mark.parametrize("given", ["missing", "empty", "x.cdx.json"])
def test_a_target_that_is_none_is_refused(tmp_path, given):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.cdx.json").write_text("{")
    with pytest.raises(InputError):
        list(scan(str(tmp_path / given), Options()))


def concluded(target, **options):
    kept = {}

    def keep(name, media_type, content):
        kept[name] = content
        return Artefact(name=name, media_type=media_type, sha256=hashlib.sha256(content).hexdigest(), size=len(content))

    run = Run(id="1", target=Target(kind=TargetKind.FILE, locator=str(target)), keep=keep,
              options=VulnerabilityScanOptions(**options), clock=lambda: datetime(2026, 8, 25, tzinfo=UTC))  # fmt: skip
    check = VulnerabilityScan()
    units = check.plan(run)
    results = asyncio.run(examine_all(check, run, units, done={}, each=lambda *_: None))
    return check.conclude(run, units, results), kept


def test_the_check_gives_both_kinds_of_evidence_with_the_whole_report(tmp_path):
    (tmp_path / "requirements.txt").write_text("requests==2.33.0\nmlflow==2.8.0\n")
    (vulnerabilities, intelligence), kept = concluded(tmp_path)

    assert (vulnerabilities.type, intelligence.type) == ("EV-VULN", "EV-VULN-INTEL")
    assert vulnerabilities.outcome is intelligence.outcome is Outcome.FAIL
    assert {each["path"] for each in json.loads(kept["scan.json"])["scanned"]} >= {"mlflow@2.8.0", "requests@2.33.0"}
    assert "requests@2.33.0" not in {each["path"] for each in json.loads(kept["scan-intelligence.json"])["scanned"]}
    assert vulnerabilities.bindings[0].digest
    (one,) = [each for each in json.loads(kept["scan.json"])["scanned"] if each["path"] == "mlflow@2.8.0"]
    days = dict(pair.split("=") for pair in one["facts"]["published"].split(";"))
    assert {each["rule_id"].partition(".")[2] for each in one["findings"]} >= set(days)
    assert all(date.fromisoformat(day) <= date(2026, 8, 25) for day in days.values())


def test_an_unknown_version_keeps_the_check_from_passing(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (vulnerabilities, _), _ = concluded(tmp_path)

    assert vulnerabilities.outcome is Outcome.INCOMPLETE
    assert vulnerabilities.skipped


def test_a_clean_set_passes_and_binds_to_what_it_is_made_of(tmp_path):
    (tmp_path / "requirements.txt").write_text("requests==2.33.0\n")
    (first, _), _ = concluded(tmp_path)
    (tmp_path / "requirements.txt").write_text("requests==2.34.0\n")
    (second, _), _ = concluded(tmp_path)

    assert first.outcome is second.outcome is Outcome.PASS
    assert first.bindings[0].digest != second.bindings[0].digest
