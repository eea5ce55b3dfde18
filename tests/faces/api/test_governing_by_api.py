"""A program governs a System from intake to retirement through the API alone."""

import json

import pytest

from jingwei.core.ledger import seal_pending, verify_export
from jingwei.core.snapshot import read_public_key, read_snapshot
from jingwei.core.target import TargetKind


def served(here, system_id):
    """Return what gateways were told about a System."""
    folder = here.platform.settings.snapshot_path
    snapshot = read_snapshot(folder, read_public_key(folder.parent / "platform.pub"))
    return next((each for each in snapshot.content.systems if each.system_id == system_id), None)


def test_a_program_takes_a_system_to_its_release_and_back(here):
    token = here.released("whole way")
    system_id = token["system_id"]
    assert here.get("auditor", f"/systems/{system_id}")["status"] == "live"
    assert here.get("auditor", f"/systems/{system_id}/gate")["passed"]
    assert here.get("auditor", f"/systems/{system_id}/tokens")["items"][0]["id"] == token["id"]
    assert here.get("auditor", f"/requests/{token['request_id']}/replay")["passed"]
    assert here.get("auditor", f"/systems/{system_id}/reassessments") is not None
    assert (
        here.post("security", f"/systems/{system_id}/suspend", {"reason": "An incident."}, 200)["status"] == "suspended"
    )
    assert here.get("auditor", f"/systems/{system_id}/tokens")["items"][0]["revoked_at"]
    assert here.post("system_owner", f"/systems/{system_id}/retire", {"reason": "Done."}, 200)["status"] == "retired"


def test_gateways_are_told_of_a_release_and_of_its_revocation_at_once(here):
    token = here.released("told")
    assert served(here, token["system_id"]).release_token == token["written"]
    here.post("security", f"/tokens/{token['id']}/revoke", {"reason": "A leak."}, 200)
    assert served(here, token["system_id"]).release_token is None


def test_an_intake_is_taken_once_and_then_brought_up_to_date(here):
    first = here.post("engineer", "/systems", here.file("twice"))
    assert first["created"]
    again = here.post("engineer", "/systems", here.file("twice", autonomy="L3"), 200)
    assert not again["created"]
    assert again["system"]["id"] == first["system"]["id"]
    held = {fact["name"]: fact["value"] for fact in here.get("auditor", f"/systems/{first['system']['id']}/facts")}
    assert held["autonomy"] == "L3"


def test_the_form_asks_every_fact_that_the_intake_wants(here):
    form = here.get("auditor", "/intake/form")
    assert {fact["id"] for fact in form} == set(here.file("x")["facts"])
    assert all(fact["question"]["zh"] and fact["question"]["en"] for fact in form)


def test_a_grade_explains_itself_and_says_what_would_change_it(here):
    system_id = here.registered("graded")
    graded = here.get("auditor", f"/systems/{system_id}/grade")
    assert graded["decision"]["grade"] == here.get("auditor", f"/systems/{system_id}/grade/preview")["grade"]
    assert graded["decision"]["fired"]
    changes = here.get("auditor", f"/systems/{system_id}/grade/counterfactuals")
    assert changes == graded["counterfactuals"]


def test_answers_change_some_facts_and_keep_the_others(here):
    system_id = here.registered("answered")
    held = here.patch("engineer", f"/systems/{system_id}/facts", {"facts": {"autonomy": "L1"}})
    assert {fact["name"]: fact["value"] for fact in held}["autonomy"] == "L1"
    assert len(held) == len(here.file("x")["facts"])


def test_an_edit_changes_only_what_it_names(here):
    system_id = here.registered("edited")
    after = here.patch("system_owner", f"/systems/{system_id}", {"upstream_model": "bigger"})
    assert (after["upstream_model"], after["upstream_url"]) == ("bigger", "http://127.0.0.1:8080/v1")


def test_components_are_added_answered_for_and_retired(here):
    system_id = here.registered("made of")
    before = here.get("auditor", f"/systems/{system_id}/configuration")
    body = {"kind": "dataset", "name": "leaflets", "digest": "d" * 64}
    made = here.post("engineer", f"/systems/{system_id}/components", body)
    assert (made["observed"], made["locator"]) == (False, "")
    assert here.get("auditor", f"/systems/{system_id}/configuration") != before
    gaps = here.get("auditor", f"/systems/{system_id}/components")["findings"]
    here.post("engineer", f"/components/{made['id']}/responsibility", {"party": "us"}, 200)
    assert len(here.get("auditor", f"/systems/{system_id}/components")["findings"]) < len(gaps)
    assert here.post("engineer", f"/components/{made['id']}/retire", status=200)["retired_at"]


def test_a_lower_grade_takes_two_approvers_with_their_passwords(here):
    system_id = here.registered("lowered")
    body = {"grade": 1, "reason": "A pilot.", "expires_at": "2027-01-31T00:00:00Z"}
    asked = here.post("business", f"/systems/{system_id}/overrides", body)
    path = f"/overrides/{asked['id']}/approve"
    assert here.post("security", path, {"password": "guessed wrongly"}, 401)["code"] == "core.identity:sign-in-failed"
    here.post("security", path, here.confirmed("security"), 200)
    assert here.get("auditor", f"/systems/{system_id}/grade/preview")["grade"] == 2
    here.post("system_owner", path, here.confirmed("system_owner"), 200)
    assert here.get("auditor", f"/systems/{system_id}/grade/preview")["grade"] == 1
    assert len(here.get("auditor", f"/systems/{system_id}/overrides")[0]["approvers"]) == 2
    assert here.post("business", f"/overrides/{asked['id']}/withdraw", status=200)["withdrawn_at"]


def test_a_policy_is_previewed_attached_and_remembered(here):
    system_id = here.registered("guarded")
    assert here.get("auditor", f"/systems/{system_id}/policy") is None
    wanted = {"guard": {"words": ["nightingale"]}}
    preview = here.post("auditor", f"/systems/{system_id}/policy/preview", wanted, 200)
    assert here.get("auditor", f"/systems/{system_id}/policies") == []
    attached = here.put("security", f"/systems/{system_id}/policy", wanted)
    assert here.get("auditor", f"/systems/{system_id}/policy") == preview
    assert [each["digest"] for each in here.get("auditor", f"/systems/{system_id}/policies")] == [attached["digest"]]
    assert served(here, system_id).policy.words == ("nightingale",)


def test_evidence_is_listed_with_its_standing_verified_and_downloaded(here):
    system_id = here.ready("proven")
    listed = here.get("auditor", f"/systems/{system_id}/evidence", params={"limit": 2})
    assert len(listed["items"]) == listed["next_offset"] == 2
    every = here.get("auditor", f"/systems/{system_id}/evidence", params={"limit": 200})["items"]
    assert {each["standing"]["state"] for each in every} == {"valid"}
    document = next(each for each in every if each["evidence"]["artefacts"])
    assert here.get("auditor", f"/evidence/{document['id']}")["evidence"] == document["evidence"]
    assert here.get("auditor", f"/evidence/{document['id']}/verification")["artefacts"] == ["report.pdf"]
    sha256 = document["evidence"]["artefacts"][0]["sha256"]
    got = here.ask("auditor", "GET", f"/evidence/{document['id']}/artefacts/{sha256}")
    assert got.content == b"report"
    assert got.headers["content-disposition"].startswith("attachment")
    assert here.get("auditor", f"/evidence/{document['id']}/artefacts/{'0' * 64}", 404)["code"] == "core:blob-unknown"


def test_evidence_names_only_files_that_were_uploaded(here):
    system_id = here.registered("no file")
    body = {
        "type": "EV-VENDOR",
        "system_id": system_id,
        "statement": "x",
        "artefacts": [{"name": "a", "sha256": "0" * 64}],
    }
    assert here.post("security", "/evidence", body, 422)["code"] == "faces.api:artefact-not-uploaded"


def test_a_check_is_asked_for_watched_and_cancelled(here, monkeypatch):
    system_id = here.guarded("checked")
    handed = []
    monkeypatch.setattr(type(here.platform.jobs), "enqueue", lambda _jobs, run_id: handed.append(run_id))
    monkeypatch.setattr(type(here.platform.jobs), "cancel", lambda _jobs, run_id: handed.remove(run_id))
    target = {"kind": "endpoint", "locator": "http://127.0.0.1:1/v1"}
    [run] = here.post("engineer", f"/systems/{system_id}/runs", {"check": "redteam", "target": target}, 202)
    assert handed == [run["id"]]
    assert here.get("auditor", f"/runs/{run['id']}")["status"] == "queued"
    assert here.get("auditor", "/runs", params={"system": system_id})["items"][0]["id"] == run["id"]
    assert here.get("auditor", f"/runs/{run['id']}/events")["items"] == []
    assert here.post("engineer", f"/runs/{run['id']}/cancel", status=200)["status"] == "cancelled"
    assert handed == []


def test_the_server_chooses_what_a_check_looks_at(here, monkeypatch):
    system_id = here.guarded("chosen")
    handed = []
    monkeypatch.setattr(type(here.platform.jobs), "enqueue", lambda _jobs, run_id: handed.append(run_id))
    wanted = here.get("auditor", f"/systems/{system_id}/runs/wanted")
    [run] = here.post("engineer", f"/systems/{system_id}/runs", {"check": "redteam"}, 202)
    assert run["target"]["kind"] == TargetKind.GATEWAY.value
    runs = here.post("engineer", f"/systems/{system_id}/runs/wanted", status=202)
    assert [each["check_id"] for each in runs] == [each["check_id"] for each in wanted]
    assert len(handed) == len(runs) + 1
    unwanted = here.post("engineer", f"/systems/{system_id}/runs", {"check": "model-scan"}, 422)
    assert unwanted["code"] == "faces.api:nothing-wanted"


def test_a_run_that_nobody_can_take_over_is_closed_and_says_why(here):
    system_id = here.guarded("no worker")
    target = {"kind": "endpoint", "locator": "http://127.0.0.1:1/v1"}
    error = here.post("engineer", f"/systems/{system_id}/runs", {"check": "redteam", "target": target}, 503)
    run = here.get("auditor", "/runs", params={"system": system_id})["items"][0]
    assert (run["status"], run["error_code"]) == ("failed", error["code"])


def test_the_ledger_is_read_verified_and_exported(here, tmp_path):
    here.registered("entered")
    first = here.get("auditor", "/ledger/entries", params={"limit": 3})
    second = here.get("auditor", "/ledger/entries", params={"limit": 3, "before": first["next_before"]})
    numbers = [each["number"] for each in first["items"] + second["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 6
    assert first["total"] >= 6
    seal_pending(here.platform.store)
    assert here.get("auditor", "/ledger/verification")["holds"]
    assert here.get("auditor", "/ledger/anchor")["size"] > 0
    exported = here.ask("auditor", "GET", "/ledger/export")
    assert exported.headers["content-type"].startswith("application/jsonl")
    assert json.loads(exported.text.splitlines()[0])["kind"] == "head"
    (tmp_path / "ledger.jsonl").write_bytes(exported.content)
    report = verify_export(tmp_path / "ledger.jsonl", verifier=here.platform.signer.verifier)
    assert report.holds
    assert report.entries > 6


@pytest.mark.parametrize("kind", ["frameworks", "controls", "risks", "measures", "guidelines", "practices", "focus_areas",
                                  "evidence_types", "clocks", "filing", "grading_cases"])  # fmt: skip
def test_the_catalogue_is_listed_whole_and_shown_one_by_one(here, kind):
    listed = here.get("auditor", f"/catalog/entries/{kind}")["items"]
    assert len(listed) == min(100, len(getattr(here.platform.catalog, kind)))
    assert here.get("auditor", f"/catalog/entries/{kind}/{listed[0]['id']}") == listed[0]
    assert here.get("auditor", f"/catalog/entries/{kind}/none-such", 404)["field"] == "entry"


def test_coverage_names_every_count(here):
    coverage = here.get("auditor", "/catalog/coverage")
    assert all(each["total"] == each["automatic"] + each["automatable"] + each["by_people"] for each in coverage)
    assert here.get("auditor", "/catalog/frameworks")
