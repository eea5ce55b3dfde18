"""A weakness is reported once and read everywhere: our record in and out of the forms of others."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.errors import Conflict, InputError, Refused
from jingwei.ecosystem.sharing import FORMS, Report, State, Tlp, duplicates, moved, read_report, write_report
from jingwei.ecosystem.sharing.record import Affected, Range, Reference
from jingwei.ecosystem.sharing.triage import dues

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def report(**changed: object) -> Report:
    fields = {
        "id": "JW-2026-7",
        "title": "A chat template runs code",
        "summary": "Loading the model renders a template that reaches os.system.",
        "steps": "Load the file with llama-cpp-python 0.2.71.",
        "affected": (Affected(name="llama-cpp-python", kind="package", vendor="abetlen", ecosystem="PyPI",
                              ranges=(Range(introduced="0.2.30", fixed="0.2.72"),)),),
        "aliases": ("CVE-2024-34359",),
        "weaknesses": ("CWE-76",),
        "cvss": ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H",),
        "references": (Reference(url="https://example.org/advisory", kind="advisory"),),
        "credits": ("Lin",),
        "tlp": Tlp.CLEAR,
        "received_at": NOW,
    }  # fmt: skip
    return Report.model_validate({**fields, **changed})


@pytest.mark.parametrize("form", FORMS)
def test_a_report_comes_back_from_every_form(form):
    there = read_report(write_report(report(), form).encode(), now=NOW)

    assert there.form == form
    assert (there.report.id, there.report.title, there.report.received_at.date()) == (
        "JW-2026-7", "A chat template runs code", NOW.date())  # fmt: skip
    assert [each.name for each in there.report.affected] == ["llama-cpp-python"]


@pytest.mark.parametrize("form", ["osv", "avid", "caivd"])
def test_severity_and_weakness_survive(form):
    there = read_report(write_report(report(), form).encode(), now=NOW).report
    assert (there.cvss, there.weaknesses) == (report().cvss, report().weaknesses)


def test_osv_ranges_come_back_as_they_went():
    there = read_report(write_report(report(), "osv").encode(), now=NOW).report
    assert there.affected[0].ranges == report().affected[0].ranges


def test_an_advisory_of_the_python_database_is_read():
    given = {"id": "PYSEC-2024-1", "modified": "2024-05-01T00:00:00Z", "details": "A flaw.\nMore.",
             "affected": [{"package": {"ecosystem": "PyPI", "name": "m"}, "ranges": [
                 {"type": "GIT", "repo": "x", "events": [{"introduced": "0"}]},
                 {"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "3"}]}]}]}  # fmt: skip

    found = read_report(json.dumps(given).encode(), now=NOW).report

    assert found.title == "A flaw."
    assert found.affected[0].ranges == (Range(introduced="1", fixed="2"), Range(introduced="3"))


def test_what_is_not_for_everyone_does_not_leave_without_a_recipient():
    held = report(tlp=Tlp.AMBER)

    with pytest.raises(Refused) as refused:
        write_report(held, "stix")

    assert "TLP:AMBER" in str(refused.value)
    assert "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421" in write_report(held, "stix", recipient="CAIVD")


def test_how_to_show_it_goes_only_to_a_recipient():
    assert "0.2.71" not in write_report(report(), "caivd")
    assert "0.2.71" in write_report(report(), "caivd", recipient="CAIVD")


def test_a_bundle_with_an_older_marking_keeps_its_secrecy():
    given = json.loads(write_report(report(), "stix"))
    flaw = next(each for each in given["objects"] if each["type"] == "vulnerability")
    flaw["object_marking_refs"] = ["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]

    assert read_report(json.dumps(given).encode(), now=NOW).report.tlp is Tlp.RED


@pytest.mark.parametrize(("content", "code"), [
    (b"\xff\xfe not json", "ecosystem.sharing:unreadable"),
    (b"[1, 2]", "ecosystem.sharing:unreadable"),
    (b"{" * 100_000, "ecosystem.sharing:unreadable"),
    (b"a: &a [1]\nb: *a\n", "ecosystem.sharing:unreadable"),
    (b" " * (4 * 1024 * 1024 + 1), "ecosystem.sharing:too-large"),
    (b'{"type": "bundle", "objects": []}', "ecosystem.sharing:shape-wrong"),
    (b'{"id": "x", "title": ""}', "ecosystem.sharing:field-wrong"),
    (b'{"id": "x y", "modified": "2024-01-01T00:00:00Z", "affected": []}', "ecosystem.sharing:field-wrong"),
    (b'{"data_type": "AVID", "impact": {"cwe": [{"cweId": 7}]}, "affects": 3}', None),
])  # fmt: skip
def test_what_cannot_be_read_is_said(content, code):
    if code is None:
        assert read_report(content, now=NOW).form == "avid"
        return
    with pytest.raises(InputError) as wrong:
        read_report(content, now=NOW)
    assert wrong.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
KEYS = ["id", "modified", "affected", "package", "ranges", "events", "data_type", "affects", "artifacts", "type", "objects",
        "references", "url", "severity", "score", "impact", "avid", "cvss", "credits", "problemtype", "description"]  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON | st.lists(st.dictionaries(st.sampled_from(KEYS), JSON)), max_size=8)
)
def test_no_json_whatsoever_breaks_the_reading(data):
    for given_ in (data, {**data, "data_type": "AVID"}, {**data, "type": "bundle", "objects": [data]}):
        try:
            read_report(json.dumps(given_).encode(), now=NOW)
        except InputError as wrong:
            assert wrong.message.zh  # noqa: PT017 - any reading ends with a record or with words


def test_triage_goes_step_by_step():
    confirmed = moved(report(), State.CONFIRMED, at=NOW + timedelta(hours=3), by="lin", note="shown")

    assert confirmed.state is State.CONFIRMED
    with pytest.raises(Conflict):
        moved(confirmed, State.RECEIVED, at=NOW + timedelta(hours=4), by="lin")
    with pytest.raises(Conflict):
        moved(confirmed, State.FIXED, at=NOW, by="lin")


def test_clocks_start_with_the_step_before_and_run_faster_under_attack():
    told = {due.id: due for due in dues(report())}
    confirmed = moved(report(), State.CONFIRMED, at=NOW + timedelta(hours=3), by="lin")
    later = {due.id: due for due in dues(confirmed)}
    urgent = {due.id: due for due in dues(confirmed.model_copy(update={"exploited": True}))}

    assert set(told) == {"confirm"}
    assert later["confirm"].done == NOW + timedelta(hours=3)
    assert (later["authority"].by, later["authority"].clock) == (NOW + timedelta(hours=51), "CN-VULN-48H")
    assert urgent["vendor"].by < later["vendor"].by
    assert later["vendor"].late(NOW + timedelta(days=30))
    assert not later["confirm"].late(NOW + timedelta(days=30))


def test_two_reports_of_one_flaw_are_found():
    same_id = report(id="JW-2026-8", title="Something else", aliases=("CVE-2024-34359",), summary="Another text.")
    same_words = report(id="JW-2026-9", aliases=(), title="A chat template runs code!")
    other = report(id="JW-2026-10", aliases=(), title="Slow tokenizer", summary="It takes quadratic time on blanks.")

    pairs = {(each.first.id, each.second.id) for each in duplicates([report(), same_id, same_words, other])}

    assert ("JW-2026-7", "JW-2026-8") in pairs
    assert ("JW-2026-7", "JW-2026-9") in pairs
    assert not any("JW-2026-10" in pair for pair in pairs)
