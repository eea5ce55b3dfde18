"""What comes before any service: keys, bodies, sizes, methods, and errors in both languages."""

import json
from pathlib import Path

import pytest

from jingwei.core.text import texts
from jingwei.faces.api.route import DEEPEST, MOST_BYTES


def raw(here, body: bytes, *, path="/systems", login="engineer", kind="application/json"):
    return here.ask(login, "POST", path, content=body, headers={"Content-Type": kind})


def refused(response, status: int, code: str):
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["code"] == code, error
    assert set(error) == {"code", "field", "zh", "en"}
    assert error["zh"] != error["en"]
    return error


@pytest.mark.parametrize("header", [
    None, "", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "Bearer jw_unknown", "bearer jw_unknown", "jw_unknown",
    "Bearer null", "Bearer jw_\xff",
])  # fmt: skip
def test_without_a_key_that_counts_nothing_is_told(here, header):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    response = here.client.get("/systems", headers=headers)
    assert response.json()["error"]["code"] in {"faces.api:key-missing", "faces.api:key-unknown"}
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


def test_every_operation_but_health_wants_a_key(here):
    document = here.client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            made = path.replace("{kind}", "risks").replace("{sha256}", "0" * 64).replace("{evidence_id}", "0" * 64)
            for name in ("system", "component", "override", "request", "run", "token", "key", "grant", "account"):
                made = made.replace(f"{{{name}_id}}", "x")
            response = here.client.request(method.upper(), made.replace("{entry}", "x"))
            assert response.status_code == (200 if path == "/health" else 401), (method, path)


def test_a_cookie_opens_nothing(here):
    response = here.client.get("/systems", headers={"Cookie": f"jingwei_session={here.keys['admin']}"})
    refused(response, 401, "faces.api:key-missing")


def test_a_systems_own_key_opens_the_gateway_only(here):
    made = here.post("system_owner", f"/systems/{here.registered('keyed')}/keys", {"name": "intranet"})
    refused(here.ask(made["key"], "GET", "/systems"), 403, "faces.api:key-of-a-system")
    here.delete("system_owner", f"/system-keys/{made['record']['id']}")
    refused(here.ask(made["key"], "GET", "/systems"), 401, "faces.api:key-unknown")


def test_a_key_ends_with_its_account(here):
    here.add("leaver", "engineer")
    assert here.get("leaver", "/me")["account"]["login"] == "leaver"
    here.post("admin", f"/accounts/{here.people['leaver']}/deactivate", status=204)
    refused(here.ask("leaver", "GET", "/systems"), 401, "faces.api:key-unknown")


def test_a_narrow_key_does_only_what_it_is_for(here):
    here.add("nightly", "engineer", scopes=frozenset({"run.start"}))
    assert here.get("nightly", "/me")["scopes"] == ["run.start"]
    error = refused(here.ask("nightly", "POST", "/systems", json=here.file("narrow")), 403, "manage:outside-scope")
    assert "system.register" in error["en"]


def test_anybody_signed_in_reads_everything(here):
    here.add("newcomer")
    for path in (
        "/systems",
        "/requests",
        "/runs",
        "/events",
        "/events/counts",
        "/ledger/entries",
        "/accounts",
        "/reassessments",
    ):
        assert here.ask("newcomer", "GET", path).status_code == 200, path


def test_health_needs_no_key_and_tells_nothing_else(here):
    assert here.client.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize(("body", "code"), [
    (b"", "faces.api:body-unreadable"),
    (b"{", "faces.api:body-unreadable"),
    (b"\xff\xfe", "faces.api:body-unreadable"),
    (b'{"name": NaN}', "faces.api:body-unreadable"),
    (b'{"name": ' + b"9" * 5000 + b"}", "faces.api:body-unreadable"),
    (b'{"name": "a", "name": "b"}', "faces.api:name-twice"),
    (b'{"facts": {"autonomy": "L1", "autonomy": "L4"}}', "faces.api:name-twice"),
    (b'{"name": "a\\u0000b"}', "faces.api:text-unfit"),
    (b'{"name": "\\ud800"}', "faces.api:text-unfit"),
    (b'{"\\u0000": 1}', "faces.api:text-unfit"),
    (b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), "faces.api:body-too-deep"),
    (b"[" * 100_000 + b"]" * 100_000, "faces.api:body-too-deep"),
    (b"[]", "faces.api:field-unfit"),
    (b"null", "faces.api:field-unfit"),
    (b'"text"', "faces.api:field-unfit"),
])  # fmt: skip
def test_a_body_that_is_not_plain_bounded_json_is_refused(here, body, code):
    refused(raw(here, body), 422, code)


def test_a_body_of_another_kind_is_refused(here):
    refused(raw(here, b"name=x", kind="application/x-www-form-urlencoded"), 415, "faces.api:body-not-json")
    refused(raw(here, b"{}", kind="text/plain"), 415, "faces.api:body-not-json")


def test_a_large_body_is_refused_before_it_is_read(here):
    headers = {"Content-Type": "application/json", "Content-Length": str(10**9)}
    response = here.ask(
        "engineer", "POST", "/systems", content=b" " * (MOST_BYTES + 1), headers={"Content-Type": "application/json"}
    )
    refused(response, 413, "faces.api:body-too-large")
    response = here.ask("security", "POST", "/artefacts", content=b"x", headers=headers)
    refused(response, 413, "faces.api:body-too-large")


def test_a_body_that_does_not_tell_its_size_is_cut_off(here):
    pieces = (b" " * 65536 for _ in range(100))
    refused(here.ask("engineer", "POST", "/systems", content=pieces, headers={"Content-Type": "application/json"}), 413,
            "faces.api:body-too-large")  # fmt: skip


def test_an_upload_is_bounded_on_the_way_and_leaves_nothing(here):
    blobs = here.platform.settings.blobs_path
    before = sorted(blobs.rglob("*"))
    refused(here.ask("security", "POST", "/artefacts", content=(b"x" * 50_000 for _ in range(100))), 413,
            "faces.api:body-too-large")  # fmt: skip
    assert [path for path in blobs.rglob("*") if path.is_file()] == [path for path in before if path.is_file()]
    assert here.ask("security", "POST", "/artefacts", content=(b"x" * 1000 for _ in range(50))).json()["size"] == 50_000
    refused(here.ask("security", "POST", "/artefacts", content=b""), 422, "faces.api:upload-empty")


def test_only_those_who_enter_evidence_upload(here):
    refused(here.ask("auditor", "POST", "/artefacts", content=b"x"), 403, "faces.api:upload-not-allowed")


def test_an_unknown_field_is_refused_and_the_known_ones_are_named(here):
    error = refused(
        here.ask("engineer", "POST", "/systems", json={**here.file("u"), "grade": 1}), 422, "faces.api:field-unfit"
    )
    assert error["field"] == "grade"
    assert "purpose" in error["en"]
    assert "purpose" in error["zh"]


@pytest.mark.parametrize(("change", "field"), [
    ({"name": 5}, "name"), ({"name": ""}, "name"), ({"name": "x" * 121}, "name"), ({"facts": []}, "facts"),
    ({"upstream": {"url": "u", "key_env": "A B"}}, "upstream.key_env"), ({"components": [{"kind": "gpu"}]}, "components.0.kind"),
])  # fmt: skip
def test_a_wrong_field_is_named_in_both_languages(here, change, field):
    error = refused(
        here.ask("engineer", "POST", "/systems", json=here.file("f") | change), 422, "faces.api:field-unfit"
    )
    assert error["field"] == field


@pytest.mark.parametrize(("path", "body", "field"), [
    ("/systems/x/overrides", {"grade": "3", "reason": "r"}, "grade"),
    ("/systems/x/overrides", {"grade": 3, "reason": "r", "expires_at": 0}, "expires_at"),
    ("/systems/x/overrides", {"grade": 3, "reason": "r", "expires_at": "2026-12-31T00:00:00"}, "expires_at"),
    ("/requests/x/sign", {"role": "security", "password": "p", "approves": 1}, "approves"),
    ("/systems/x/policy/preview", {"tools": [{"name": "t", "needs_person": "no"}]}, "tools.0.needs_person"),
])  # fmt: skip
def test_nothing_is_read_as_something_else(here, path, body, field):
    assert refused(here.ask("security", "POST", path, json=body), 422, "faces.api:field-unfit")["field"] == field


def test_a_missing_and_an_unknown_fact_are_named(here):
    file = here.file("facts")
    short = {**file, "facts": {name: value for name, value in file["facts"].items() if name != "autonomy"}}
    assert (
        refused(here.ask("engineer", "POST", "/systems", json=short), 422, "manage:facts-missing")["field"]
        == "facts.autonomy"
    )
    wrong = here.file("facts", autonomy="L9")
    assert (
        refused(here.ask("engineer", "POST", "/systems", json=wrong), 422, "manage:fact-value")["field"]
        == "facts.autonomy"
    )


def test_a_file_on_the_servers_disk_is_never_read(here):
    file = {**here.file("files"), "components": [{"kind": "model", "name": "m", "files": ["/etc/passwd"]}]}
    refused(here.ask("engineer", "POST", "/systems", json=file), 422, "manage:files-without-folder")
    target = {"kind": "file", "locator": "/etc/passwd"}
    system_id = here.registered("no files")
    refused(here.ask("engineer", "POST", f"/systems/{system_id}/runs", json={"check": "data-scan", "target": target}), 422,
            "faces.api:field-unfit")  # fmt: skip


def test_a_secret_is_never_said_back(here):
    for body in (
        {"old_password": ["hunter2hunter2"], "new_password": "x"},
        {"old_password": {"hunter2": 1}, "new_password": "y"},
    ):
        response = here.ask("auditor", "PUT", "/me/password", json=body)
        assert response.status_code == 422
        assert "hunter2" not in response.text


@pytest.mark.parametrize(("path", "allowed"), [
    ("/systems", "GET, POST"), ("/systems/x", "GET, PATCH"), ("/systems/x/grade", "GET, POST"), ("/health", "GET"),
    ("/me/keys/x", "DELETE"),
])  # fmt: skip
def test_a_wrong_method_is_told_the_right_ones(here, path, allowed):
    response = here.ask("auditor", "TRACE", path)
    refused(response, 405, "faces.api:method-unknown")
    assert response.headers["allow"] == allowed


def test_an_unknown_address_is_said_in_json(here):
    refused(here.ask("auditor", "GET", "/nothing"), 404, "faces.api:path-unknown")
    refused(here.ask("auditor", "GET", "/systems/"), 404, "faces.api:path-unknown")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "offset=-1", "limit=x", "offset=99999999999999999999", "status=happy"]
)
def test_a_page_is_asked_for_within_bounds(here, query):
    refused(here.ask("auditor", "GET", f"/systems?{query}"), 422, "faces.api:field-unfit")


@pytest.mark.parametrize("system_id", ["x" * 65, "a%20b", "a%00b", "..%2f", "%E4%BD%A0"])
def test_an_odd_id_is_refused(here, system_id):
    assert here.ask("auditor", "GET", f"/systems/{system_id}").status_code in {404, 422}


def test_every_answer_tells_browsers_to_run_nothing(here):
    for response in (
        here.client.get("/health"),
        here.ask("auditor", "GET", "/nothing"),
        here.ask("auditor", "GET", "/ledger/export"),
    ):
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"


def test_there_is_no_page_that_loads_from_elsewhere(here):
    assert [here.client.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_the_document_says_everything_in_both_languages_and_gives_examples(here):
    document = here.client.get("/openapi.json").json()
    said = {f"{each.en}\n\n{each.zh}" for each in texts("faces.api").values()}
    names = []
    for operations in document["paths"].values():
        for operation in operations.values():
            names.append(operation["operationId"])
            assert operation["description"] in said, operation["operationId"]
            for content in operation.get("requestBody", {}).get("content", {}).items():
                assert content[0] == "application/octet-stream" or content[1]["examples"], operation["operationId"]
            for parameter in operation.get("parameters", []):
                assert parameter["name"] in {"kind", "entry"} or " · " in parameter["description"], parameter
    assert len(set(names)) == len(names)


def test_something_that_breaks_inside_is_said_without_its_inside(here, monkeypatch):
    def broken(*_arguments, **_more):
        raise RuntimeError("the inside")

    monkeypatch.setattr(type(here.platform.ledger), "count", broken)
    response = here.ask("auditor", "GET", "/ledger/entries")
    refused(response, 500, "faces.api:broken")
    assert "inside" not in json.dumps(response.json()["error"]["code"])
    assert "the inside" not in response.text


def test_a_locked_store_is_said_to_be_unavailable(here, monkeypatch):
    from jingwei.core.errors import Unavailable

    def locked(*_arguments, **_more):
        raise Unavailable("core:store-locked", place="jingwei.db")

    monkeypatch.setattr(type(here.platform.ledger), "count", locked)
    response = here.ask("auditor", "GET", "/ledger/entries")
    refused(response, 503, "core:store-locked")
    assert response.headers["retry-after"]


@pytest.mark.parametrize("since", ["0", "0.5", "2026-01-01", "2026-01-01T00:00:00", "yesterday"])
def test_a_moment_is_written_with_its_time_zone(here, since):
    refused(here.ask("auditor", "GET", f"/events/counts?since={since}"), 422, "faces.api:field-unfit")


@pytest.mark.parametrize(("document", "language"), [("api.md", "en"), ("api.zh.md", "zh")])
def test_the_reference_lists_every_operation_as_it_is(here, document, language):
    described = here.client.get("/openapi.json").json()["paths"]
    told = {
        f"`{method.upper()} {path}` | {texts('faces.api')[operation['operationId']].of(language).rstrip('.。')}"
        for path, operations in described.items()
        for method, operation in operations.items()
    }
    written = (Path(__file__).parents[3] / "docs" / "reference" / document).read_text(encoding="utf-8")
    assert {
        line.strip("| ") for line in written.splitlines() if line.startswith(("| `GET", "| `P", "| `DELETE"))
    } == told
