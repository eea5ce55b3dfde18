"""What a service is told for, how it is reported, and what the check makes of it."""

import asyncio
import json

import pytest
from tests.deploy.fingerprint.conftest import answering, examined, page, raw_of

from jingwei.core.check import Run, examine_all
from jingwei.core.errors import InputError, Unavailable
from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.finding import Severity
from jingwei.core.target import Target, TargetKind
from jingwei.deploy.fingerprint import ExposureScan, ExposureScanOptions, Options, exposure_map, scan
from jingwei.deploy.fingerprint.findings import ORIGIN
from jingwei.deploy.fingerprint.rule import fixtures
from jingwei.deploy.fingerprint.scanner import known_ports
from jingwei.deploy.scanned import ScanVerdict, report

FIXTURES = fixtures()


def served(component, login):
    return next(each for each in FIXTURES if (each["component"], each["login"]) == (component, login))


def serving(loopback, component, login):
    fixture = served(component, login)
    return loopback(answering(lambda path: raw_of(fixture, path)))


def rules(one):
    return {each.rule_id: each for each in one.findings}


@pytest.mark.parametrize(
    ("component", "rule", "severity"),
    [
        ("jupyter-server", "exposure.open-runs-code", Severity.CRITICAL),
        ("ollama", "exposure.open-manages-models", Severity.HIGH),
        ("qdrant", "exposure.open-reads-data", Severity.HIGH),
        ("vllm", "exposure.open-uses-model", Severity.MEDIUM),
        ("tensorboard", "exposure.open-shows-state", Severity.LOW),
        ("gradio", "exposure.open-serves-app", Severity.LOW),
    ],
)
def test_what_is_open_is_as_bad_as_what_it_lets_others_do(component, rule, severity, loopback):
    one = examined(serving(loopback, component, "open"))
    assert rules(one)[rule].severity is severity
    assert rules(one)[rule].evidence.startswith("GET /")
    assert one.facts["auth"] == "open"


def test_a_login_that_is_asked_for_is_no_finding(loopback):
    one = examined(serving(loopback, "jupyter-server", "login"))
    assert not [each for each in rules(one) if each.startswith("exposure.open")]
    assert (one.facts["component"], one.facts["version"], one.facts["auth"]) == ("jupyter-server", "2.21.1", "login")
    assert one.facts["also"] == "jupyterlab login"
    assert one.facts["purl"] == "pkg:pypi/jupyter-server@2.21.1"
    assert one.verdict is ScanVerdict.CLEAN


def test_an_unknown_version_is_told_apart(loopback):
    one = examined(serving(loopback, "ray", "login"))
    assert rules(one)["exposure.version-unknown"].severity is Severity.INFO
    assert one.facts["version"] == ""


def test_foreign_origins_with_credentials_are_told(loopback):
    answer = page(200, "x", Access_Control_Allow_Origin=ORIGIN, Access_Control_Allow_Credentials="true")
    assert "exposure.cors" in rules(examined(loopback(answering(lambda path: answer))))
    answer = page(200, "x", Access_Control_Allow_Origin="*")
    assert "exposure.cors" not in rules(examined(loopback(answering(lambda path: answer))))


def test_a_debugger_on_an_error_page_is_critical(loopback):
    body = '<title>Error // Werkzeug Debugger</title><script>var EVALEX = true, SECRET = "s";</script><script src="?__debugger__=yes&cmd=resource">'
    one = examined(loopback(answering(lambda path: page(500, body))))
    assert rules(one)["exposure.debugger"].severity is Severity.CRITICAL
    assert "SECRET" not in rules(one)["exposure.debugger"].evidence


def test_a_debug_page_is_told(loopback):
    body = "<title>Page not found</title>You're seeing this error because you have <code>DEBUG = True</code>"
    assert "exposure.debug-page" in rules(examined(loopback(answering(lambda path: page(404, body)))))


def test_documentation_that_is_open_is_told(loopback):
    spec = json.dumps({"openapi": "3.1.0", "info": {"title": "Shop"}, "paths": {"/a": {}, "/b": {}}})
    one = examined(
        loopback(answering(lambda p: page(200, spec, "application/json") if p == "/openapi.json" else page(404)))
    )
    assert "2" in rules(one)["exposure.docs"].detail.en


def test_what_a_service_says_is_printed_safely(loopback):
    body = json.dumps({"object": "list", "data": [{"id": "\x1b[2J{x}" + "a" * 500, "object": "model"}]})
    one = examined(
        loopback(answering(lambda p: page(200, body, "application/json") if p == "/v1/models" else page(404)))
    )
    evidence = rules(one)["exposure.models-listed"].evidence
    assert evidence.isprintable()
    assert len(evidence) <= 161


def test_every_finding_reads_in_both_languages(loopback):
    one = examined(serving(loopback, "ollama", "open"))
    for language in ("zh", "en"):
        told = report([one], language)["files"][0]["findings"]
        assert all(each["title"] and each["message"] and each["remedy"] for each in told)
        assert not any("{" in each["message"] for each in told)


def test_every_request_is_logged(loopback, tmp_path):
    server = serving(loopback, "ollama", "open")
    log = tmp_path / "requests.jsonl"
    (one,) = scan(f"127.0.0.1:{server.port}", Options(log=str(log), per_second=1000))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == len(server.heard) == int(one.facts["requests"])
    assert {each["method"] for each in lines} == {"GET"}
    assert all(each["url"].startswith(server.url) for each in lines)


def test_without_a_place_for_the_log_nothing_is_asked(loopback, tmp_path):
    server = serving(loopback, "ollama", "open")
    with pytest.raises(InputError) as caught:
        list(scan(server.url, Options(log=str(tmp_path / "none" / "log"))))
    assert caught.value.field == "log"
    assert server.heard == []


def test_a_host_is_asked_at_every_known_port_and_closed_ones_are_no_gaps(monkeypatch, loopback):
    server = serving(loopback, "ollama", "open")
    closed = loopback(answering(lambda path: page()))
    closed.close()
    monkeypatch.setattr("jingwei.deploy.fingerprint.scanner.known_ports", lambda: (closed.port, server.port))
    (one,) = scan("127.0.0.1", Options(per_second=1000))
    assert one.facts["component"] == "ollama"
    monkeypatch.setattr("jingwei.deploy.fingerprint.scanner.known_ports", lambda: (closed.port,))
    (none,) = scan("127.0.0.1", Options())
    assert (none.verdict, none.facts) == (ScanVerdict.CLEAN, {"ports_closed": "1"})


def test_a_named_port_where_nobody_listens_is_a_gap(loopback):
    server = serving(loopback, "ollama", "open")
    server.close()
    (one,) = scan(server.url, Options())
    assert one.verdict is ScanVerdict.INCOMPLETE


def test_the_default_ports_are_few_and_include_the_notorious():
    assert {11434, 8888, 8265, 7860, 5678, 6333, 9200} <= set(known_ports())
    assert len(known_ports()) < 80


def test_the_map_shows_hosts_services_and_logins(loopback):
    told = exposure_map([examined(serving(loopback, "ollama", "open")), examined(serving(loopback, "ray", "login"))])
    (host,) = told["hosts"]
    assert (host["address"], host["loopback"]) == ("127.0.0.1", True)
    assert [(each["component"], each["auth"]) for each in host["services"]] == [("ollama", "open"), ("ray", "login")]
    assert host["services"][0]["worst"] == "high"


def checked(url, **options):
    files = {}

    def keep(name, media_type, content):
        files[name] = content
        return Artefact(name=name, media_type=media_type, sha256="0" * 64, size=len(content))

    check = ExposureScan()
    run = Run(
        "run", Target(kind=TargetKind.ENDPOINT, locator=url), ExposureScanOptions(per_second=1000, **options), keep
    )
    units = check.plan(run)
    results = asyncio.run(examine_all(check, run, units, done={}, each=lambda *_: None))
    (draft,) = check.conclude(run, units, results)
    return draft, files


def test_an_open_service_fails_the_check_and_evidence_keeps_everything(loopback):
    server = serving(loopback, "ollama", "open")
    draft, files = checked(server.url + "/v1")
    assert (draft.type, draft.outcome, draft.examined) == ("EV-CONFIG", Outcome.FAIL, 1)
    assert set(files) == {"scan.json", "exposure-map.json", "requests.jsonl"}
    assert len(files["requests.jsonl"].splitlines()) == len(server.heard)
    assert {each.name: each.value for each in draft.measures}["open"] == 1
    assert json.loads(files["scan.json"])["kind"] == "exposure"


def test_a_service_with_a_login_passes_and_another_version_is_another_deployment(loopback):
    first, _ = checked(serving(loopback, "mlflow", "login").url)
    second, _ = checked(serving(loopback, "xinference", "login").url)
    assert first.outcome is second.outcome is Outcome.PASS
    assert first.bindings[0].digest != second.bindings[0].digest


def test_a_service_that_is_not_there_stops_the_check(loopback):
    server = serving(loopback, "ollama", "open")
    server.close()
    with pytest.raises(BaseExceptionGroup) as caught:
        checked(server.url)
    assert caught.group_contains(Unavailable)


def test_the_check_asks_nothing_out_of_scope():
    with pytest.raises(InputError, match="scope"):
        checked("http://192.0.2.1:8000/v1")


def test_a_service_that_only_reports_errors_of_its_own_is_no_pass(loopback):
    body = '{"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}'
    one = examined(loopback(answering(lambda path: page(503, body, "application/json", server="llama.cpp"))))
    assert one.facts["component"] == "llama-cpp"
    assert one.verdict is ScanVerdict.INCOMPLETE


def test_keys_left_in_the_web_folder_are_told_and_never_shown(loopback):
    key = "sk-" + "a1b2" * 6
    env = f"# ours\nDEBUG=1\nOPENAI_API_KEY={key}\n"
    tools = '{"mcpServers": {"files": {"command": "npx"}}}'
    paths = {"/.env": page(200, env, "text/plain"), "/.mcp.json": page(200, tools, "application/json")}
    one = examined(loopback(answering(lambda path: paths.get(path, page(404)))))
    assert rules(one)["exposure.keys-served"].severity is Severity.CRITICAL
    assert "OPENAI_API_KEY" in rules(one)["exposure.keys-served"].evidence
    assert "files" in rules(one)["exposure.tools-served"].evidence
    assert key not in one.model_dump_json()


def test_a_page_for_every_path_holds_no_keys(loopback):
    body = "<html>OPENAI_API_KEY=xxxxxxxxxxxxxxxxxxxx\nOPENAI_API_KEY=xxxxxxxxxxxxxxxxxxxx</html>"
    one = examined(loopback(answering(lambda path: page(200, body))))
    assert "exposure.keys-served" not in rules(one)


def test_a_login_before_everything_is_told(loopback):
    assert examined(loopback(answering(lambda path: page(401, "no")))).facts["auth"] == "login"


def test_something_else_on_a_known_port_of_a_host_is_no_gap(monkeypatch, loopback):
    async def handle(head, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")

    server = loopback(handle)
    monkeypatch.setattr("jingwei.deploy.fingerprint.scanner.known_ports", lambda: (server.port,))
    (one,) = scan("127.0.0.1", Options())
    assert (one.facts["answered"], one.verdict) == ("not-http", ScanVerdict.CLEAN)
    (named,) = scan(server.url, Options())
    assert named.verdict is ScanVerdict.INCOMPLETE
