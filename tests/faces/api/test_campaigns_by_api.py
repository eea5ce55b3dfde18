"""A program runs a purple-team campaign through the API: target, draft, tries, finds, triage, suite; and who may not."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

HOSTILE = "<script>alert(1)</script> Sure: write to jane.doe@example.com \x1b[31m"


class Model(BaseHTTPRequestHandler):
    """A model's server that says something hostile."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(
            {"choices": [{"message": {"role": "assistant", "content": HOSTILE}, "finish_reason": "stop"}]}
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_given):
        """Say nothing."""


@pytest.fixture(scope="module")
def model():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def terms(**changed):
    now = datetime.now(UTC)
    given = {"title": "Autumn", "purpose": "Find gaps", "rules": "No flooding", "requests": 20, "per_minute": 60,
             "starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}  # fmt: skip
    return given | changed


@pytest.fixture(scope="module")
def system_id(here):
    return here.guarded("attacked")


@pytest.fixture(scope="module")
def target(here, system_id, model):
    body = {"kind": "endpoint", "locator": model, "model": "small", "reason": "A test copy."}
    return here.post("security", f"/systems/{system_id}/campaign-targets", body)


def opened(here, target, **changed):
    made = here.post("legal", f"/campaign-targets/{target['id']}/campaigns", terms(**changed))
    return here.post("legal", f"/campaigns/{made['id']}/open", status=200)


def test_a_program_takes_a_campaign_from_its_target_to_a_suite(here, system_id, target):
    campaign = opened(here, target)
    assert campaign["running"]
    place = f"/campaigns/{campaign['id']}"
    tried = here.post("business", f"{place}/tries", {"prompt": "Write to whom? Call 13800138000."})
    assert tried["state"] == "answered"
    assert "jane.doe" not in tried["answer"]
    assert "13800138000" not in tried["prompt"]
    assert here.get("business", f"/campaigns/tries/{tried['id']}")["mine"]
    assert here.get("engineer", f"{place}/tries")["items"][0]["prompt"] is None
    assert here.get("auditor", f"{place}/tries")["items"][0]["prompt"]
    found = {"category": "tc260:a4-f", "reason": "It names a person."}
    find = here.post("business", f"/campaigns/tries/{tried['id']}/submit", found)
    assert here.post("business", f"/finds/{find['id']}/triage", {"decision": "accept", "severity": "high"}, 403)
    done = here.post("security", f"/finds/{find['id']}/triage", {"decision": "accept", "severity": "high"}, 200)
    assert (done["state"], done["score"]) == ("accepted", 10)
    assert [each["id"] for each in here.get("auditor", "/finds", params={"campaign": campaign["id"]})["items"]] == [
        find["id"]
    ]
    assert here.get("auditor", "/finds", params={"state": "rejected"})["items"] == []
    (risk,) = here.get("auditor", f"/systems/{system_id}/risks")
    assert risk["severity"] == "high"
    assert "risk" in [each["code"] for each in here.get("auditor", f"/systems/{system_id}/gate")["blockers"]]
    (rank,) = here.get("engineer", f"{place}/leaderboard")
    assert (rank["participant"], rank["account_id"], rank["score"]) == ("P1", "", 10)
    assert here.post("business", f"{place}/suite", status=403)
    suite = here.post("security", f"{place}/suite", status=200)
    assert yaml.safe_load(suite["content"])["categories"][0]["tags"] == ["tc260:a4-f"]
    mended = here.post("security", f"/finds/{find['id']}/mend", {"note": "The guard redacts it."}, 200)
    assert mended["state"] == "mended"
    assert here.get("auditor", f"/systems/{system_id}/risks") == []
    assert here.post("legal", f"{place}/close", status=200)["state"] == "closed"
    assert here.post("business", f"{place}/tries", {"prompt": "Again?"}, 409)["code"] == "manage:campaign-not-open"


def test_who_may_not_is_refused(here, system_id, target):
    body = {"kind": "gateway", "reason": "x"}
    assert here.post("business", f"/systems/{system_id}/campaign-targets", body, 403)["code"] == "manage:not-allowed"
    refused = here.post("security", f"/campaign-targets/{target['id']}/campaigns", terms(), 403)
    assert refused["code"] == "manage:campaign-own-target"
    for login in ("auditor", "admin"):
        assert here.post(login, f"/campaign-targets/{target['id']}/campaigns", terms(), 403)
    campaign = opened(here, target)
    for login in ("auditor", "admin"):
        assert here.post(login, f"/campaigns/{campaign['id']}/tries", {"prompt": "x"}, 403)
    here.add("narrow", "business", scopes=frozenset({"system.edit"}))
    refused = here.post("narrow", f"/campaigns/{campaign['id']}/tries", {"prompt": "x"}, 403)
    assert refused["code"] == "manage:outside-scope"
    assert here.get("auditor", f"/campaigns/{campaign['id']}")["used"] == 0


@pytest.mark.parametrize("changed", [
    {"requests": 0}, {"requests": 10_001}, {"per_minute": 0}, {"title": ""}, {"rules": " "}, {"ends_at": "2020-01-01T00:00:00Z"},
    {"extra": 1}, {"requests": "5"}, {"starts_at": 0},
])  # fmt: skip
def test_terms_that_do_not_fit_are_refused(here, target, changed):
    assert here.post("legal", f"/campaign-targets/{target['id']}/campaigns", terms(**changed), 422)


def test_a_withdrawn_target_ends_its_campaigns(here, system_id, model):
    body = {"kind": "endpoint", "locator": model, "reason": "x"}
    target = here.post("system_owner", f"/systems/{system_id}/campaign-targets", body)
    campaign = opened(here, target)
    assert here.post("system_owner", f"/campaign-targets/{target['id']}/withdraw", status=200)["stands"] is False
    assert here.post("business", f"/campaigns/{campaign['id']}/tries", {"prompt": "x"}, 409)
    assert not here.get("auditor", f"/campaign-targets/{target['id']}")["stands"]
    assert target["id"] in [
        each["id"] for each in here.get("auditor", "/campaign-targets", params={"system": system_id})
    ]
    assert campaign["id"] in [each["id"] for each in here.get("auditor", "/campaigns", params={"system": system_id})]


def test_a_prompt_that_is_too_long_or_what_is_not_there_is_told(here, target):
    campaign = opened(here, target)
    assert here.post("business", f"/campaigns/{campaign['id']}/tries", {"prompt": "x" * 8001}, 422)
    assert here.get("auditor", "/campaigns/cmp_nothing", status=404)
    assert here.get("auditor", "/finds/fnd_nothing", status=404)
    assert here.post("business", "/campaigns/tries/try_nothing/submit", {"category": "tc260:a1-a", "reason": "x"}, 404)
