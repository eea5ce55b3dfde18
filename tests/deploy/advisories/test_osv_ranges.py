"""OSV records become ranges that say what the schema's own algorithm says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.finding import Severity
from jingwei.deploy.advisories import read_osv
from jingwei.deploy.advisories.orders import key
from jingwei.deploy.advisories.osv import NotOsv, spans_of


def record(*events, ecosystem="PyPI", name="Some_Package", versions=(), **more):
    ranges = [{"type": "ECOSYSTEM", "events": [dict([event]) for event in events]}] if events else []
    package = {"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges, "versions": list(versions)}
    return {"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2026-0001"], "affected": [package], **more}


def read(*events, **more):
    (advisory,) = read_osv(record(*events, **more), source="test")
    return advisory


@pytest.mark.parametrize(
    ("events", "spans"),
    [
        ([("introduced", "0"), ("fixed", "1.2")], ["<1.2"]),
        ([("introduced", "0"), ("last_affected", "1.2")], ["<=1.2"]),
        ([("introduced", "1.0")], [">=1.0"]),
        ([("introduced", "0")], [""]),
        ([("introduced", "2.0"), ("fixed", "2.1"), ("introduced", "0"), ("fixed", "1.5")], ["<1.5", ">=2.0,<2.1"]),
        ([("introduced", "1.0"), ("introduced", "1.2"), ("fixed", "1.3")], [">=1.0,<1.3"]),
        ([("introduced", "0"), ("limit", "3.0")], ["<3.0"]),
        ([("fixed", "1.0")], []),
    ],
)
def test_events_become_ranges(events, spans):
    assert spans_of(events, "PyPI") == spans


def by_the_schema(version, events):
    """Tell whether a version is affected, as the pseudo-code of the schema does it."""
    at, said = key("PyPI", version), False
    rank = {"introduced": 0, "last_affected": 1, "fixed": 2}
    for kind, bound in sorted(events, key=lambda each: (key("PyPI", each[1]), rank[each[0]])):
        if kind == "introduced" and at >= key("PyPI", bound):
            said = True
        elif (kind == "fixed" and at >= key("PyPI", bound)) or (kind == "last_affected" and at > key("PyPI", bound)):
            said = False
    return said


releases = st.builds(lambda a, b: f"{a}.{b}", st.integers(0, 4), st.integers(0, 4))


@given(
    st.lists(st.tuples(st.sampled_from(["introduced", "fixed"]), releases), max_size=6, unique_by=lambda each: each[1]),
    st.lists(releases, max_size=8),
)
def test_ranges_say_what_the_schema_says(events, versions):
    spans = spans_of(events, "PyPI")
    advisory = read(*events)
    for version in versions:
        expected = by_the_schema(version, events)
        assert (advisory.hits(version) == "affected") == expected, (events, spans, version)


def test_a_version_of_the_list_is_affected_even_outside_the_ranges():
    advisory = read(("introduced", "2.0"), ("fixed", "2.1"), versions=["1.0", "2.0", "2.0.1"])

    assert advisory.versions == {"1.0"}
    assert advisory.hits("1.0") == advisory.hits("1.0.0") == advisory.hits("2.0.5") == "affected"
    assert advisory.hits("2.1") == "unaffected"


def test_a_record_of_commits_alone_decides_nothing():
    value = record()
    value["affected"][0]["ranges"] = [{"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}]}]
    (advisory,) = read_osv(value, source="test")

    assert advisory.hits("1.0") == "undecided"


def test_a_bound_that_is_no_version_is_undecided_not_ignored():
    assert read(("introduced", "0"), ("fixed", "not-a-version")).hits("1.0") == "undecided"


def test_names_are_compared_as_the_ecosystem_compares_them():
    assert read(("introduced", "0")).package == "some-package"
    assert read(("introduced", "0"), ecosystem="npm", name="@Scope/Pkg").package == "@scope/pkg"


def test_the_newest_cvss_decides_the_severity():
    severity = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"}]  # fmt: skip
    advisory = read(("introduced", "0"), severity=severity)

    assert (advisory.score, advisory.severity) == (5.3, Severity.MEDIUM)


@pytest.mark.parametrize(("word", "severity"), [("MODERATE", Severity.MEDIUM), ("Critical", Severity.CRITICAL)])
def test_a_word_stands_in_where_there_is_no_vector(word, severity):
    assert read(("introduced", "0"), database_specific={"severity": word}).severity is severity


def test_signals_of_exploitation_are_taken_from_the_record():
    own = {"kev": True, "epss": {"score": "0.91"}, "cwe_ids": ["CWE-502"]}
    advisory = read(("introduced", "0"), database_specific=own)

    assert (advisory.exploited, advisory.likelihood, advisory.weaknesses) == (True, 0.91, ("CWE-502",))


def test_a_malicious_package_is_critical():
    value = record(("introduced", "0")) | {"id": "MAL-2026-1"}

    assert read_osv(value, source="test")[0].severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "value", [None, [], {}, {"id": 3}, {"id": "a b", "affected": []}, {"id": "X-1"}, {"id": "X-1", "affected": 3}]
)
def test_what_is_no_record_is_refused(value):
    with pytest.raises(NotOsv):
        read_osv(value, source="test")


def test_a_range_of_a_strange_type_is_ignored():
    value = record(("introduced", "0"))
    value["affected"][0]["ranges"][0]["type"] = ["ECOSYSTEM"]

    assert read_osv(value, source="test")[0].hits("1.0") == "undecided"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["id", "affected", "package", "name", "ecosystem", "ranges", "type", "events", "introduced", "fixed", "versions",
         "severity", "score", "database_specific", "aliases", "references", "url"]), inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(json_values)
def test_any_json_is_read_or_refused(value):
    if isinstance(value, dict):
        value = {"id": "X-1", **value}
    try:
        found = read_osv(value, source="test")
    except NotOsv:
        return
    for advisory in found:
        assert advisory.hits("1.0") in {"affected", "unaffected", "undecided"}
        json.dumps(sorted(advisory.ids))
