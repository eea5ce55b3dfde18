"""Our own semgrep rules find, in the languages that we do not read ourselves, what a model or a request decides."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from jingwei.deploy.code.rule import rules
from jingwei.deploy.code.scanner import Options, scan

HERE = Path(__file__).parent
RULES = Path(__file__).resolve().parents[3] / "src" / "jingwei" / "deploy" / "code" / "semgrep_rules"
SEMGREP = os.environ.get("JINGWEI_SEMGREP") or shutil.which("semgrep")

EXPECTED = {
    "a.js": {
        (5, "eval"),
        (6, "command"),
        (7, "sql"),
        (9, "address"),
        (9, "command"),
        (10, "cleartext-model"),
        (11, "tls-off"),
    },
    "b.ts": {(4, "eval")},
    "A.java": {(4, "command"), (5, "sql")},
    "a.go": {(12, "command"), (13, "sql"), (14, "tls-off"), (16, "address")},
    "b.c": {(12, "command")},
    "a.cpp": {(2, "command")},
    "A.cs": {(4, "command"), (5, "sql"), (6, "pickle-file")},
    "a.php": {(4, "eval"), (5, "command"), (7, "sql"), (8, "deserialise")},
    "a.rb": {(2, "eval")},
    "a.rs": {(1, "tls-off")},
}


def test_every_semgrep_rule_names_a_rule_of_ours():
    told = [rule for path in RULES.glob("*.yaml") for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]]
    assert len({rule["id"] for rule in told}) == len(told)
    assert all(rule["metadata"]["rule"] in rules() for rule in told)
    assert {language for rule in told for language in rule["languages"]} >= {
        "javascript", "typescript", "java", "go", "c", "cpp", "csharp", "php"
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(
    SEMGREP is None,
    reason="semgrep is in no environment of ours: its pins conflict; put it on PATH or name it in JINGWEI_SEMGREP",
)
def test_flaws_in_other_languages_are_found_and_sound_lines_are_not(tmp_path):
    for path in (HERE / "languages").iterdir():
        (tmp_path / path.name.removesuffix(".txt")).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    found = {
        one.path: {(each.location.line, each.rule_id.removeprefix("code.")) for each in one.findings}
        for one in scan(str(tmp_path), Options(semgrep=SEMGREP))
    }
    assert found == EXPECTED
