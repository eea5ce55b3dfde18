"""Every rule finds its own bad example and is silent on its good one; well-made programs stay clean."""

from pathlib import Path

import pytest

from jingwei.core.finding import Severity
from jingwei.core.text import text
from jingwei.deploy.code.rule import rules
from jingwei.deploy.code.scanner import Options, scan

CLEAN = sorted((Path(__file__).parent / "clean").glob("*.txt"))


def scanned(folder, source, *, name="app.py", **options):
    (folder / name).write_text(source, encoding="utf-8")
    return [each for one in scan(str(folder), Options(semgrep="off", **options)) for each in one.findings]


def name_for(rule):
    return "hubconf.py" if rule == "code.import-runs" else "app.py"


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_rule_finds_its_bad_example(rule, tmp_path):
    found = scanned(tmp_path, rules()[rule].bad, name=name_for(rule), bandit=False)
    assert rule in {each.rule_id for each in found}


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_rule_is_silent_on_its_good_example(rule, tmp_path):
    assert not scanned(tmp_path, rules()[rule].good, name=name_for(rule), bandit=False)


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_a_well_made_program_is_clean(path, tmp_path):
    assert [(each.location.line, each.rule_id) for each in scanned(tmp_path, path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_rule_has_its_texts_and_references(rule):
    key = rule.replace(".", "-")
    assert all(text(f"deploy.code:{key}{end}") for end in ("", "-detail", "-remedy"))
    assert rules()[rule].references


def test_there_are_at_least_25_rules_of_our_own():
    assert len(rules()) >= 25


def test_what_runs_code_is_critical(tmp_path):
    worst = max(scanned(tmp_path, rules()["code.eval"].bad, bandit=False), key=lambda each: each.severity.rank)
    assert worst.severity is Severity.CRITICAL
