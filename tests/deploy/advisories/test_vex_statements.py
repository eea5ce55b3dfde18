"""VEX in and out: what it silences stays visible, and what it may not silence still counts."""

import json
from datetime import UTC, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from jingwei.core.errors import InputError
from jingwei.deploy.advisories import Knowledge, Package, read_vex, shipped_store, write_cyclonedx_vex, write_openvex
from jingwei.deploy.advisories.vex import statement_for
from jingwei.deploy.bom import Component

NOW = datetime(2026, 11, 23, tzinfo=UTC)
REQUESTS = Component(kind="library", name="requests", version="2.31.0")


@pytest.fixture(scope="module")
def flaws():
    return Knowledge([shipped_store()]).match(Package("PyPI", "requests", "2.31.0")).affected


def openvex(tmp_path, **statement):
    said = {"vulnerability": {"name": "CVE-2024-35195"}, "products": [{"@id": "pkg:pypi/requests@2.31.0"}],
            "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"} | statement  # fmt: skip
    path = tmp_path / "vex.json"
    path.write_text(json.dumps({"@context": "https://openvex.dev/ns/v0.2.0", "author": "us", "statements": [said]}))
    return read_vex(path)


def silenced(flaws, statements):
    said = {flaw.ids[0]: statement_for(flaw, REQUESTS, statements) for flaw in flaws}
    return {name for name, each in said.items() if each and each.honoured}


@pytest.mark.parametrize(
    ("statement", "counts"),
    [
        ({}, False),
        ({"status": "fixed"}, False),
        ({"products": ["pkg:pypi/requests"]}, False),
        ({"products": [{"@id": "app", "subcomponents": [{"@id": "pkg:pypi/requests@2.31.0"}]}]}, False),
        ({"vulnerability": "CVE-2024-35195"}, False),
        ({"vulnerability": {"name": "X-1", "aliases": ["GHSA-9wx4-h78v-vm56"]}}, False),
        ({"justification": ""}, True),
        ({"products": ["pkg:pypi/requests@2.30.0"]}, True),
        ({"products": ["pkg:npm/requests@2.31.0"]}, True),
        ({"products": []}, True),
        ({"status": "affected"}, True),
        ({"status": "under_investigation"}, True),
        ({"status": "nonsense"}, True),
        ({"vulnerability": {"name": "CVE-1999-1"}}, True),
    ],
)
def test_a_statement_silences_only_what_it_names_with_a_reason(tmp_path, flaws, statement, counts):
    assert ("CVE-2024-35195" not in silenced(flaws, openvex(tmp_path, **statement))) == counts


def test_the_last_word_counts(tmp_path, flaws):
    early = openvex(tmp_path, timestamp="2026-01-01T00:00:00Z")
    late = openvex(tmp_path, timestamp="2026-02-01T00:00:00Z", status="affected")

    assert not silenced(flaws, (*late, *early))


def test_cyclonedx_vex_speaks_of_references(tmp_path, flaws):
    analysis = {"state": "not_affected", "justification": "code_not_reachable"}
    said = {"id": "CVE-2024-35195", "analysis": analysis, "affects": [{"ref": "urn:cdx:x/1#pkg:pypi/requests@2.31.0"}]}
    (tmp_path / "v.json").write_text(json.dumps({"bomFormat": "CycloneDX", "vulnerabilities": [said]}))

    assert silenced(flaws, read_vex(tmp_path / "v.json")) == {"CVE-2024-35195"}


def test_what_is_written_reads_back(tmp_path, flaws):
    (statement,) = openvex(tmp_path)
    found = [(REQUESTS, flaw, statement_for(flaw, REQUESTS, [statement])) for flaw in flaws]
    for name, document in (("o", write_openvex(found, author="us", at=NOW)), ("c", write_cyclonedx_vex(found, at=NOW))):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document))
        back = read_vex(path)

        assert len(back) == len(flaws)
        assert {each.status for each in back} == {"not_affected", "under_investigation"}
        assert all(statement_for(flaw, REQUESTS, back) for flaw in flaws)


def test_the_cyclonedx_form_is_strictly_valid(flaws):
    document = write_cyclonedx_vex([(REQUESTS, flaw, None) for flaw in flaws], at=NOW)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", '{"bomFormat": "x"}'])
def test_what_is_no_vex_is_refused(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(InputError, match=r"x\.json"):
        read_vex(tmp_path / "x.json")
