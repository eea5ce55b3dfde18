"""The checks of code, configuration and images give evidence that keeps the whole scan."""

import asyncio
import json
from importlib.metadata import entry_points

import pytest

from jingwei.core.check import Run, examine_all
from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.target import Target, TargetKind
from jingwei.deploy.code import CodeAudit, CodeAuditOptions
from jingwei.deploy.config import ConfigScan, ConfigScanOptions, ImageScan, ImageScanOptions


def concluded(check, options, path):
    kept = {}

    def keep(name, media_type, content):
        kept[name] = content
        return Artefact(name=name, media_type=media_type, size=len(content), sha256="0" * 64)

    run = Run(id="r", target=Target(kind=TargetKind.FILE, locator=str(path)), options=options, keep=keep)
    units = check.plan(run)
    results = asyncio.run(examine_all(check, run, units, done={}, each=lambda _number, _result: None))
    (draft,) = check.conclude(run, units, json.loads(json.dumps(results)))
    return draft, json.loads(kept["scan.json"])


def test_the_audit_of_code_is_evidence_for_a_release(tmp_path):
    (tmp_path / "a.py").write_text("import requests\nrequests.get('https://a', verify=False, timeout=1)\n")
    draft, kept = concluded(CodeAudit(), CodeAuditOptions(), tmp_path)
    assert (draft.type, draft.outcome, len(draft.findings)) == ("EV-CODE", Outcome.FAIL, 1)
    assert kept["scanned"][0]["findings"][0]["evidence"]


def test_code_that_is_not_examined_is_no_pass(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = = 1\n")
    draft, _ = concluded(CodeAudit(), CodeAuditOptions(), tmp_path)
    assert draft.outcome is Outcome.INCOMPLETE
    assert not draft.bindings[0].observed


def test_clean_configuration_is_a_pass_bound_to_its_files(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM a:1\nUSER app\n")
    first, _ = concluded(ConfigScan(), ConfigScanOptions(), tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM a:2\nUSER app\n")
    second, _ = concluded(ConfigScan(), ConfigScanOptions(), tmp_path)
    assert first.outcome is second.outcome is Outcome.PASS
    assert first.bindings[0].digest != second.bindings[0].digest


def test_an_image_is_scanned_as_such(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "usr").mkdir()
    (tmp_path / "etc" / "os-release").write_text("PRETTY_NAME=x\n")
    draft, _ = concluded(ImageScan(), ImageScanOptions(), tmp_path)
    assert (draft.type, draft.outcome) == ("EV-IMAGE", Outcome.PASS)


def test_evidence_is_bound_to_what_it_is_said_to_be_for(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "Dockerfile").write_text("FROM a:1\nUSER app\n")
    release, deployment = "a" * 64, "b" * 64
    code, _ = concluded(CodeAudit(), CodeAuditOptions(release_digest=release), tmp_path)
    config, _ = concluded(ConfigScan(), ConfigScanOptions(deployment_digest=deployment), tmp_path)
    assert [one.bindings[0].digest for one in (code, config)] == [release, deployment]


@pytest.mark.parametrize("name", ["code-audit", "config-scan", "image-scan"])
def test_the_checks_are_registered(name):
    (found,) = entry_points(group="jingwei.checks", name=name)
    assert found.load().id == name
