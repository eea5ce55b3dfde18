"""A person passes a report on from the terminal, and takes it through triage."""

import json
from datetime import UTC, datetime

import pytest

from jingwei.core.clock import stamp


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({
        "id": "JW-1", "title": "A template runs code", "tlp": "amber", "received_at": stamp(datetime.now(UTC)),
        "affected": [{"name": "llama-cpp-python", "kind": "package"}],
    }))  # fmt: skip
    return path


def test_a_report_is_listed_with_what_is_due(jingwei, report):
    done = jingwei("sharing", "show", report)
    assert (done.code, "JW-1" in done.out, "Confirm or reject" in done.out) == (0, True, True)


def test_an_old_report_nobody_confirmed_is_late(jingwei, report):
    old = {**json.loads(report.read_text()), "received_at": "2024-01-01T00:00:00Z"}
    report.write_text(json.dumps(old))
    assert jingwei("sharing", "show", report, lang="zh").code == 1


def test_a_report_that_is_not_for_everyone_needs_a_recipient(jingwei, report):
    refused = jingwei("sharing", "convert", report, "--to", "stix")
    done = jingwei("sharing", "convert", report, "--to", "stix", "--recipient", "CAIVD")

    assert (refused.code, "TLP:AMBER" in refused.err) == (3, True)
    assert json.loads(done.out)["type"] == "bundle"


def test_triage_is_written_back_with_who_did_it(jingwei, report):
    assert jingwei("sharing", "move", report, "confirmed", "--by", "lin", "--note", "shown").code == 0
    assert jingwei("sharing", "move", report, "confirmed", "--by", "lin").code == 3
    kept = json.loads(report.read_text())
    assert [(each["to"], each["by"], each["note"]) for each in kept["moves"]] == [("confirmed", "lin", "shown")]


def test_a_foreign_file_is_not_rewritten_in_place(jingwei, report, tmp_path):
    osv = tmp_path / "osv.json"
    jingwei("sharing", "convert", report, "--to", "osv", "--recipient", "us", "--out", osv)

    refused = jingwei("sharing", "move", osv, "confirmed", "--by", "lin")

    assert (refused.code, "--out" in refused.err) == (2, True)
    assert jingwei("sharing", "move", osv, "confirmed", "--by", "lin", "--out", tmp_path / "own.json").code == 0


def test_duplicates_are_told(jingwei, report, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(report.read_text().replace("JW-1", "JW-2"))
    done = jingwei("sharing", "duplicates", report, other)
    assert (done.code, "100%" in done.out) == (1, True)


def test_hostile_words_cannot_command_the_terminal(jingwei, report):
    report.write_text(report.read_text().replace("A template", "\\u001b[31m[red]A"))
    assert "\x1b" not in jingwei("sharing", "show", report).out
