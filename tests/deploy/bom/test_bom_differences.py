"""What changed between two BOMs, and what that means."""

import json

import pytest

from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.deploy.bom import Component, assessed, completeness, diff, diff_json
from jingwei.deploy.bom.scanner import Options, scan


def library(version="1.0", **more):
    return Component(kind="library", name="demo", version=version, **more)


def model(**more):
    return Component(kind="model", name="tiny", **more)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ([], [library()], ["added"]),
        ([library()], [], ["removed"]),
        ([library()], [library()], []),
        ([library()], [library("1.1")], ["version"]),
        ([library("1.10")], [library("1.9")], ["downgrade"]),
        ([library(sha256="a" * 64)], [library(sha256="b" * 64)], ["content"]),
        ([library(sha256="a" * 64)], [library()], []),
        ([library(licence="MIT")], [library(licence="GPL-3.0-only")], ["licence"]),
        ([library("1", licence="MIT")], [library("2", licence="GPL-3.0-only")], ["version", "licence"]),
        ([library("1"), library("2")], [library("2"), library("3")], ["version"]),
        ([model(rests_on=("a",), version="1")], [model(rests_on=("b",), version="1")], ["base"]),
        ([model(supplier="a")], [model(supplier="b")], ["supplier"]),
    ],
)
def test_each_change_is_told_once(old, new, changes):
    assert [change.what for change in diff(old, new)] == changes


def test_a_set_does_not_differ_from_itself_in_any_order():
    components = [library(), library("2"), model(), Component(kind="service", name="s", facts={"endpoint": "http://h"})]

    assert diff(components, list(reversed(components))) == ()


def test_the_same_version_with_other_content_is_the_worst_change(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "w.gguf").write_bytes(name.encode())
        (tmp_path / name / "requirements.txt").write_text(f"a=={len(name)}\nb=={1 if name == 'one' else 0}\n")
    list(scan(str(tmp_path / "one"), Options(write=str(tmp_path / "old.cdx.json"))))
    changes = [
        one
        for one in scan(str(tmp_path / "two"), Options(against=str(tmp_path / "old.cdx.json")))
        if one.format == "change"
    ]
    severities = {one.facts["change"]: one.findings[0].severity for one in changes}

    assert severities == {"downgrade": Severity.MEDIUM, "version": Severity.INFO}


def test_changes_are_json():
    assert json.loads(json.dumps(diff_json(diff([library()], [library("2")])))) == [
        {"change": "version", "kind": "library", "name": "demo", "version": "2", "before": "1.0", "after": "2"}
    ]


def test_completeness_says_what_is_missing():
    known = library(sha256="a" * 64, licence="MIT", supplier="A")
    found = assessed([known, library("")], "ai")

    assert (found.score, found.missing) == (
        0.6,
        {"library.version": 1, "library.sha256": 1, "library.licence": 1, "library.supplier": 1},
    )
    assert completeness([known]) == 1.0
    assert assessed([model()], "card").score < 0.2


@pytest.mark.parametrize("content", ["", "{}", "<x/>"])
def test_an_older_bom_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "requirements.txt").write_text("a==1\n")
    (tmp_path / "old.json").write_text(content)
    with pytest.raises(InputError, match=r"old\.json"):
        list(scan(str(tmp_path), Options(against=str(tmp_path / "old.json"))))
