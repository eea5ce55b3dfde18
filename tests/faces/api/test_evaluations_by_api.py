"""Evaluations over HTTP: what evidence says, a run of chosen suites, and the people's queue."""

import pytest

from jingwei.core.evidence import Artefact, Binding, BoundTo, Draft, Measure, Outcome, Source, seal
from jingwei.core.ids import new_id
from jingwei.core.store.tables import CheckRunRow
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.develop.evaluate.result import Result
from jingwei.develop.evaluate.verdict import State, Verdict

SAYS = Both(zh="测试", en="test")


def result_of(number, state):
    return Result(
        id=f"{number:016x}", suite="content-31", case=f"case-{number}", language="en", category="fraud",
        transform="plain", verdict=Verdict(state=state, score=0.9), answer_sha256="0" * 64, answer_length=9,
        answer_redacted="Answer", asked_redacted="Request", milliseconds=100,
    )  # fmt: skip


def measure(name, value, samples):
    return Measure(name=name, title=Both(zh="比率", en="Rate"), value=value, low=0.0, high=1.0, samples=samples)


MEASURES = (
    measure("attack_success_rate", 0.2, 40), measure("undetermined_rate", 0.1, 40),
    measure("attack_success_rate.language.zh", 0.4, 20), measure("attack_success_rate.language.en", 0.0, 20),
    measure("attack_success_rate.tag.tc260:a1-a", 0.2, 40),
)  # fmt: skip


@pytest.fixture(scope="module")
def system_id(here):
    return here.guarded("assistant-evaluated")


@pytest.fixture(scope="module")
def evidence_id(here, system_id):
    """Evidence of forty attempts: eight succeeded, four were left open, the rest was resisted."""
    states = [State.ATTACK_SUCCEEDED] * 8 + [State.UNDETERMINED] * 4 + [State.RESISTED] * 28
    lines = "".join(f"{result_of(n, state).model_dump_json()}\n" for n, state in enumerate(states)).encode()
    blob = here.platform.blobs.put(lines)
    kept = Artefact(name="attempts-content-31.jsonl", media_type="application/jsonl", sha256=blob.sha256,
                    size=blob.size)  # fmt: skip
    target = Target(kind=TargetKind.GATEWAY, locator="http://127.0.0.1:8011")
    with here.platform.work(here_actor(here), "test") as work:
        run = CheckRunRow(
            id=new_id("run"), created_at=work.desk.clock(), check_id="evaluate", system_id=system_id, options={},
            target=target.model_dump(mode="json"), through_gateway=True, requested_by=here.people["engineer"],
            status="running", evidence_ids=[],
        )  # fmt: skip
        work.desk.session.add(run)
        work.desk.session.flush()
        parts = work.registry.configuration(system_id)
        parts = parts.model_copy(update={"observed": ("gateway", "model", "policy", "prompt", "tools")})
        bindings = tuple(Binding(to=BoundTo.CONFIGURATION, digest=each, observed=True)
                         for each in work.registry.in_use(system_id).digests[BoundTo.CONFIGURATION])  # fmt: skip
        draft = Draft(type="EV-BENCH", outcome=Outcome.FAIL, summary=SAYS, configuration=parts, bindings=bindings,
                      measures=MEASURES, artefacts=(kept,), examined=40)  # fmt: skip
        at = work.desk.clock()
        sealed = seal(draft, system_id=system_id, target=target, started_at=at, finished_at=at,
                      source=Source(kind="auto", name="evaluate", version="1", run_id=run.id),
                      signer=work.desk.signer)  # fmt: skip
        return work.proof.add(sealed)


def here_actor(here):
    with here.platform.reading() as work:
        return work.accounts.actor(here.people["engineer"])


def test_what_an_evaluation_says_is_read_back_from_its_evidence(here, system_id, evidence_id):
    (found,) = here.get("auditor", f"/systems/{system_id}/evaluations")["items"]
    assert (found["evidence_id"], found["suite"], found["open"], found["guarded"]) == (
        evidence_id, "content-31", 4, True,
    )  # fmt: skip
    assert [each["name"] for each in found["rates"]] == ["attack_success_rate", "undetermined_rate"]
    (gap,) = found["gaps"]
    assert gap["difference"] == pytest.approx(0.4)
    assert gap["low"] > 0
    assert found["places"] == [{"place": "tc260:a1-a", "kind": "attack", "hits": 8, "samples": 40}]


def asked(here, system_id, **body):
    """Ask for a run; no job process is there to take it, so it is recorded and closed at once."""
    refused = here.post("engineer", f"/systems/{system_id}/evaluations", body, status=503)
    assert refused["code"] == "core:job-worker-absent"
    (run,) = here.get("engineer", f"/runs?system={system_id}&limit=1")["items"]
    assert run["status"] == "failed"
    return run


def test_chosen_suites_are_run_through_the_gateway_or_on_the_model(here, system_id):
    offered = {each["id"]: each["evidence_type"] for each in here.get("auditor", "/evaluation-suites")}
    assert offered["bias"] == "EV-FAIR"
    run = asked(here, system_id, suites=["bias", "content-31"], through="model", limit=20)
    assert (run["check_id"], run["target"]["kind"], run["options"]["limit"]) == ("evaluate", "endpoint", 20)
    assert run["options"]["suites"] == ["bias", "content-31"]
    run = asked(here, system_id, suites=["bias"])
    assert run["target"]["kind"] == "gateway"
    assert "limit" not in run["options"]


def test_a_run_that_cannot_be_is_one_clear_error(here, system_id):
    unknown = here.post("engineer", f"/systems/{system_id}/evaluations", {"suites": ["/etc/passwd"]}, status=422)
    assert unknown["code"] == "platform:evaluation-suites"
    bare = here.registered("assistant-without-a-guard")
    found = here.post("engineer", f"/systems/{bare}/evaluations", {"suites": ["bias"]}, status=422)
    assert found["code"] == "platform:evaluation-no-gateway"
    here.post("auditor", f"/systems/{system_id}/evaluations", {"suites": ["bias"]}, status=403)


def test_the_queue_holds_what_is_open_and_some_that_is_decided_and_tells_no_verdict(here, evidence_id):
    queue = here.get("security", f"/evidence/{evidence_id}/reviews/queue?limit=200")["items"]
    assert len(queue) == 40
    assert {key for each in queue for key in each} == {"id", "language", "category", "asked", "answer", "answer_length"}
    assert [each["id"] for each in queue] != sorted(each["id"] for each in queue)


def test_a_word_is_kept_in_the_ledger_counted_and_final(here, evidence_id):
    before = here.platform.ledger.count()
    path = f"/evidence/{evidence_id}/reviews"
    found = here.post("security", f"{path}/{0:016x}", {"decision": "unsafe"}, status=200)
    assert (found["judge"], found["decision"]) == ("attack_succeeded", "unsafe")
    assert here.platform.ledger.count() == before + 1
    here.post("security", f"{path}/{20:016x}", {"decision": "safe"}, status=200)
    here.post("security", f"{path}/{9:016x}", {"decision": "unsafe", "note": "It helps."}, status=200)
    told = here.get("auditor", f"{path}/agreement")
    assert (told["decisions"], told["compared"], told["same"], told["kappa"]) == (3, 2, 2, 1.0)
    assert (told["open"], told["open_decided"], told["open_unsafe"]) == (4, 1, 1)
    assert len(here.get("security", f"{path}/queue?limit=200")["items"]) == 37
    assert len(here.get("legal", f"{path}/queue?limit=200")["items"]) == 40
    assert here.get("security", path)["items"][0]["note"] == "It helps."
    again = here.post("security", f"{path}/{0:016x}", {"decision": "safe"}, status=409)
    assert again["code"] == "platform:review-decided"


def test_who_may_not_decides_nothing_and_what_is_not_there_is_not_found(here, evidence_id):
    path = f"/evidence/{evidence_id}/reviews"
    here.post("engineer", f"{path}/{1:016x}", {"decision": "safe"}, status=403)
    here.post("security", f"{path}/nothing", {"decision": "safe"}, status=404)
    here.post("security", f"{path}/{1:016x}", {"decision": "perhaps"}, status=422)
    here.get("security", f"/evidence/{'0' * 64}/reviews/queue", status=404)
