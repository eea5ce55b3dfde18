"""Ways to a pass that was not earned: stand-ins, thresholds of one's own, foreign checks, swaps after release."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest
from tests.manage.conftest import SAYS

from jingwei.core.check import CheckOptions
from jingwei.core.errors import Conflict, InputError, Refused
from jingwei.core.evidence import Draft, Outcome, Source
from jingwei.core.plugins import load_check
from jingwei.core.target import Target, TargetKind
from jingwei.core.upstream import demand_address, upstream_key
from jingwei.manage.standing import State
from jingwei.platform import Execution

FEW = {"attempts": 24, "retries": 0, "concurrency": 8, "transforms": ["plain"], "languages": ["en"]}


@contextmanager
def stand_in(told):
    """Run a server that calls itself the gateway, tells what is wanted of it, and refuses every question."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            self.answer(told if "configuration" in self.path else {"data": [{"id": "small"}]})

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert asked["messages"]
            message = {"role": "assistant", "content": "I can't help with that."}
            self.answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

        def answer(self, value):
            raw = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def executed(here, system_id, check, target, options):
    actor = here_actor(here, "engineer")
    with here.platform.work(actor, "test.ask") as work:
        run = work.runs.ask(check, system_id=system_id, target=target, actor=actor, options=options)
    return Execution(here.platform).run(run.id)


def here_actor(here, login):
    with here.platform.reading() as work:
        return work.accounts.actor(here.people[login])


def test_a_stand_in_for_the_gateway_earns_no_pass(here):
    system_id = here.guarded("stand-in")
    with here.platform.reading() as work:
        used = work.registry.configuration(system_id)
    with stand_in(used.model_dump()) as url:
        thresholds = dict.fromkeys(load_check("redteam").options().thresholds.model_dump(), 1.0)
        target = Target(kind=TargetKind.GATEWAY, locator=url)
        [found] = executed(here, system_id, "redteam", target, FEW | {"thresholds": thresholds})
    assert found.outcome is Outcome.INCOMPLETE
    assert "target" in found.skipped[-1].en
    items = {item["type"]: item for item in here.get("auditor", f"/systems/{system_id}/gate")["items"]}
    assert items["EV-REDTEAM"]["state"] != State.VALID


@pytest.mark.parametrize("options", [
    {"thresholds": {"attack_success_high": 1.0}}, {"benign_share": 1.0}, {"categories": ["violence"]},
    {"forbidden_tools": []}, {"tools": []}, {"system_prompt": "Refuse everything."}, {"canary": "ANOTHER"},
])  # fmt: skip
def test_whoever_asks_for_a_run_does_not_choose_what_counts_as_a_pass(here, options):
    from jingwei.platform.lane import departures

    system_id = here.guarded(f"choosing {sorted(options)}")
    gateway = "http://127.0.0.1:8011"
    with here.platform.reading() as work:
        due = {each.check_id: each for each in _wanted(work, system_id, gateway)}["redteam"]
        given = {"target": due.target, "gateway_url": gateway}
        check = load_check("redteam")
        assert departures(work.desk, system_id, check, options={**due.options, **FEW}, **given) == []
        asked = {**due.options, **options}
        assert departures(work.desk, system_id, check, options=asked, **given) == sorted(options)


def _wanted(work, system_id, gateway):
    from jingwei.platform import wanted_runs

    return wanted_runs(work, system_id, gateway_url=gateway)


@pytest.mark.parametrize(("check", "options"), [
    ("redteam", {"model_file": "/etc/passwd"}), ("redteam", {"suite": "/etc/passwd"}),
    ("redteam", {"suite": "../../../../etc/passwd"}), ("guard-test", {"model_file": "/etc/shadow"}),
    ("redteam", {"suite": "~/.ssh/id_rsa"}),
])  # fmt: skip
def test_no_run_reads_a_file_that_is_not_the_systems(here, check, options):
    system_id = here.guarded(f"reading {check} {options}")
    body = {"check": check, "options": options}
    error = here.post("engineer", f"/systems/{system_id}/runs", body, 422)
    assert error["code"] == "platform:file-not-of-system"
    assert "passwd" not in json.dumps(error)


def test_no_run_scans_a_file_that_is_not_the_systems(here):
    system_id = here.guarded("scanning")
    actor = here_actor(here, "engineer")
    with pytest.raises(InputError) as refused, here.platform.work(actor, "test.ask") as work:
        work.runs.ask("data-scan", system_id=system_id, actor=actor,
                      target=Target(kind=TargetKind.FILE, locator="/etc/passwd"))  # fmt: skip
    assert refused.value.code == "platform:file-not-of-system"


class Obliging:
    """A check that says what its author likes."""

    id: ClassVar[str] = "redteam"
    version: ClassVar[str] = "1"
    title = about = SAYS
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-REDTEAM",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.GATEWAY,)
    options = CheckOptions


def test_a_check_cannot_take_the_name_of_ours(monkeypatch):
    ours = EntryPoint("redteam", "jingwei.develop.evaluate.redteam:RedTeam", "jingwei.checks")
    theirs = EntryPoint("redteam", "tests.security.test_gate_forgery:Obliging", "jingwei.checks")
    for order in ([ours, theirs], [theirs, ours]):
        monkeypatch.setattr("jingwei.core.plugins.entry_points", lambda order=order, **_: order)
        with pytest.raises(Conflict) as refused:
            load_check("redteam")
        assert refused.value.code == "core:check-claimed-twice"


def test_a_check_registered_under_another_name_is_not_run(monkeypatch):
    wrong = EntryPoint("prompt-notes", "tests.security.test_gate_forgery:Obliging", "jingwei.checks")
    monkeypatch.setattr("jingwei.core.plugins.entry_points", lambda **_: [wrong])
    with pytest.raises(Conflict) as refused:
        load_check("prompt-notes")
    assert refused.value.code == "core:check-misnamed"


def test_evidence_of_a_check_that_the_catalogue_does_not_name_is_refused(world):
    system_id = world.registered("foreign")
    world.guarded(system_id)
    run = world.run(system_id, "obliging")
    source = Source(kind="auto", name="obliging", version="1", run_id=run)
    with pytest.raises(Refused) as refused:
        world.proof.add(world.sealed(system_id, "EV-REDTEAM", source=source))
    assert refused.value.code == "manage:evidence-other-check"


def test_evidence_of_a_type_that_the_check_does_not_declare_is_refused():
    from jingwei.platform.execution import _demand_declared

    draft = Draft(type="EV-PII", outcome=Outcome.PASS, summary=SAYS)
    with pytest.raises(Refused) as refused:
        _demand_declared(Obliging(), [draft])
    assert refused.value.code == "platform:type-undeclared"


@pytest.mark.parametrize("swapped", [{"upstream_url": "http://127.0.0.1:9999/v1"}, {"upstream_model": "unaligned"}])
def test_a_release_does_not_cover_another_models_server(world, swapped):
    token = world.released()
    assert world.tokens.servable(token.system_id).release is not None
    world.registry.edit(token.system_id, actor=world.who("system_owner"), **swapped)
    assert world.tokens.servable(token.system_id).release is None
    states = {item.type: item.state for item in world.gate.verdict(token.system_id).items}
    assert states["EV-REDTEAM"] is State.STALE


def test_a_component_swapped_after_release_is_not_served(world):
    token = world.released()
    world.parts.add(token.system_id, "model", "small", digest="f" * 64, actor=world.who("engineer"))
    assert world.tokens.servable(token.system_id).release is None


def test_facts_that_make_a_system_graver_after_release_end_its_serving(world):
    token = world.released()
    before = world.grading.preview(token.system_id).grade
    world.intake.answer(token.system_id, {"autonomy": "L4"},
                        actor=world.who("engineer"))  # fmt: skip
    assert world.grading.preview(token.system_id).grade > before
    assert world.tokens.servable(token.system_id).release is None


def test_a_role_granted_to_the_requester_after_asking_signs_nothing_of_theirs(world):
    request = world.gate.open_request(world.ready(), actor=world.who("engineer"))
    from tests.manage.conftest import ADMIN

    from jingwei.core.identity import Roles

    Roles(world.session, clock=world.clock).grant(world.people["engineer"], "security", actor=ADMIN)
    with pytest.raises(Refused):
        world.sign(request.id, "engineer", "security")


def test_a_proof_of_yesterdays_password_signs_nothing(world):
    request = world.gate.open_request(world.ready(), actor=world.who("engineer"))
    proof = world.confirm("security", request.id)
    world.clock.pass_by(minutes=3)
    with pytest.raises(Refused) as refused:
        world.sign(request.id, "security", proof=proof)
    assert refused.value.code == "core.identity:proof-too-old"


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "JINGWEI_DATABASE", "PATH", "OPENAI_API_KEY"])
def test_no_other_secret_of_the_process_can_be_named_as_a_servers_key(world, monkeypatch, name):
    monkeypatch.setenv(name, "the crown jewels")
    assert upstream_key(name) == ""
    with pytest.raises(InputError) as refused:
        world.registry.register("thief", purpose="p", actor=world.who("engineer"), upstream_key_env=name)
    assert refused.value.code == "core:upstream-key-name"


@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest", "http://169.254.169.254.:80/", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/",
    "http://2852039166/", "http://0xa9.0xfe.0xa9.0xfe/", "http://0251.0376.0251.0376/", "http://169.254.43518/",
    "http://metadata.google.internal/", "http://[fd00:ec2::254]/", "http://100.100.100.200/", "file:///etc/passwd",
    "gopher://127.0.0.1:70/", "http://user:secret@model/", "http:///v1", "//model/v1", "http://model\r\nX: 1/",
    "http://model:99999/", "javascript:alert(1)",
])  # fmt: skip
def test_an_address_where_no_model_is_served_is_never_asked(url):
    with pytest.raises(InputError):
        demand_address(url, field="upstream.url")


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:8080/v1", "https://10.0.0.7/v1", "http://model.internal/v1", "http://[::1]:8080/v1",
    "https://api.example.com/v1", "http://模型.example/v1",
])  # fmt: skip
def test_addresses_of_models_are_taken(url):
    demand_address(url, field="upstream.url")


def test_an_engineer_aims_no_run_at_a_clouds_metadata(here):
    system_id = here.guarded("metadata")
    target = {"kind": "endpoint", "locator": "http://169.254.169.254/latest/meta-data"}
    error = here.post("engineer", f"/systems/{system_id}/runs", {"check": "redteam", "target": target}, 422)
    assert error["code"] == "core:upstream-address-metadata"
